package org.ttame.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.factory.Nd4j;

/**
 * 1×1 convolutions of a size at which oneDNN's planner divides by zero: without {@link
 * PointwiseRows} each of these ends the process on a processor with AVX-512.
 */
class HugeConvolutionTest {
  /** H·H·W·C/16 is 2³². */
  private static final int HEIGHT = 1 << 14;

  private static final int WIDTH = 4;
  private static final int IN = 1;
  private static final int OUT = 64;

  /** Σ y² / 2 has the gradient Σ_o y_o·w_o at the one channel of x. */
  @Test
  void plansTakeThemAsOneRow() {
    try (INDArray x = column(HEIGHT * WIDTH)) {
      for (boolean direct : new boolean[] {true, false}) {
        for (boolean frozen : new boolean[] {true, false}) {
          SameDiff graph = graph(frozen);
          try (GraphRunner runner =
                  new PlanRunner(
                      graph,
                      direct ? OneDnn.instance() : Optional.empty(),
                      OneDnn::hasNarrowVectors,
                      null,
                      false);
              GraphResult result =
                  runner.gradients(Map.of("x", x), "loss", List.of(), List.of("x"))) {
            assertThat(runner.describe()).startsWith("compiled plan");
            // w_o = (o mod 3) − 1, bias 0: y_o = x·w_o, the gradient x·Σ w_o².
            double squares = 0;
            for (int o = 0; o < OUT; o++) {
              squares += Math.pow(o % 3 - 1, 2);
            }
            INDArray gradient = result.gradient("x");
            assertThat(gradient.shape()).containsExactly(1, HEIGHT, WIDTH, IN);
            for (long at : new long[] {0, 1, 54_321, HEIGHT * WIDTH - 1}) {
              assertThat(gradient.data().getFloat(at))
                  .as("oneDNN %s, frozen %s, pixel %d", direct, frozen, at)
                  .isEqualTo((float) (value(at) * squares));
            }
          }
        }
      }
    }
  }

  @Test
  void theSessionRefusesThem() {
    SameDiff graph = graph(true);
    try (INDArray x = column(HEIGHT * WIDTH);
        GraphRunner runner = new SameDiffRunner(graph)) {
      assertThatThrownBy(() -> runner.run(Map.of("x", x), "y"))
          .hasStackTraceContaining("too large for the 1×1 convolution")
          .hasStackTraceContaining("use the engine auto");
    }
  }

  /** What oneDNN's 32 bits hold stays as it is; everything larger does not reach them. */
  @Test
  void theLimitIsThatOf32Bits() {
    assertThat(PointwiseRows.overflow(448, 448, 256)).isFalse();
    assertThat(PointwiseRows.overflow(512, 512, 256)).isTrue();
    assertThat(PointwiseRows.overflow(512, 512, 241)).isTrue();
    assertThat(PointwiseRows.overflow(512, 512, 240)).isFalse();
    assertThat(PointwiseRows.overflow(1 << 20, 1 << 20, 1 << 20)).isTrue();
    assertThat(PointwiseRows.overflow(1, 1 << 30, 1 << 20)).isFalse();
  }

  private static SameDiff graph(boolean frozen) {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, HEIGHT, WIDTH, IN);
    INDArray w = Nd4j.createUninitialized(DataType.FLOAT, 1, 1, IN, OUT);
    for (int o = 0; o < OUT; o++) {
      w.putScalar(o, o % 3 - 1);
    }
    SDVariable weights = frozen ? graph.constant("w", w) : graph.var("w", w);
    Conv2DConfig size = Conv2DConfig.builder().kH(1).kW(1).sH(1).sW(1).dataFormat("NHWC").build();
    SDVariable y = graph.cnn().conv2d("y", x, weights, size);
    y.mul(y).sum().mul("loss", 0.5);
    return graph;
  }

  private static float value(long pixel) {
    return pixel % 7 - 3;
  }

  private static INDArray column(int pixels) {
    float[] values = new float[pixels];
    for (int i = 0; i < pixels; i++) {
      values[i] = value(i);
    }
    return Nd4j.create(values, 1, HEIGHT, WIDTH, IN);
  }
}
