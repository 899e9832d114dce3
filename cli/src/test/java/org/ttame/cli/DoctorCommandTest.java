package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;

class DoctorCommandTest {
  @Test
  void printsWhatWasExpectedAndFound() throws Exception {
    Ttame.Result printed = Ttame.run("doctor", "--threads", "1");
    assertThat(printed.code()).isZero();
    assertThat(printed.out())
        .contains("native binary ")
        .contains("ok    operator gelu, forwards: expected ")
        .contains("ok    family vit, loss of training step 2: expected ")
        .doesNotContain("WRONG");
    assertThat(printed.err()).contains("checks passed");
    JsonNode report = new ObjectMapper().readTree(Ttame.run("doctor", "--json", "--quiet").out());
    Schemas.requireValid("doctor", report.toString());
    assertThat(report.path("passed").asBoolean()).isTrue();
    assertThat(report.path("checks").size())
        .isEqualTo(printed.out().lines().filter(line -> line.startsWith("ok")).count());
    assertThat(report.path("checks").findValuesAsText("tolerance")).doesNotContain("");
  }
}
