package org.ttame.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Layer normalisation and its gradient as one step each, beside SameDiff's session. */
class NormalisationPassTest extends SessionComparison {
  private static final String FORWARD = "layer normalisation";
  private static final String GRADIENT = "layer normalisation gradient";

  private int width = 24;
  private final SameDiff graph = SameDiff.create();
  private final SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, -1);

  /** Rows of different means and spreads. */
  private INDArray rows() {
    return wave(7, width).muliColumnVector(Nd4j.linspace(0.1, 3, 7, DataType.FLOAT)).addi(2);
  }

  private List<String> agree() {
    objective(graph, "y");
    return agree(graph, Map.of("x", rows()), "y", "x");
  }

  private SDVariable column(double value) {
    return graph.constant(Nd4j.valueArrayOf(new long[] {width, 1}, value, DataType.FLOAT));
  }

  private SDVariable centred(SDVariable rows) {
    return rows.sub(graph.mmul(rows, column(1.0 / width)));
  }

  private SDVariable scale(SDVariable centred, double eps) {
    return graph.math().rsqrt(graph.mmul(centred.mul(centred), column(1.0 / width)).add(eps));
  }

  private SDVariable normalised(SDVariable rows, double eps) {
    SDVariable centred = centred(rows);
    return centred.mul(scale(centred, eps));
  }

  private SDVariable weighted(SDVariable normalised) {
    return normalised.mul(graph.constant(wave(width))).add(graph.constant(wave(width)));
  }

  @ParameterizedTest
  @ValueSource(doubles = {1e-12, 1e-5, 0.5})
  void withWeights(double eps) {
    weighted(normalised(x, eps)).rename("y");
    assertThat(forward(graph, Map.of("x", rows()), "y")).containsExactly(FORWARD);
    assertThat(agree())
        .contains(FORWARD, GRADIENT)
        .doesNotContain("rsqrt", "pow", "subtract", "multiply + add");
  }

  /** Shorter than a vector of the processor, and longer than a page. */
  @ParameterizedTest
  @ValueSource(ints = {2, 3, 17, 5000})
  void rowsOfAnyLength(int length) {
    width = length;
    weighted(normalised(x, 1e-2)).rename("y");
    assertThat(agree()).contains(FORWARD, GRADIENT).doesNotContain("rsqrt", "pow");
  }

  @Test
  void withoutWeights() {
    normalised(x, 1e-5).mul("y", graph.constant(wave(width)));
    assertThat(agree()).contains(FORWARD, GRADIENT).doesNotContain("rsqrt", "pow");
  }

  /** The stream goes past the normalisation, as in a transformer's block, twice. */
  @Test
  void insideResidualBlocks() {
    SDVariable first = x.add(linear(graph, weighted(normalised(x, 1e-5)), width, width));
    SDVariable second = linear(graph, weighted(normalised(first, 1e-5)), width, width);
    first.add("y", second);
    assertThat(agree()).contains(FORWARD, GRADIENT).doesNotContain("rsqrt", "pow");
  }

  @Test
  void oneBehindTheOther() {
    weighted(normalised(weighted(normalised(x, 1e-5)), 1e-3)).rename("y");
    assertThat(agree()).contains(FORWARD, GRADIENT).doesNotContain("rsqrt", "pow");
  }

  /** Rows that are the same everywhere have no spread: eps alone decides. */
  @Test
  void constantRows() {
    weighted(normalised(x, 1e-5)).rename("y");
    objective(graph, "y");
    INDArray flat = Nd4j.valueArrayOf(new long[] {4, width}, 3, DataType.FLOAT);
    try (PlanRunner direct = new PlanRunner(graph, true, true);
        GraphResult result =
            direct.gradients(Map.of("x", flat), LOSS, List.of("y"), List.of("x"))) {
      assertThat(result.output("y").sumNumber().doubleValue()).isFinite();
      assertThat(result.gradient("x").sumNumber().doubleValue()).isFinite();
    }
  }

  @Test
  void valuesThatOthersReadStay() {
    SDVariable centred = centred(x);
    SDVariable scale = scale(centred, 1e-5);
    weighted(centred.mul(scale)).add("y", centred.mul(0.25));
    assertThat(agree()).doesNotContain(FORWARD, GRADIENT);
  }

  @Test
  void valuesThatAreAskedForStay() {
    SDVariable centred = centred(x).rename("centred");
    weighted(centred.mul(scale(centred, 1e-5))).rename("y");
    objective(graph, "y");
    agree(graph, Map.of("x", rows()), "centred", "x");
  }

  /** Statistics of something else, and means that are none. */
  @Test
  void whatIsLikeIt() {
    SDVariable shifted = x.sub(graph.mmul(x, column(2.0 / width)));
    SDVariable own = shifted.mul(scale(shifted, 1e-5));
    SDVariable rootMeanSquare = x.mul(scale(x, 1e-5));
    SDVariable other = centred(x).mul(scale(centred(x.mul(x)), 1e-5));
    own.add(rootMeanSquare).add("y", other);
    assertThat(agree()).doesNotContain(FORWARD, GRADIENT);
  }

  /** Weights that are inputs keep steps of their own, and get gradients. */
  @Test
  void weightsWithGradients() {
    SDVariable weight = graph.placeHolder("weight", DataType.FLOAT, width);
    SDVariable bias = graph.placeHolder("bias", DataType.FLOAT, width);
    normalised(x, 1e-5).mul(weight).add("y", bias);
    objective(graph, "y");
    Map<String, INDArray> inputs = Map.of("x", rows(), "weight", wave(width), "bias", wave(width));
    for (String wrt : List.of("x", "weight", "bias")) {
      assertThat(agree(graph, inputs, "y", wrt)).as(wrt).contains(FORWARD);
    }
  }
}
