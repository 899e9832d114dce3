package org.ttame.core.loss;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.Closeness;
import org.ttame.core.attention.GoldenCase;

/**
 * Masked images, loss terms, gradients and statistics against plain PyTorch in double precision.
 */
class AttentionGoldenTest {
  /** The project's bound for float32. */
  private static final double BOUND = 1e-4;

  /** A value is judged by at least this share of its array's largest. */
  private static final double FLOOR = 1e-2;

  static Stream<String> cases() {
    return GoldenCase.names().stream();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void agreesInFloat(String name) {
    compare(new GoldenCase(name), DataType.FLOAT, BOUND, 1e-6);
  }

  /** In double precision what is left is the golden values' own rounding to float32. */
  @ParameterizedTest
  @MethodSource("cases")
  void agreesInDouble(String name) {
    compare(new GoldenCase(name), DataType.DOUBLE, 1e-5, 1e-12);
  }

  private static void compare(GoldenCase golden, DataType type, double bound, double zero) {
    List<INDArray> features = golden.features(type);
    try (AttentionMechanism mechanism = golden.mechanism(type);
        AttentionTrainingGraph graph = golden.graph(mechanism);
        AttentionTrainingGraph.Forward forward =
            graph.forward(features, golden.get("input.images").castTo(type), golden.psi())) {
      check("masked", forward.maskedImages(), golden.get("out.masked"), bound);
      assertThat(relative(forward.area(), golden.get("out.area"))).isLessThan(bound);
      assertThat(relative(forward.variation(), golden.get("out.variation"))).isLessThan(bound);
      try (StepGradients step = forward.backward(golden.get("input.cotangent").castTo(type))) {
        assertThat(step.area()).isEqualTo(forward.area());
        assertThat(step.variation()).isEqualTo(forward.variation());
        assertThat(step.gradients().keySet())
            .containsExactlyElementsOf(mechanism.parameters().keySet());
        Map<String, INDArray> expected = golden.group("grad");
        assertThat(step.gradients().keySet())
            .containsExactlyInAnyOrderElementsOf(expected.keySet());
        expected.forEach(
            (name, value) -> {
              INDArray actual = step.gradients().get(name);
              if (Closeness.largest(value) < 1e-12) {
                // Batch normalisation cancels this bias: its exact gradient is zero.
                assertThat(Closeness.largest(actual)).as(name).isLessThan(zero);
              } else {
                check(name, actual, value.reshape(actual.shape()), bound);
              }
            });
        mechanism.updateStatistics(step.batchStatistics());
        golden
            .group("stat")
            .forEach((name, value) -> check(name, mechanism.statistics().get(name), value, bound));
        assertThat(mechanism.statistics().keySet())
            .containsExactlyInAnyOrderElementsOf(golden.group("stat").keySet());
      }
    }
  }

  private static double relative(double actual, INDArray expected) {
    return Math.abs(actual / expected.getDouble(0) - 1);
  }

  private static void check(String what, INDArray actual, INDArray expected, double bound) {
    double error = Closeness.relative(actual, expected, FLOOR);
    if (Boolean.getBoolean("ttame.figures")) {
      System.out.printf(Locale.ROOT, "%-28s %-8s %.2e%n", what, actual.dataType(), error);
    }
    assertThat(error).as(what).isLessThan(bound);
  }
}
