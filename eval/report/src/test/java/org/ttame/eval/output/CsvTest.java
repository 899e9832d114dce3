package org.ttame.eval.output;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class CsvTest {
  private static final List<String> TEXTS =
      List.of(
          "=cmd|' /C calc'!A0.jpg",
          "+1+1",
          "-2+3+cmd",
          "@SUM(A1)",
          "\t=1",
          "\r=1",
          "＝1",
          "'=1",
          "''=1",
          "'quoted'",
          "'",
          "plain, with \"quotes\"\nand lines",
          "");

  @Test
  void textsAreReadAsTheyWereWritten() throws IOException {
    List<List<String>> rows = new ArrayList<>();
    Csv.read(new StringReader(Csv.row(TEXTS) + Csv.row(List.of("last"))), rows::add);
    assertThat(rows).containsExactly(TEXTS, List.of("last"));
  }

  @Test
  void noTextIsAFormula() {
    for (String text : TEXTS) {
      assertThat(Csv.row(List.of(text)).replaceFirst("^\"", ""))
          .as(text)
          .doesNotContainPattern("\\A[=+\\-@\t\r＝]");
    }
    assertThat(Csv.row(List.of("=1", "'=1", "x=1"))).isEqualTo("'=1,''=1,x=1\n");
  }

  @Test
  void numbersStayNumbers() {
    assertThat(
            Csv.row(
                List.of(
                    Csv.number(-0.25), Csv.number(-3), Csv.number(-1e-9), Csv.number(Double.NaN))))
        .isEqualTo("-0.25,-3,-1.0E-9,\n");
    assertThat(Csv.row(List.of(Csv.number(Double.NEGATIVE_INFINITY)))).isEqualTo("-Infinity\n");
  }

  @Test
  void aRowThatIsCutIsNoticed() {
    assertThatThrownBy(() -> Csv.read(new StringReader("a,b"), row -> {}))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("ends within a row");
  }
}
