package org.ttame.eval.render;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ColorMapTest {
  @Test
  void hasTheEndsOfThePublishedTables() {
    assertThat(ColorMap.VIRIDIS.rgb(0)).isEqualTo(0x440154);
    assertThat(ColorMap.VIRIDIS.rgb(0.5)).isEqualTo(0x21918c);
    assertThat(ColorMap.VIRIDIS.rgb(1)).isEqualTo(0xfde725);
    assertThat(ColorMap.INFERNO.rgb(0)).isEqualTo(0x000004);
    assertThat(ColorMap.INFERNO.rgb(1)).isEqualTo(0xfcffa4);
    assertThat(ColorMap.JET.rgb(0)).isEqualTo(0x000080);
    assertThat(ColorMap.JET.rgb(1)).isEqualTo(0x800000);
  }

  @ParameterizedTest
  @EnumSource(names = {"VIRIDIS", "INFERNO"})
  void lightnessGrowsWithTheValue(ColorMap map) {
    double before = -1;
    for (int i = 0; i < 256; i++) {
      double lightness = luminance(map.rgb(i / 255.0));
      // The tables are rounded to 8 bits.
      assertThat(lightness).as("step %d", i).isGreaterThan(before - 0.002);
      before = Math.max(before, lightness);
    }
    assertThat(before).isGreaterThan(0.7);
  }

  @Test
  void cutsWhatLiesOutside() {
    assertThat(ColorMap.VIRIDIS.rgb(-3)).isEqualTo(ColorMap.VIRIDIS.rgb(0));
    assertThat(ColorMap.VIRIDIS.rgb(7)).isEqualTo(ColorMap.VIRIDIS.rgb(1));
    assertThat(ColorMap.VIRIDIS.rgb(Double.NaN)).isEqualTo(ColorMap.VIRIDIS.rgb(0));
  }

  @Test
  void parsesOptionsAndNamesTheChoices() {
    assertThat(ColorMap.parse("Jet")).isEqualTo(ColorMap.JET);
    assertThatThrownBy(() -> ColorMap.parse("rainbow"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("\"rainbow\" is not a colour map; use one of viridis, inferno, jet");
  }

  private static double luminance(int rgb) {
    return 0.2126 * linear(rgb >> 16 & 255)
        + 0.7152 * linear(rgb >> 8 & 255)
        + 0.0722 * linear(rgb & 255);
  }

  private static double linear(int level) {
    double c = level / 255.0;
    return c <= 0.04045 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4);
  }
}
