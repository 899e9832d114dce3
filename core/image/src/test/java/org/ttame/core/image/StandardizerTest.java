package org.ttame.core.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class StandardizerTest {
  private static final InputSpec IMAGENET = InputSpec.imageNet(2);
  private static final InputSpec GREY = new InputSpec(2, List.of(0.1307), List.of(0.3081));
  private static final InputSpec FIVE =
      new InputSpec(2, List.of(0.1, 0.2, 0.3, 0.4, 0.5), List.of(0.5, 1.0, 2.0, 0.25, 1 / 255.0));

  @Test
  void everyChannelHasItsOwnMeanAndStd() {
    for (InputSpec spec : List.of(IMAGENET, GREY, FIVE)) {
      float[] unit = random(4 * spec.channels());
      float[] result = new Standardizer(spec).apply(unit);
      for (int i = 0; i < unit.length; i++) {
        int c = i % spec.channels();
        double exact = (unit[i] - spec.mean().get(c)) / spec.std().get(c);
        // Two roundings of numbers as large as the largest term.
        assertThat((double) result[i]).isCloseTo(exact, within(2e-7 / spec.std().get(c)));
      }
    }
  }

  @Test
  void anArrayGetsTheSameBitsAsItsValues() {
    for (InputSpec spec : List.of(IMAGENET, GREY, FIVE)) {
      float[] unit = random(3 * spec.values());
      Standardizer standardizer = new Standardizer(spec);
      try (INDArray array = Nd4j.create(unit, spec.shape(3), 'c');
          INDArray result = standardizer.apply(array)) {
        assertThat(result.shape()).containsExactly(3, 2, 2, spec.channels());
        assertThat(result.data().asFloat()).containsExactly(standardizer.apply(unit));
        assertThat(array.data().asFloat()).containsExactly(unit);
      }
    }
  }

  @Test
  void doublesStayDoubles() {
    try (INDArray unit = Nd4j.rand(DataType.DOUBLE, 1, 2, 2, 3);
        INDArray result = new Standardizer(IMAGENET).apply(unit)) {
      assertThat(result.dataType()).isEqualTo(DataType.DOUBLE);
      assertThat(result.getDouble(0, 1, 1, 2))
          .isCloseTo((unit.getDouble(0, 1, 1, 2) - 0.406) / 0.225, within(1e-14));
    }
  }

  @Test
  void refusesOtherChannels() {
    Standardizer standardizer = new Standardizer(IMAGENET);
    assertThatThrownBy(() -> standardizer.apply(new float[10]))
        .hasMessageContaining("got an array of 10");
    try (INDArray grey = Nd4j.zeros(DataType.FLOAT, 1, 2, 2, 1)) {
      assertThatThrownBy(() -> standardizer.apply(grey)).hasMessageContaining("[1, 2, 2, 1]");
    }
  }

  private static float[] random(int length) {
    SplittableRandom random = new SplittableRandom(length);
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = random.nextInt(256) / 255f;
    }
    return values;
  }
}
