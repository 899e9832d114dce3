package org.ttame.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;

/** Copies, means, and convolutions in groups, beside SameDiff's session. */
class MovementPassTest extends SessionComparison {
  private final SameDiff graph = SameDiff.create();

  private List<String> agree(int... shape) {
    objective(graph, "y");
    return agree(graph, Map.of("x", wave(2, shape[0], shape[1], shape[2])), "y", "x");
  }

  private SDVariable image(int height, int width, int channels) {
    return graph.placeHolder("x", DataType.FLOAT, -1, height, width, channels);
  }

  /** Windows as Swin cuts, shifts and joins them. */
  @Test
  void windows() {
    SDVariable x = image(6, 6, 8);
    SDVariable top =
        graph.stridedSlice(x, new long[4], new long[] {0, 2, 0, 0}, ones(), 13, 13, 0, 0, 0);
    SDVariable rest =
        graph.stridedSlice(
            x, new long[] {0, 2, 0, 0}, new long[] {0, 6, 0, 0}, ones(), 13, 13, 0, 0, 0);
    SDVariable shifted = graph.concat(1, rest, top);
    SDVariable windows = graph.permute(graph.reshape(shifted, -1, 2, 3, 2, 3, 8), 0, 1, 3, 2, 4, 5);
    graph.reshape(windows, -1, 36, 8).mul("y", 2);
    assertThat(agree(6, 6, 8))
        .contains("slice", "concat", "permute", "part", "slice gradient")
        .doesNotContain("strided_slice", "concat_bp", "strided_slice_bp");
  }

  private static long[] ones() {
    return new long[] {1, 1, 1, 1};
  }

  /** Every other pixel, as patches are merged. */
  @Test
  void slicesWithSteps() {
    SDVariable x = image(6, 8, 4);
    SDVariable[] corners = new SDVariable[4];
    for (int i = 0; i < 4; i++) {
      corners[i] =
          graph.stridedSlice(
              x,
              new long[] {0, i % 2, i / 2, 0},
              new long[] {0, 6, 8, 0},
              new long[] {1, 2, 2, 1},
              9,
              9,
              0,
              0,
              0);
    }
    graph.concat(3, corners).rename("y");
    assertThat(agree(6, 8, 4)).contains("slice").doesNotContain("strided_slice");
  }

  @Test
  void parts() {
    SDVariable x = image(3, 5, 12);
    SDVariable[] parts = graph.split(x, 3, 3);
    parts[0].mul(parts[1]).add("y", parts[2]);
    assertThat(agree(3, 5, 12)).contains("part").doesNotContain("split");
  }

  /** Along several axes parts could be joined where all sides are one: left to ND4J. */
  @Test
  void joinedAlongAnAxisOfOne() {
    SDVariable x = image(1, 1, 4);
    graph.concat(2, x, x).rename("y");
    agree(1, 1, 4);
  }

  /** Squeeze and excitation: a mean, a factor a channel and image, and a sum on the way back. */
  @ParameterizedTest
  @CsvSource({"6, 6, 16", "56, 56, 8", "5, 1, 3", "7, 1, 16", "1, 1, 4", "3, 37, 8"})
  void squeezeAndExcitation(int height, int width, int channels) {
    SDVariable x = image(height, width, channels);
    SDVariable scale = graph.nn().sigmoid(graph.mean(x, true, 1, 2));
    graph.math().square(scale.mul(x)).add("y", graph.mean(x, true, 1, 2));
    assertThat(agree(height, width, channels)).contains("mean").doesNotContain("multiply_bp");
  }

  /**
   * One running sum of 112×112 floats would be 3e-6 off; rows first, it is within two roundings.
   */
  @Test
  void meansOfLargeImages() {
    graph.mean("y", image(112, 112, 8), 1, 2);
    Nd4j.getRandom().setSeed(4);
    try (INDArray x = Nd4j.rand(DataType.FLOAT, 2, 112, 112, 8);
        INDArray exact = x.castTo(DataType.DOUBLE).mean(1, 2);
        PlanRunner runner = new PlanRunner(graph, true, true);
        GraphResult result = runner.run(Map.of("x", x), "y");
        INDArray off = result.output("y").castTo(DataType.DOUBLE).subi(exact).divi(exact)) {
      assertThat(off.amaxNumber().doubleValue()).isLessThan(3e-7);
    }
  }

  @Test
  void meansOfTokens() {
    SDVariable x = graph.reshape(image(4, 5, 8), -1, 20, 8);
    graph.mean("y", x, 1);
    assertThat(agree(4, 5, 8)).contains("mean", "mean gradient");
  }

  /** Groups, kernel, stride, channels of a group in and out. */
  @ParameterizedTest
  @CsvSource({"2, 3, 1, 8, 8", "4, 3, 2, 4, 6", "3, 1, 1, 5, 7", "16, 3, 1, 4, 4"})
  void groups(int groups, int kernel, int stride, int in, int out) {
    SDVariable x = image(8, 10, groups * in);
    SDVariable weights = graph.constant(wave(kernel, kernel, in, (long) groups * out));
    grouped(x, weights, groups, config(kernel, stride), false).rename("y");
    String size = Text.format("%d×%d/%d of %d groups", kernel, kernel, stride, groups);
    assertThat(agree(8, 10, groups * in))
        .contains("convolution " + size, "convolution gradient " + size)
        .doesNotContain("conv2d", "concat", "part");
  }

  /** Parts of the weights in another order are not the groups of one convolution. */
  @Test
  void partsInAnotherOrder() {
    SDVariable x = image(8, 8, 8);
    grouped(x, graph.constant(wave(3, 3, 4, 8)), 2, config(3, 1), true).rename("y");
    assertThat(agree(8, 8, 8)).noneMatch(kind -> kind.contains("groups"));
  }

  /** The result of a group that somebody else reads must exist. */
  @Test
  void aGroupThatOthersRead() {
    SDVariable x = image(8, 8, 8);
    SDVariable whole = grouped(x, graph.constant(wave(3, 3, 4, 8)), 2, config(3, 1), false);
    SDVariable one = graph.getVariable("group1");
    whole.add("y", graph.concat(3, one, one));
    agree(8, 8, 8);
  }

  private SDVariable grouped(
      SDVariable x, SDVariable weights, int groups, Conv2DConfig config, boolean turned) {
    SDVariable[] images = graph.split(x, groups, 3);
    SDVariable[] kernels = graph.split(weights, groups, 3);
    SDVariable[] parts = new SDVariable[groups];
    for (int i = 0; i < groups; i++) {
      SDVariable own = kernels[turned ? groups - 1 - i : i];
      parts[i] = graph.cnn().conv2d("group" + i, images[i], own, config);
    }
    return graph.concat(3, parts);
  }

  /** Kernel, stride, channels, results a channel. */
  @ParameterizedTest
  @CsvSource({"3, 1, 16, 1", "5, 2, 24, 1", "7, 1, 5, 1", "3, 1, 8, 2"})
  void depthwise(int kernel, int stride, int channels, int multiplier) {
    SDVariable x = image(9, 11, channels);
    SDVariable weights = graph.constant(wave(kernel, kernel, channels, multiplier));
    SDVariable bias = graph.constant(wave((long) channels * multiplier));
    SDVariable y = graph.cnn().depthWiseConv2d(x, weights, bias, config(kernel, stride));
    graph.nn().relu(y, 0).rename("y");
    assertThat(agree(9, 11, channels))
        .noneMatch(kind -> kind.startsWith("depthwise"))
        .contains(
            Text.format(
                "convolution %d×%d/%d of %d groups + relu", kernel, kernel, stride, channels));
  }

  private static Conv2DConfig config(int kernel, int stride) {
    return Conv2DConfig.builder()
        .kH(kernel)
        .kW(kernel)
        .sH(stride)
        .sW(stride)
        .pH(kernel / 2)
        .pW(kernel / 2)
        .paddingMode(PaddingMode.VALID)
        .dataFormat("NHWC")
        .build();
  }
}
