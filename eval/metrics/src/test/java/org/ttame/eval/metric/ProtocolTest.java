package org.ttame.eval.metric;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ProtocolTest {
  @Test
  void theReleasedOneKeepsTies() {
    assertThat(Protocol.PAPER.keeping()).isEqualTo(PixelKeeping.EXACT);
    assertThat(Protocol.RELEASED.keeping()).isEqualTo(PixelKeeping.QUANTILE);
  }
}
