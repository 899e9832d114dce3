package org.ttame.eval.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class SaliencyMapsTest {
  @Test
  void scalesEachMapByItself() {
    SaliencyMaps maps =
        SaliencyMaps.minMax(1, 3, new float[][] {{-2, 0, 2}, {7, 7, 7}, {-3e38f, 3e38f, 0}});
    assertThat(maps.map(0)).containsExactly(0, 0.5f, 1);
    assertThat(maps.map(1)).containsExactly(0, 0, 0);
    assertThat(maps.map(2)).containsExactly(0, 1, 0.5f);
  }

  @Test
  void upsamplesWithHalfPixelCentres() {
    float[] row = new SaliencyMaps(1, 2, new float[][] {{0, 1}}).upsampled(4, 4)[0];
    assertThat(row).hasSize(16);
    for (int y = 0; y < 4; y++) {
      assertThat(row[4 * y]).isZero();
      assertThat(row[4 * y + 1]).isCloseTo(0.25f, within(1e-6f));
      assertThat(row[4 * y + 2]).isCloseTo(0.75f, within(1e-6f));
      assertThat(row[4 * y + 3]).isEqualTo(1);
    }
  }

  @Test
  void refusesWhatIsNoMap() {
    assertThatThrownBy(() -> new SaliencyMaps(1, 2, new float[][] {{0, 1.5f}}))
        .hasMessageContaining("1.5");
    assertThatThrownBy(() -> new SaliencyMaps(2, 2, new float[][] {{0, 1}}))
        .hasMessageContaining("has 4 values, got 2");
    assertThatThrownBy(() -> SaliencyMaps.minMax(1, 1, new float[][] {{Float.NaN}}))
        .hasMessageContaining("NaN");
  }

  @Test
  void randomMapsDependOnSeedAndNameAlone() {
    try (RandomMapsExplainer random = new RandomMapsExplainer(7, 5, 1);
        RandomMapsExplainer other = new RandomMapsExplainer(7, 5, 2)) {
      SaliencyMaps together = random.explain(null, new int[] {0, 1}, List.of("a.jpg", "b.jpg"));
      SaliencyMaps alone = random.explain(null, new int[] {9}, List.of("b.jpg"));
      assertThat(alone.map(0)).containsExactly(together.map(1));
      assertThat(together.map(0)).isNotEqualTo(together.map(1));
      assertThat(other.explain(null, new int[] {0}, List.of("a.jpg")).map(0))
          .isNotEqualTo(together.map(0));
      assertThat(random.settings()).containsEntry("seed", "1").containsEntry("map", "7x5");
    }
  }

  /** A maximum that favours a place would make a poor control. */
  @Test
  void randomMapsPeakEverywhere() {
    int[] peaks = new int[4];
    try (RandomMapsExplainer random = new RandomMapsExplainer(2, 2, 0)) {
      for (int i = 0; i < 4000; i++) {
        float[] map = random.explain(null, new int[1], List.of("image-" + i)).map(0);
        for (int p = 0; p < 4; p++) {
          peaks[p] += map[p] == 1 ? 1 : 0;
        }
      }
    }
    for (int count : peaks) {
      // Six standard deviations of a binomial with 4000 draws of 1/4.
      assertThat(count).isBetween(1000 - 165, 1000 + 165);
    }
  }
}
