package org.ttame.backbones.architecture;

import org.ttame.core.Text;
import org.ttame.core.image.ImageSize;

/**
 * Vision transformer, pre-norm: patches by a strided convolution, a class token in front, learned
 * positions, blocks of self-attention and a GELU perceptron, a final normalisation, and a linear
 * layer on the class token.
 *
 * @param side height and width of the images
 * @param patch height and width of a patch; divides the side
 * @param width of a token
 * @param depth number of blocks
 * @param heads attention heads; divide the width
 * @param mlp width of the perceptron's hidden layer
 * @param normEps eps of the layer normalisations
 * @param classes number of classes
 */
public record VitArchitecture(
    int side, int patch, int width, int depth, int heads, int mlp, double normEps, int classes)
    implements Architecture {
  /** The eps of torchvision's vision transformers. */
  public static final double NORM_EPS = 1e-6;

  public VitArchitecture {
    Checks.positive("side", side);
    Checks.positive("patch", patch);
    Checks.positive("width", width);
    Checks.positive("depth", depth);
    Checks.positive("number of heads", heads);
    Checks.positive("perceptron width", mlp);
    Checks.positive("classes", classes);
    if (side % patch != 0) {
      throw new IllegalArgumentException(
          Text.format("Patches of %d do not tile an image of %d", patch, side));
    }
    if (width % heads != 0) {
      throw new IllegalArgumentException(
          Text.format("%d heads do not divide a width of %d", heads, width));
    }
    if (!(normEps > 0)) {
      throw new IllegalArgumentException("The eps must be positive, got " + normEps);
    }
  }

  /**
   * torchvision's vit_b_16.
   *
   * @param side height and width of the images, a multiple of 16
   * @param classes number of classes
   */
  public static VitArchitecture vitB16(int side, int classes) {
    return new VitArchitecture(side, 16, 768, 12, 12, 3072, NORM_EPS, classes);
  }

  /** Height and width of the patch grid. */
  public int grid() {
    return side / patch;
  }

  /** Number of tokens, the class token counted. */
  public int tokens() {
    return grid() * grid() + 1;
  }

  /** Width of a head. */
  public int headWidth() {
    return width / heads;
  }

  @Override
  public String family() {
    return "vit";
  }

  @Override
  public String name() {
    if (equals(vitB16(side, classes))) {
      return "vit_b_16";
    }
    if (equals(new VitArchitecture(side, 32, 768, 12, 12, 3072, NORM_EPS, classes))) {
      return "vit_b_32";
    }
    if (equals(new VitArchitecture(side, 16, 1024, 24, 16, 4096, NORM_EPS, classes))) {
      return "vit_l_16";
    }
    return "vit";
  }

  @Override
  public ImageSize size() {
    return ImageSize.square(side);
  }

  @Override
  public long parameterCount() {
    long d = width;
    long block = 4 * d + 4 * d * d + 4 * d + 2 * d * mlp + mlp + d;
    long embedding = 3L * patch * patch * d + d + d + tokens() * d;
    return embedding + depth * block + 2 * d + (d + 1) * classes;
  }

  @Override
  public String describe() {
    return Text.format(
        "ViT, side %d: patches of %d, %d tokens of %d, %d blocks of %d heads, perceptron %d",
        side, patch, tokens(), width, depth, heads, mlp);
  }
}
