package org.ttame.core.classifier;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class PredictionsTest {
  private static final int ROWS = 5;
  private static final int CLASSES = 40;

  /** Few different values, so that many are equal. */
  private final int[][] values = new int[ROWS][CLASSES];

  PredictionsTest() {
    SplittableRandom random = new SplittableRandom(3);
    for (int[] row : values) {
      for (int k = 0; k < CLASSES; k++) {
        row[k] = random.nextInt(-6, 6);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, CLASSES})
  void topClassesAreThoseOfAStableSort(int count) {
    int[][] expected = new int[ROWS][];
    for (int i = 0; i < ROWS; i++) {
      int[] row = values[i];
      expected[i] =
          IntStream.range(0, CLASSES)
              .boxed()
              .sorted((a, b) -> Integer.compare(row[b], row[a]))
              .limit(count)
              .mapToInt(Integer::intValue)
              .toArray();
    }
    try (INDArray logits = Nd4j.create(floats());
        INDArray turned = logits.dup('f')) {
      assertThat(Predictions.topClasses(logits, count)).isDeepEqualTo(expected);
      assertThat(Predictions.topClasses(turned, count)).isDeepEqualTo(expected);
    }
  }

  @Test
  void refusesMoreClassesThanThereAre() {
    try (INDArray logits = Nd4j.create(floats())) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Predictions.topClasses(logits, CLASSES + 1))
          .withMessage("Cannot take the top 41 of 40 classes");
    }
  }

  private float[][] floats() {
    float[][] floats = new float[ROWS][CLASSES];
    for (int i = 0; i < ROWS; i++) {
      for (int k = 0; k < CLASSES; k++) {
        floats[i][k] = values[i][k];
      }
    }
    return floats;
  }
}
