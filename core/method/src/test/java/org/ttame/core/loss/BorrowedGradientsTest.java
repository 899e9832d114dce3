package org.ttame.core.loss;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.GoldenCase;

/** Gradients that are lent have the bits of those that are given. */
class BorrowedGradientsTest {
  @ParameterizedTest
  @ValueSource(strings = {"proposed.cnn.paper", "proposed.vit.paper.tokens"})
  void theSameBitsStepAfterStep(String name) {
    GoldenCase golden = new GoldenCase(name);
    List<INDArray> features = golden.features(DataType.FLOAT);
    INDArray images = golden.get("input.images");
    INDArray cotangent = golden.get("input.cotangent");
    int[][] psi = golden.psi();
    // Other classes: what they leave behind in the fusion's gradient must not show.
    int[][] others = new int[psi.length][psi[0].length];
    for (int[] row : others) {
      Arrays.fill(row, psi[0][0] == 0 ? 1 : 0);
    }
    try (AttentionMechanism mechanism = golden.mechanism(DataType.FLOAT);
        AttentionTrainingGraph graph = golden.graph(mechanism)) {
      for (int round = 0; round < 4; round++) {
        try (AttentionTrainingGraph.Forward forward = graph.forward(features, images, others);
            StepGradients lent = forward.backwardBorrowing(cotangent)) {
          assertThat(lent.gradients().get("fusion.weight").maxNumber().doubleValue()).isNotZero();
        }
        try (AttentionTrainingGraph.Forward forward = graph.forward(features, images, psi);
            StepGradients owned = forward.backward(cotangent);
            AttentionTrainingGraph.Forward again = graph.forward(features, images, psi);
            StepGradients lent = again.backwardBorrowing(cotangent)) {
          assertSame(lent.gradients(), owned.gradients());
          assertSame(lent.batchStatistics(), owned.batchStatistics());
          assertThat(lent.area()).isEqualTo(owned.area());
          // In place, as an optimiser does it: the next round must see it.
          mechanism
              .parameters()
              .forEach((key, value) -> value.subi(owned.gradients().get(key).mul(0.1)));
        }
      }
    }
  }

  private static void assertSame(Map<String, INDArray> actual, Map<String, INDArray> expected) {
    assertThat(actual.keySet()).containsExactlyElementsOf(expected.keySet());
    expected.forEach(
        (name, value) -> assertThat(actual.get(name).equalsWithEps(value, 0)).as(name).isTrue());
  }
}
