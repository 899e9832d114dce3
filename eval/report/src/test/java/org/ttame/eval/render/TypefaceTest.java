package org.ttame.eval.render;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class TypefaceTest {
  private final Typeface typeface = Typeface.get();

  /** The widths that Adobe's metrics of Helvetica give, in thousandths of the size. */
  @Test
  void widthsAreHelveticas() {
    assertThat(typeface.width("A", 1000)).isCloseTo(667, within(1.0));
    assertThat(typeface.width("i", 1000)).isCloseTo(222, within(1.0));
    assertThat(typeface.width("0", 1000)).isCloseTo(556, within(1.0));
    assertThat(typeface.width("Ai0", 10)).isCloseTo((667 + 222 + 556) / 100.0, within(0.05));
  }

  @Test
  void whatCannotBeShownBecomesAQuestionMark() {
    assertThat(typeface.printable("crème brûlée №5 Ωμέγα")).isEqualTo("crème brûlée №5 Ωμέγα");
    assertThat(typeface.printable("猫\u202e\u0000\ud800\n")).isEqualTo("?????");
  }

  @Test
  void aLongTextLosesItsMiddle() {
    String name = "n01440764/ILSVRC2012_val_00000293.JPEG";
    String fitted = typeface.fitted(name, 7, 80);
    assertThat(fitted).startsWith("n014").endsWith("93.JPEG").contains("…");
    assertThat(typeface.width(fitted, 7)).isLessThanOrEqualTo(80);
    assertThat(typeface.fitted("wren.jpg", 7, 80)).isEqualTo("wren.jpg");
    assertThat(typeface.fitted("wren.jpg", 7, 1)).isEqualTo("…");
  }

  @Test
  void linesBreakAtSpaces() {
    List<String> lines = typeface.wrapped("most probable false class", 8.5, 60);
    assertThat(String.join(" ", lines)).isEqualTo("most probable false class");
    assertThat(lines).hasSizeGreaterThan(1).allMatch(line -> typeface.width(line, 8.5) <= 60);
  }
}
