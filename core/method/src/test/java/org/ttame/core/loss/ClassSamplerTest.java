package org.ttame.core.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class ClassSamplerTest {
  @Test
  void paperDrawsOthersWithoutReplacementForEachImage() {
    ClassSampler sampler = new ClassSampler(LossMode.PAPER, 10, 3);
    int[] predicted = {4, 4, 0, 9};
    for (int step = 0; step < 200; step++) {
      int[][] psi = sampler.draw(predicted, step);
      assertThat(psi).hasDimensions(4, 4);
      for (int image = 0; image < 4; image++) {
        assertThat(psi[image][0]).isEqualTo(predicted[image]);
        assertThat(Arrays.stream(psi[image]).distinct()).hasSize(4);
        assertThat(Arrays.stream(psi[image])).allMatch(k -> k >= 0 && k < 10);
      }
    }
  }

  @Test
  void everyOtherClassIsDrawnEquallyOften() {
    ClassSampler sampler = new ClassSampler(LossMode.PAPER, 6, 11);
    int[] predicted = {2, 5, 0};
    int[][] counts = new int[3][6];
    int steps = 6000;
    for (int step = 0; step < steps; step++) {
      int[][] psi = sampler.draw(predicted, step);
      for (int image = 0; image < 3; image++) {
        counts[image][psi[image][1]]++;
        counts[image][psi[image][2]]++;
      }
    }
    // 2 of 5 others each step: 2400 expected, standard deviation 38.
    for (int image = 0; image < 3; image++) {
      for (int k = 0; k < 6; k++) {
        if (k == predicted[image]) {
          assertThat(counts[image][k]).isZero();
        } else {
          assertThat(counts[image][k]).isBetween(2400 - 190, 2400 + 190);
        }
      }
    }
  }

  @Test
  void dependsOnSeedAndStepAlone() {
    int[] predicted = {1, 7};
    int[][] first = new ClassSampler(LossMode.PAPER, 1000, 5).draw(predicted, 17);
    ClassSampler sampler = new ClassSampler(LossMode.PAPER, 1000, 5);
    sampler.draw(predicted, 16);
    assertThat(sampler.draw(predicted, 17)).isDeepEqualTo(first);
    assertThat(Arrays.deepEquals(sampler.draw(predicted, 18), first)).isFalse();
    assertThat(
            Arrays.deepEquals(new ClassSampler(LossMode.PAPER, 1000, 6).draw(predicted, 17), first))
        .isFalse();
  }

  @Test
  void fewerClassesThanImagesGiveAllOfThem() {
    int[][] psi = new ClassSampler(LossMode.PAPER, 3, 5).draw(new int[] {2, 0, 1, 2, 2}, 0);
    assertThat(psi).hasDimensions(5, 3);
    assertThat(psi[0]).containsExactlyInAnyOrder(0, 1, 2).startsWith(2);
    assertThat(new ClassSampler(LossMode.PAPER, 1, 5).draw(new int[] {0, 0}, 0))
        .isDeepEqualTo(new int[][] {{0}, {0}});
  }

  @Test
  void releasedTakesTheBatchsPredictions() {
    int[][] psi = new ClassSampler(LossMode.RELEASED, 10, 5).draw(new int[] {3, 8, 3}, 0);
    assertThat(psi).isDeepEqualTo(new int[][] {{3, 8, 3}, {8, 3, 3}, {3, 3, 8}});
  }

  @Test
  void saysWhatIsWrong() {
    assertThatThrownBy(() -> new ClassSampler(LossMode.PAPER, 10, 5).draw(new int[] {10}, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Class 10 does not exist; there are classes 0 to 9");
    assertThatThrownBy(() -> new LossOptions(LossMode.PAPER, 1.5, Double.NaN, 0.005, 0.3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("lambda2")
        .hasMessageContaining("NaN");
    assertThatThrownBy(() -> new LossOptions(LossMode.PAPER, 1.5, 2, 0.005, 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> LossMode.parse("papers"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("papers");
    assertThat(LossMode.parse("Released")).isEqualTo(LossMode.RELEASED);
    assertThat(LossOptions.defaults().total(2, 0.5, 10)).isEqualTo(1.5 * 2 + 2 * (0.5 + 0.05));
  }
}
