package org.ttame.services;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class BatchFitTest {
  private static final long MIB = 1 << 20;

  /** 500 MiB and 100 an image. */
  private static long need(int size) {
    return (500 + 100L * size) * MIB;
  }

  @Test
  void theLargestThatLeavesThreeTenthsFree() {
    assertThat(BatchFit.fit(BatchFitTest::need, 3000 * MIB)).isEqualTo(16);
    assertThat(BatchFit.fit(BatchFitTest::need, 2999 * MIB)).isEqualTo(8);
  }

  @Test
  void neverMoreThanTheProtocolsAndNeverLessThanOne() {
    assertThat(BatchFit.fit(BatchFitTest::need, 1_000_000 * MIB)).isEqualTo(BatchFit.MOST);
    assertThat(BatchFit.fit(BatchFitTest::need, MIB)).isEqualTo(1);
  }
}
