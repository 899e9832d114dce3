package org.ttame.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Activations and their gradients as one step each, beside SameDiff's session. */
class ActivationPassTest extends SessionComparison {
  private static final double ROOT_HALF = Math.sqrt(0.5);

  private final SameDiff graph = SameDiff.create();
  private final SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 6, 6, 16);

  private List<String> agree() {
    objective(graph, "y");
    return agree(graph, Map.of("x", wave(2, 6, 6, 16).muli(3)), "y", "x");
  }

  private List<String> forward() {
    return forward(graph, Map.of("x", wave(2, 6, 6, 16)), "y");
  }

  private SDVariable convolved() {
    return convolution(graph, x, 1, 1, 0, 16, 24, true);
  }

  @Test
  void swishFollowsAConvolution() {
    SDVariable u = convolved();
    u.mul("y", graph.nn().sigmoid(u));
    assertThat(forward()).containsExactly("convolution 1×1/1 + swish");
    assertThat(agree())
        .contains("swish", "swish gradient")
        .doesNotContain("sigmoid", "sigmoid_bp", "multiply_bp");
  }

  @Test
  void hardSwishFollowsAConvolution() {
    SDVariable u = convolved();
    u.mul("y", graph.math().clipByValue(u.mul(1.0 / 6).add(0.5), 0, 1));
    assertThat(forward()).containsExactly("convolution 1×1/1 + hard swish");
    assertThat(agree())
        .contains("hard swish", "hard swish gradient")
        .doesNotContain("ClipByValue", "cast");
  }

  /** A clip of other limits, or another slope, is no hard sigmoid. */
  @Test
  void whatIsLikeHardSwish() {
    SDVariable u = convolved();
    SDVariable other = graph.math().clipByValue(u.mul(1.0 / 6).add(0.5), 0, 0.9);
    SDVariable steep = graph.math().clipByValue(u.mul(0.2).add(0.5), 0, 1);
    u.mul(other).add("y", u.mul(steep));
    assertThat(agree()).doesNotContain("hard swish", "hard swish gradient");
  }

  @Test
  void clipsGradientComesFromItsOutput() {
    graph.math().clipByValue("y", convolved(), 0, 6);
    assertThat(forward()).containsExactly("convolution 1×1/1 + clip");
    assertThat(agree()).contains("clip gradient").doesNotContain("cast", "lessthan_scalar");
  }

  /** At the limits themselves the gradient is zero, as SameDiff has it. */
  @Test
  void clipAtItsLimits() {
    graph.math().clipByValue(x, 0, 2).mul("y", 3);
    graph.sum("sum", graph.getVariable("y"));
    INDArray values = Nd4j.create(DataType.FLOAT, 1, 6, 6, 16);
    values.putScalar(1, 2).putScalar(2, 1).putScalar(3, -1).putScalar(4, 3);
    try (PlanRunner direct = new PlanRunner(graph, true, true);
        GraphResult result =
            direct.gradients(Map.of("x", values), "sum", List.of(), List.of("x"))) {
      assertThat(result.gradient("x").sumNumber().doubleValue()).isEqualTo(3);
      assertThat(result.gradient("x").getDouble(0, 0, 0, 2)).isEqualTo(3);
    }
  }

  @Test
  void sigmoidsGradientComesFromItsOutput() {
    graph.nn().sigmoid("y", convolved());
    assertThat(forward()).containsExactly("convolution 1×1/1 + sigmoid");
    assertThat(agree()).contains("sigmoid gradient").doesNotContain("sigmoid_bp");
  }

  /** GELU as exporters write it: u = x/√2, (u + u·erf(u))/√2. */
  @Test
  void scalesOfTheGateAreTakenIn() {
    SDVariable u = convolved().mul(ROOT_HALF);
    u.add(u.mul(graph.math().erf(u))).mul("y", ROOT_HALF);
    assertThat(forward()).containsExactly("convolution 1×1/1 + erf gate");
    assertThat(agree())
        .contains("gelu gradient", "erf gate")
        .doesNotContain("erf", "exp", "linear", "mul_scalar");
  }

  /** What others read of a gate's parts stays. */
  @Test
  void partsThatOthersRead() {
    SDVariable u = convolved();
    SDVariable sigmoid = graph.nn().sigmoid("open", u);
    SDVariable clipped = graph.math().clipByValue("part", u.mul(1.0 / 6).add(0.5), 0, 1);
    SDVariable half = u.mul(ROOT_HALF);
    SDVariable gate = half.add(half.mul(graph.math().erf(half))).mul(ROOT_HALF);
    u.mul(sigmoid).add(u.mul(clipped)).add(gate).add(half).add(sigmoid).add("y", clipped.mul(u));
    agree();
  }

  @Test
  void softmaxAndItsGradient() {
    graph.nn().softmax("y", convolved(), -1);
    assertThat(agree()).contains("softmax", "softmax gradient").doesNotContain("softmax_bp");
  }

  @Test
  void softmaxAlongAnotherAxisIsLeftAlone() {
    graph.nn().softmax("y", convolved(), 1);
    assertThat(agree()).contains("softmax_bp");
  }

  /** What follows one another is one pass, whichever side of the arithmetic it stands on. */
  @Test
  void arithmeticInOnePass() {
    SDVariable rows = graph.constant(wave(16));
    SDVariable y = x.mul(rows).add(graph.constant(wave(16)));
    graph.nn().relu(y, 0).rename("y");
    assertThat(forward()).containsExactly("multiply + add + relu");
    agree();
  }

  @Test
  void hardSigmoidFollowsAConvolution() {
    graph.math().clipByValue("y", convolved().mul(0.2).add(0.5), 0, 1);
    agree();
  }

  @Test
  void aLineFollowsAConvolution() {
    convolved().mul(0.2).add("y", 0.5);
    agree();
  }

  /**
   * Whatever follows a convolution, a product or nothing, in any order: oneDNN 2.5 has been seen to
   * compute wrong values of two lines.
   */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void anyOrderOfFunctions(int beginning) {
    Random random = new Random(5);
    for (int run = 0; run < 60; run++) {
      SameDiff own = SameDiff.create();
      SDVariable input = own.placeHolder("x", DataType.FLOAT, -1, 4, 4, 40);
      SDVariable y =
          switch (beginning) {
            case 0 -> convolution(own, input, 1 + 2 * random.nextInt(2), 1, 0, 40, 40, true);
            case 1 -> own.reshape(linear(own, own.reshape(input, -1, 40), 40, 40), -1, 4, 4, 40);
            default -> input;
          };
      List<String> said = new ArrayList<>();
      for (int i = 0; i < 2 + random.nextInt(5); i++) {
        int next = random.nextInt(9);
        said.add(String.valueOf(next));
        y = function(own, y, next, random);
      }
      y.add("y", 0);
      try (PlanRunner direct = new PlanRunner(own, true, true);
          GraphRunner session = new SameDiffRunner(own);
          INDArray values = wave(2, 4, 4, 40);
          GraphResult actual = direct.run(Map.of("x", values), "y");
          GraphResult expected = session.run(Map.of("x", values), "y")) {
        assertClose(said.toString(), actual.output("y"), expected.output("y"));
      }
    }
  }

  private SDVariable function(SameDiff own, SDVariable y, int which, Random random) {
    return switch (which) {
      case 0 -> y.mul(0.5 + random.nextInt(3));
      case 1 -> y.add(random.nextInt(3) - 1.25);
      case 2 -> own.nn().relu(y, 0);
      case 3 -> own.nn().sigmoid(y);
      case 4 -> own.math().clipByValue(y, -0.5, 1 + random.nextInt(2));
      case 5 -> own.math().abs(y);
      case 6 -> own.math().square(y);
      case 7 -> y.mul(own.constant(wave(40)));
      default -> y.add(own.constant(wave(40)));
    };
  }

  /** Values a channel belong to the axis that is last where they are applied. */
  @Test
  void valuesOfAChannelUnderAnotherShape() {
    SDVariable rows = linear(graph, graph.reshape(x, -1, 16), 16, 48);
    SDVariable heads = graph.reshape(rows, -1, 36, 3, 16).mul(graph.constant(wave(16)));
    SDVariable images = graph.reshape(heads, -1, 6, 6, 48).add(graph.constant(wave(48)));
    SDVariable twice = graph.reshape(x.mul(2), -1, 6, 12, 8).mul(graph.constant(wave(8)));
    SDVariable scaled =
        graph
            .reshape(twice, -1, 12, 6, 8)
            .mul(graph.mean(graph.reshape(x, -1, 72, 8), true, 1).reshape(-1, 1, 1, 8));
    images
        .add(graph.mean(graph.reshape(scaled, -1, 576), true, 1).reshape(-1, 1, 1, 1))
        .rename("y");
    agree();
  }

  @Test
  void differencesOnBothSides() {
    SDVariable u = convolved();
    SDVariable v = graph.math().square(u);
    graph.constant(wave(24)).sub(u).div(v.add(1)).sub("y", u);
    agree();
  }

  /** Batch normalisation as the mechanism trains it: no row that ones repeat is written out. */
  @Test
  void repeatedRowsAreReadAsRows() {
    SDVariable ones = graph.constant(Nd4j.ones(DataType.FLOAT, 72, 1));
    SDVariable average = graph.constant(Nd4j.ones(DataType.FLOAT, 1, 72).divi(72));
    SDVariable rows = x.reshape(72, 16);
    SDVariable centred = rows.sub(graph.mmul(ones, graph.mmul(average, rows)));
    SDVariable variance = graph.mmul(average, centred.mul(centred));
    SDVariable scale = graph.mmul(ones, graph.math().rsqrt(variance.add(0.1)));
    centred.mul(scale).sub("y", graph.mmul(ones, variance));
    // Both products are means: none repeats a row.
    assertThat(forward())
        .containsExactly(
            "matmul", "subtract", "multiply", "matmul", "linear", "rsqrt", "multiply + subtract");
    agree();
  }

  /** A product with other numbers, or of two repeated rows, is what it says. */
  @Test
  void whatIsLikeARepeatedRow() {
    SDVariable ones = graph.constant(Nd4j.ones(DataType.FLOAT, 72, 1));
    INDArray last = Nd4j.ones(DataType.FLOAT, 72, 1).putScalar(71, 2);
    SDVariable row = graph.constant(wave(1, 16));
    SDVariable rows = x.reshape(72, 16).mul(graph.mmul(graph.constant(last), row));
    SDVariable two = graph.mmul(ones, row).mul(graph.mmul(ones, row));
    rows.sub(two).mul("y", graph.mmul(graph.constant(last), row));
    forward();
    agree();
  }
}
