package org.ttame.core;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TextTest {
  @Test
  void durationsReadWell() {
    assertThat(Text.duration(41.6)).isEqualTo("42 s");
    assertThat(Text.duration(185)).isEqualTo("3 min 05 s");
    assertThat(Text.duration(7800)).isEqualTo("2 h 10 min");
  }
}
