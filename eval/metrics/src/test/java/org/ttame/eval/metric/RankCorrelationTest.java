package org.ttame.eval.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class RankCorrelationTest {
  @Test
  void equalValuesShareTheirRanks() {
    assertThat(RankCorrelation.ranks(new float[] {0.5f, -2, 0.5f, 7, -0f, 0}))
        .containsExactly(4.5, 1, 4.5, 6, 2.5, 2.5);
  }

  @Test
  void onlyTheOrderCounts() {
    double[] a = RankCorrelation.ranks(new float[] {0.1f, 0.2f, 0.3f, 0.9f});
    assertThat(RankCorrelation.between(a, RankCorrelation.ranks(new float[] {1, 20, 300, 301})))
        .isCloseTo(1, within(1e-12));
    assertThat(RankCorrelation.between(a, RankCorrelation.ranks(new float[] {4, 3, 2, -1})))
        .isCloseTo(-1, within(1e-12));
    // By hand: Σd² = 1 + 1 + 1 + 1, so 1 − 6·4/(4·15).
    assertThat(RankCorrelation.between(a, RankCorrelation.ranks(new float[] {2, 1, 4, 3})))
        .isCloseTo(0.6, within(1e-12));
  }

  @Test
  void aConstantMapHasNoOrder() {
    double[] flat = RankCorrelation.ranks(new float[] {0, 0, 0});
    assertThat(RankCorrelation.between(flat, RankCorrelation.ranks(new float[] {1, 2, 3})))
        .isZero();
    assertThat(RankCorrelation.between(flat, flat)).isZero();
    assertThatThrownBy(() -> RankCorrelation.between(flat, new double[2]))
        .hasMessage("Maps of 3 and 2 values cannot be compared");
  }
}
