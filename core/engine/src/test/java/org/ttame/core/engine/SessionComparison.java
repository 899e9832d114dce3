package org.ttame.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Plans with oneDNN's kernels against SameDiff's session, in memory that holds not-a-number before
 * each run. The kernels add in another order: results agree within 1e-5 of the largest.
 */
abstract class SessionComparison {
  static final String LOSS = "loss";
  private static final double TOLERANCE = 1e-5;

  private int seed;

  @BeforeEach
  void needsTheLibrary() {
    assumeThat(OneDnn.instance()).isPresent();
  }

  SDVariable convolution(
      SameDiff graph,
      SDVariable x,
      int kernel,
      int stride,
      int pad,
      int in,
      int out,
      boolean bias) {
    Conv2DConfig config =
        Conv2DConfig.builder()
            .kH(kernel)
            .kW(kernel)
            .sH(stride)
            .sW(stride)
            .pH(pad)
            .pW(pad)
            .paddingMode(PaddingMode.VALID)
            .dataFormat("NHWC")
            .build();
    SDVariable weights = graph.constant(wave(kernel, kernel, in, out).divi(kernel * kernel));
    return bias
        ? graph.cnn.conv2d(x, weights, graph.constant(wave(out)), config)
        : graph.cnn.conv2d(x, weights, config);
  }

  SDVariable linear(SameDiff graph, SDVariable rows, int in, int out) {
    return graph
        .mmul(rows, graph.constant(wave(in, out).divi(Math.sqrt(in))))
        .add(graph.constant(wave(out)));
  }

  static void objective(SameDiff graph, String of) {
    SDVariable y = graph.getVariable(of);
    y.mul(y).mean().rename(LOSS);
  }

  List<String> forward(SameDiff graph, Map<String, INDArray> inputs, String output) {
    try (PlanRunner direct = new PlanRunner(graph, true, true);
        GraphResult result = direct.run(inputs, output)) {
      assertThat(result.output(output).sumNumber().doubleValue()).isFinite();
      return direct.forwardOperations(inputs, List.of(output));
    }
  }

  /** Compares forward and gradient runs; returns the kinds of steps of the gradient run. */
  List<String> agree(SameDiff graph, Map<String, INDArray> inputs, String output, String wrt) {
    agree(graph, inputs, output, wrt, true);
    return agree(graph, inputs, output, wrt, false);
  }

  List<String> agree(
      SameDiff graph, Map<String, INDArray> inputs, String output, String wrt, boolean blocks) {
    try (PlanRunner direct = new PlanRunner(graph, OneDnn.instance(), () -> blocks, null, true);
        GraphRunner session = new SameDiffRunner(graph)) {
      try (GraphResult actual = direct.run(inputs, output);
          GraphResult expected = session.run(inputs, output)) {
        assertClose(output, actual.output(output), expected.output(output));
      }
      try (GraphResult actual = direct.gradients(inputs, LOSS, List.of(output), List.of(wrt));
          GraphResult expected = session.gradients(inputs, LOSS, List.of(output), List.of(wrt))) {
        assertClose(output, actual.output(output), expected.output(output));
        assertClose("gradient", actual.gradient(wrt), expected.gradient(wrt));
      }
      List<String> kinds = new ArrayList<>(direct.operations(inputs, LOSS, List.of(wrt)));
      kinds.addAll(direct.forwardOperations(inputs, List.of(output)));
      return kinds;
    }
  }

  static void assertClose(String what, INDArray actual, INDArray expected) {
    double largest = expected.amaxNumber().doubleValue();
    double error = actual.sub(expected).amaxNumber().doubleValue();
    assertThat(actual.sumNumber().doubleValue()).as(what).isFinite();
    assertThat(largest).as(what).isPositive();
    assertThat(error / largest).as(what).isLessThan(TOLERANCE);
  }

  INDArray wave(long... shape) {
    Nd4j.getRandom().setSeed(++seed);
    return Nd4j.randn(DataType.FLOAT, shape);
  }
}
