package org.ttame.backbones.architecture;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.ttame.core.Text;
import org.ttame.core.image.ImageSize;

/**
 * VGG: stages of 3×3 convolutions with ReLU, each stage ended by a 2×2 max pool; an average pool to
 * a grid; linear layers with ReLU between them.
 *
 * @param side height and width of the images
 * @param stages output channels of each stage's convolutions
 * @param grid height and width that the last map is averaged to; divides the map
 * @param hidden widths of the linear layers before the last
 * @param classes number of classes
 * @param batchNorm whether each convolution was trained with batch normalisation; it is folded into
 *     the weights and only shifts the layers' numbers
 */
public record VggArchitecture(
    int side,
    List<List<Integer>> stages,
    int grid,
    List<Integer> hidden,
    int classes,
    boolean batchNorm)
    implements Architecture {

  private static final List<List<Integer>> STAGES_16 =
      List.of(
          List.of(64, 64),
          List.of(128, 128),
          List.of(256, 256, 256),
          List.of(512, 512, 512),
          List.of(512, 512, 512));

  public VggArchitecture {
    stages = stages.stream().map(List::copyOf).toList();
    hidden = List.copyOf(hidden);
    Checks.positive("side", side);
    Checks.positive("classes", classes);
    Checks.positive("grid", grid);
    if (stages.isEmpty() || stages.stream().anyMatch(List::isEmpty)) {
      throw new IllegalArgumentException("A VGG needs convolutions in every stage, got " + stages);
    }
    stages.forEach(stage -> stage.forEach(width -> Checks.positive("width", width)));
    hidden.forEach(width -> Checks.positive("hidden width", width));
    int map = side >> stages.size();
    if (map < 1 || map % grid != 0) {
      throw new IllegalArgumentException(
          Text.format(
              "A VGG of %d stages at side %d ends with maps of %d×%d, which cannot be averaged to"
                  + " %d×%d",
              stages.size(), side, map, map, grid, grid));
    }
  }

  /**
   * torchvision's vgg16.
   *
   * @param side height and width of the images, a multiple of 224
   * @param classes number of classes
   */
  public static VggArchitecture vgg16(int side, int classes) {
    return new VggArchitecture(side, STAGES_16, 7, List.of(4096, 4096), classes, false);
  }

  @Override
  public String family() {
    return "vgg";
  }

  @Override
  public String name() {
    if (grid != 7 || !hidden.equals(List.of(4096, 4096)) || stages.size() != 5) {
      return "vgg";
    }
    int layers = stages.stream().mapToInt(List::size).sum() + 3;
    List<Integer> widths = stages.stream().map(stage -> stage.get(0)).toList();
    boolean even = stages.stream().allMatch(stage -> stage.stream().distinct().count() == 1);
    boolean standard = even && widths.equals(List.of(64, 128, 256, 512, 512));
    List<Integer> depths = stages.stream().map(List::size).toList();
    boolean known =
        List.of(
                List.of(1, 1, 2, 2, 2),
                List.of(2, 2, 2, 2, 2),
                List.of(2, 2, 3, 3, 3),
                List.of(2, 2, 4, 4, 4))
            .contains(depths);
    return standard && known ? "vgg" + layers + (batchNorm ? "_bn" : "") : "vgg";
  }

  /** A layer of {@code features}: its number and what it is. */
  public record Feature(int index, Kind kind, int stage, int channels, int side) {
    /** What a feature layer does. */
    public enum Kind {
      /** 3×3 convolution, with batch normalisation folded. */
      CONVOLUTION,
      /** ReLU. */
      RELU,
      /** 2×2 max pooling. */
      POOL
    }
  }

  /** The layers of {@code features} as torchvision numbers them. */
  public List<Feature> features() {
    List<Feature> features = new ArrayList<>();
    int index = 0;
    int map = side;
    for (int stage = 0; stage < stages.size(); stage++) {
      int channels = 0;
      for (int width : stages.get(stage)) {
        channels = width;
        features.add(new Feature(index, Feature.Kind.CONVOLUTION, stage, channels, map));
        index += batchNorm ? 2 : 1;
        features.add(new Feature(index++, Feature.Kind.RELU, stage, channels, map));
      }
      map /= 2;
      features.add(new Feature(index++, Feature.Kind.POOL, stage, channels, map));
    }
    return features;
  }

  /** Widths of the linear layers' outputs, the last being the classes. */
  public List<Integer> linearWidths() {
    List<Integer> widths = new ArrayList<>(hidden);
    widths.add(classes);
    return widths;
  }

  @Override
  public ImageSize size() {
    return ImageSize.square(side);
  }

  @Override
  public long parameterCount() {
    long count = 0;
    long channels = 3;
    for (List<Integer> stage : stages) {
      for (int width : stage) {
        count += (9 * channels + 1 + (batchNorm ? 2 : 0)) * width;
        channels = width;
      }
    }
    long inputs = channels * grid * grid;
    for (int width : linearWidths()) {
      count += (inputs + 1) * width;
      inputs = width;
    }
    return count;
  }

  @Override
  public String describe() {
    String convolutions =
        stages.stream()
            .map(stage -> stage.stream().map(String::valueOf).collect(Collectors.joining("-")))
            .collect(Collectors.joining(", "));
    return Text.format(
        "VGG%s, side %d: 3×3 convolutions %s; %d×%d grid; linear layers %s",
        batchNorm ? " with batch normalisation" : "",
        side,
        convolutions,
        grid,
        grid,
        linearWidths().stream().map(String::valueOf).collect(Collectors.joining("-")));
  }
}
