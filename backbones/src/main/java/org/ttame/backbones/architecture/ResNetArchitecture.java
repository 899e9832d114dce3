package org.ttame.backbones.architecture;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.ttame.core.Text;
import org.ttame.core.image.ImageSize;

/**
 * ResNet: a stem (convolution, ReLU, max pool), stages of residual blocks, a pool to one value a
 * channel and a linear layer. Every convolution is written out, so that v1.5 (stride on the 3×3),
 * v1 (stride on the first 1×1) and the DL4J zoo's form are all expressed. Batch normalisation is
 * folded into the convolutions.
 *
 * @param side height and width of the images
 * @param stem the first convolution
 * @param stemPool the max pool after it; absent in forms for small images
 * @param stages the residual blocks
 * @param headPool a max pool that must leave one value a channel; absent for the usual global
 *     average
 * @param classes number of classes
 */
public record ResNetArchitecture(
    int side,
    ConvShape stem,
    Optional<PoolShape> stemPool,
    List<List<Block>> stages,
    Optional<PoolShape> headPool,
    int classes)
    implements Architecture {

  /**
   * A residual block: relu(body(x) + shortcut(x)), with ReLU between the body's convolutions.
   *
   * @param body two convolutions (basic) or three (bottleneck)
   * @param shortcut a 1×1 convolution; absent for x itself
   */
  public record Block(List<ConvShape> body, Optional<ConvShape> shortcut) {
    public Block {
      body = List.copyOf(body);
      Objects.requireNonNull(shortcut, "shortcut");
      if (body.size() < 2) {
        throw new IllegalArgumentException(
            "A residual block needs two convolutions or more, got " + body);
      }
      for (int i = 1; i < body.size(); i++) {
        if (body.get(i).in() != body.get(i - 1).out()) {
          throw new IllegalArgumentException("Convolutions do not follow each other: " + body);
        }
      }
    }

    /** Input channels. */
    public int in() {
      return body.get(0).in();
    }

    /** Output channels. */
    public int out() {
      return body.get(body.size() - 1).out();
    }

    /**
     * Height and width after it; both ways must agree.
     *
     * @param side height and width before it
     */
    public int apply(int side) {
      int result = side;
      for (ConvShape conv : body) {
        result = conv.apply(result);
      }
      int around = shortcut.isPresent() ? shortcut.get().apply(side) : side;
      int channels = shortcut.isPresent() ? shortcut.get().out() : in();
      if (around != result || channels != out()) {
        throw new IllegalArgumentException(
            Text.format(
                "A block's body gives %d×%d×%d, its shortcut %d×%d×%d",
                out(), result, result, channels, around, around));
      }
      return result;
    }

    /** All its convolutions, the shortcut's last. */
    public List<ConvShape> convolutions() {
      List<ConvShape> all = new ArrayList<>(body);
      shortcut.ifPresent(all::add);
      return all;
    }
  }

  public ResNetArchitecture {
    Objects.requireNonNull(stem, "stem");
    Objects.requireNonNull(stemPool, "stemPool");
    Objects.requireNonNull(headPool, "headPool");
    stages = stages.stream().map(List::copyOf).toList();
    Checks.positive("side", side);
    Checks.positive("classes", classes);
    if (stages.isEmpty() || stages.stream().anyMatch(List::isEmpty)) {
      throw new IllegalArgumentException("A ResNet needs blocks in every stage");
    }
    int channels = stem.out();
    int map = stemSide(side, stem, stemPool);
    for (List<Block> stage : stages) {
      for (Block block : stage) {
        if (block.in() != channels) {
          throw new IllegalArgumentException(
              Text.format("A block takes %d channels where %d come in", block.in(), channels));
        }
        channels = block.out();
        map = block.apply(map);
      }
    }
    if (headPool.isPresent() && headPool.get().apply(map) != 1) {
      throw new IllegalArgumentException(
          Text.format(
              "The last max pool leaves %d×%d values a channel at side %d, not one",
              headPool.get().apply(map), headPool.get().apply(map), side));
    }
  }

  /**
   * The v1.5 form: bottlenecks with the stride on the 3×3 convolution, four times as wide at the
   * end.
   *
   * @param side height and width of the images
   * @param width channels after the stem
   * @param depths blocks of each stage; each stage is twice as wide as the one before
   * @param stemStride 2, or 1 for small images
   * @param classes number of classes
   */
  public static ResNetArchitecture bottleneck(
      int side, int width, List<Integer> depths, int stemStride, int classes) {
    List<List<Block>> stages = new ArrayList<>();
    int in = width;
    int inner = width;
    for (int stage = 0; stage < depths.size(); stage++) {
      List<Block> blocks = new ArrayList<>();
      for (int block = 0; block < depths.get(stage); block++) {
        int stride = stage > 0 && block == 0 ? 2 : 1;
        int out = 4 * inner;
        blocks.add(
            new Block(
                List.of(
                    new ConvShape(in, inner, 1, 1, 0),
                    new ConvShape(inner, inner, 3, stride, 1),
                    new ConvShape(inner, out, 1, 1, 0)),
                block == 0 ? Optional.of(new ConvShape(in, out, 1, stride, 0)) : Optional.empty()));
        in = out;
      }
      stages.add(blocks);
      inner *= 2;
    }
    return new ResNetArchitecture(
        side,
        new ConvShape(3, width, 7, stemStride, 3),
        Optional.of(new PoolShape(3, 2, 1)),
        stages,
        Optional.empty(),
        classes);
  }

  /**
   * torchvision's resnet50.
   *
   * @param side height and width of the images
   * @param classes number of classes
   */
  public static ResNetArchitecture resnet50(int side, int classes) {
    return bottleneck(side, 64, List.of(3, 4, 6, 3), 2, classes);
  }

  /** Height and width of the map that the first block reads. */
  public int stemSide() {
    return stemSide(side, stem, stemPool);
  }

  private static int stemSide(int side, ConvShape stem, Optional<PoolShape> pool) {
    int map = stem.apply(side);
    return pool.isPresent() ? pool.get().apply(map) : map;
  }

  /** Channels that the linear layer reads. */
  public int lastChannels() {
    List<Block> last = stages.get(stages.size() - 1);
    return last.get(last.size() - 1).out();
  }

  @Override
  public String family() {
    return "resnet";
  }

  @Override
  public String name() {
    List<Integer> depths = stages.stream().map(List::size).toList();
    int stride = stem.stride();
    if (depths.size() == 4 && stem.out() == 64 && stride == 2) {
      if (equals(bottleneck(side, 64, depths, 2, classes))) {
        if (depths.equals(List.of(3, 4, 6, 3))) {
          return "resnet50";
        }
        if (depths.equals(List.of(3, 4, 23, 3))) {
          return "resnet101";
        }
        if (depths.equals(List.of(3, 8, 36, 3))) {
          return "resnet152";
        }
      }
    }
    return "resnet";
  }

  @Override
  public ImageSize size() {
    return ImageSize.square(side);
  }

  @Override
  public long parameterCount() {
    long count = stem.weights() + 2L * stem.out();
    for (List<Block> stage : stages) {
      for (Block block : stage) {
        for (ConvShape conv : block.convolutions()) {
          count += conv.weights() + 2L * conv.out();
        }
      }
    }
    return count + (lastChannels() + 1L) * classes;
  }

  @Override
  public String describe() {
    Block first = stages.get(0).get(0);
    return Text.format(
        "ResNet, side %d: %d×%d/%d stem to %d channels%s; %s blocks %s to %s channels",
        side,
        stem.kernel(),
        stem.kernel(),
        stem.stride(),
        stem.out(),
        stemPool.isPresent() ? ", max pool" : "",
        first.body().size() == 3 ? "bottleneck" : "basic",
        stages.stream().map(stage -> "" + stage.size()).collect(Collectors.joining("-")),
        stages.stream()
            .map(stage -> "" + stage.get(stage.size() - 1).out())
            .collect(Collectors.joining("-")));
  }
}
