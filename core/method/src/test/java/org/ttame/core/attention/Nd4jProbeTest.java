package org.ttame.core.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDIndex;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * What this package relies on in ND4J, and what it avoids. The first kind must keep passing; a
 * failure of the second kind means that a newer ND4J has mended something and a detour may go.
 */
class Nd4jProbeTest {
  private static final double STEP = 1e-6;

  private record Operation(String name, UnaryOperator<SDVariable> of) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Operation> reliedUpon() {
    return Stream.of(
        new Operation("product", x -> x.getSameDiff().mmul(x, x, false, true, false)),
        new Operation("column mean", x -> x.getSameDiff().mmul(row(x).mul(1 / 4.0), x)),
        new Operation(
            "spread row",
            x ->
                x.getSameDiff()
                    .mmul(row(x).reshape(4, 1), x.get(SDIndex.interval(0, 1), SDIndex.all()))),
        new Operation(
            "batched product",
            x -> x.getSameDiff().mmul(x.reshape(2, 2, 3), x.reshape(2, 2, 3), false, true, false)),
        new Operation("permute", x -> x.reshape(2, 2, 3).permute(0, 2, 1).reshape(-1, 2)),
        new Operation(
            "difference of slices",
            x ->
                x.get(SDIndex.all(), SDIndex.interval(1, 3))
                    .sub(x.get(SDIndex.all(), SDIndex.interval(0, 2)))),
        new Operation("relu", x -> x.getSameDiff().nn().relu(x, 0)),
        new Operation("sigmoid", x -> x.getSameDiff().nn().sigmoid(x)),
        new Operation("softplus", x -> x.getSameDiff().nn().softplus(x)),
        new Operation("maximum", x -> x.getSameDiff().math().max(x, x.mul(0).add(0.1))),
        new Operation("rsqrt", x -> x.getSameDiff().math().rsqrt(x.mul(x).add(0.5))),
        new Operation("log", x -> x.getSameDiff().math().log(x.mul(x).add(0.5))),
        new Operation("mean", x -> x.mean(1)));
  }

  private static SDVariable row(SDVariable x) {
    return x.getSameDiff().constant(Nd4j.ones(DataType.DOUBLE, 1, 4));
  }

  @ParameterizedTest
  @MethodSource("reliedUpon")
  void hasTheRightGradient(Operation operation) {
    assertThat(gradientError(operation.of())).isLessThan(1e-8);
  }

  @Test
  void theGradientOfVarianceIsWrong() {
    assertThat(gradientError(x -> x.getSameDiff().variance(x, false, 0))).isGreaterThan(1e-3);
  }

  /** Of two operands of one shape it is right. */
  @Test
  void theGradientOfAMaximumIsWrongWhereItsSecondOperandIsBroadcast() {
    assertThat(gradientError(x -> x.getSameDiff().max(x, x.mean(true, 0)))).isGreaterThan(1e-3);
    assertThat(gradientError(x -> x.getSameDiff().max(x, x.mul(x).sub(0.3)))).isLessThan(1e-8);
  }

  @Test
  void tanhHasNoRelativeAccuracyNearZero() {
    double at = 1e-6;
    INDArray tanh = Transforms.tanh(Nd4j.createFromArray((float) at));
    assertThat(Math.abs(tanh.getDouble(0) / Math.tanh((float) at) - 1)).isGreaterThan(1e-4);
  }

  @Test
  void logSigmoidIsInfiniteBelowMinus88() {
    SameDiff graph = SameDiff.create();
    graph.nn().logSigmoid("y", graph.placeHolder("x", DataType.FLOAT, 1));
    assertThat(graph.output(Map.of("x", Nd4j.createFromArray(-100f)), "y").get("y").getFloat(0))
        .isEqualTo(Float.NEGATIVE_INFINITY);
  }

  @Test
  void largestMagnitudeOverlooksNotANumberButTheSumDoesNot() {
    INDArray x = Nd4j.createFromArray(1f, Float.NaN, 2f);
    assertThat(x.amaxNumber().doubleValue()).isEqualTo(2);
    assertThat(x.sumNumber().doubleValue()).isNaN();
  }

  @Test
  void shapeIsTheArraysOwn() {
    INDArray x = Nd4j.ones(2, 3);
    assertThat(x.shape()).isSameAs(x.shape());
  }

  @Test
  void scatterAddWithTheLockSumsEveryCopy() {
    int copies = 4000;
    INDArray sum = Nd4j.zeros(3, 64);
    Nd4j.exec(
        DynamicCustomOp.builder("scatter_add")
            .addInputs(sum, Nd4j.createFromArray(new int[copies]), Nd4j.ones(copies, 64))
            .addOutputs(sum)
            .addIntegerArguments()
            .addBooleanArguments(true)
            .build());
    assertThat(sum.getRow(0)).isEqualTo(Nd4j.ones(64).muli(copies));
    assertThat(sum.getRow(2)).isEqualTo(Nd4j.zeros(64));
  }

  @Test
  void gatherPicksRowsOfAMatrixByAMatrixOfIndices() {
    SameDiff graph = SameDiff.create();
    SDVariable table = graph.constant(Nd4j.createFromArray(new float[][] {{1, 2}, {3, 4}, {5, 6}}));
    graph.gather("y", table, graph.placeHolder("i", DataType.INT32, -1, -1), 0);
    INDArray picked =
        graph.output(Map.of("i", Nd4j.createFromArray(new int[][] {{2, 0}, {2, 2}})), "y").get("y");
    assertThat(picked)
        .isEqualTo(Nd4j.createFromArray(new float[][][] {{{5, 6}, {1, 2}}, {{5, 6}, {5, 6}}}));
  }

  /** Largest difference between the gradient of a weighted sum and central differences. */
  private static double gradientError(UnaryOperator<SDVariable> operation) {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, 4, 3);
    SDVariable y = operation.apply(x);
    INDArray at = TinyClassifier.wave(2, 4, 3).castTo(DataType.DOUBLE);
    long[] shape = graph.output(Map.of("x", at), y.name()).get(y.name()).shape();
    INDArray weights = TinyClassifier.wave(4, shape).castTo(DataType.DOUBLE);
    y.mul(graph.constant(weights)).sum("objective");
    graph.setLossVariables("objective");
    graph.createGradFunction("x");
    INDArray gradient = graph.calculateGradients(Map.of("x", at), "x").get("x");
    assertThat(Arrays.equals(gradient.shape(), at.shape())).isTrue();
    double worst = 0;
    for (int i = 0; i < 4; i++) {
      for (int j = 0; j < 3; j++) {
        double value = at.getDouble(i, j);
        double above = objective(graph, at.putScalar(i, j, value + STEP));
        double below = objective(graph, at.putScalar(i, j, value - STEP));
        at.putScalar(i, j, value);
        worst = Math.max(worst, Math.abs((above - below) / (2 * STEP) - gradient.getDouble(i, j)));
      }
    }
    return worst;
  }

  private static double objective(SameDiff graph, INDArray at) {
    return graph.output(Map.of("x", at), "objective").get("objective").getDouble(0);
  }

  @Test
  void scalingByNotANumberGivesNumbers() {
    assertThat(Nd4j.ones(2).mul(Double.NaN).getDouble(0)).isCloseTo(1e-5, within(1e-9));
  }
}
