package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LrFindCommandTest {
  @TempDir Path folder;

  @Test
  void writesCurveRuleAndPicture() throws IOException {
    Path out = folder.resolve("lr");
    String[] words = {
      "lr-find", "--out", out.toString(), "--steps", "8", "--limit", "12", "--threads", "1"
    };
    Ttame.Result said = Ttame.run(words);
    assertThat(said.code()).as("%s", said).isZero();
    assertThat(said.out())
        .contains("8 of 8 steps")
        .containsPattern("suggestion: --max-lr [0-9.e-]+|no suggestion: ")
        .contains("lr-find.png");
    String csv = Files.readString(out.resolve("lr-find.csv"));
    assertThat(csv.lines()).hasSize(9).startsWith("step,lr,loss,smoothed");
    assertThat(csv).contains("\n8,1,");
    for (String ending : List.of("png", "svg", "pdf")) {
      assertThat(out.resolve("lr-find." + ending)).isNotEmptyFile();
    }
    JsonNode json = new ObjectMapper().readTree(out.resolve("lr-find.json").toFile());
    Schemas.requireValid("lr-find", out.resolve("lr-find.json"));
    Schemas.requireColumns(out.resolve("lr-find.csv"));
    assertThat(json.path("ended").asText()).isEqualTo("complete");
    assertThat(json.path("rule").asText())
        .startsWith("a tenth of the learning rate at the lowest smoothed loss");
    JsonNode settings = json.path("provenance").path("settings");
    assertThat(settings.path("seed").asText()).isEqualTo("42");
    assertThat(settings.path("steps").asText()).isEqualTo("8");
    assertThat(settings.has("epochs")).isFalse();

    assertThat(Ttame.run(words).code()).isZero();
    assertThat(out.resolve("lr-find.csv")).hasContent(csv);
  }
}
