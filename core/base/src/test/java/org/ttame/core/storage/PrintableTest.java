package org.ttame.core.storage;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PrintableTest {
  @Test
  void whatDrivesATerminalIsWrittenOut() {
    assertThat(Printable.of("a\nb\r\tc")).isEqualTo("a\\nb\\r\\tc");
    assertThat(Printable.of("\u001b[31m\u0007\u009b2J\u007f"))
        .isEqualTo("\\u001b[31m\\u0007\\u009b2J\\u007f");
    // gnp.exe turned round by a right-to-left override reads exe.png
    assertThat(Printable.of("\u202egnp.exe\u2066\u200f\u061c\u2028\ufeff"))
        .isEqualTo("\\u202egnp.exe\\u2066\\u200f\\u061c\\u2028\\ufeff");
    assertThat(Printable.of("\udb40\udc41\ud800")).isEqualTo("\\udb40\\udc41\\ud800");
  }

  @Test
  void writingOfAnyScriptStays() {
    for (String text : new String[] {"C:\\cats\\1.png", "crème", "猫", "خانه‌ها", "👩‍👧", "a b"}) {
      assertThat(Printable.of(text)).isEqualTo(text);
    }
  }
}
