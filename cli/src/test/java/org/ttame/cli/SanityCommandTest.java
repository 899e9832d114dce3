package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SanityCommandTest {
  @TempDir Path folder;

  @Test
  void checksClassifierMechanismAndLabels() throws IOException {
    String run = folder.resolve("run").toString();
    Ttame.Result trained =
        Ttame.run(
            "train",
            "--run",
            run,
            "--max-steps",
            "2",
            "--limit",
            "8",
            "--report",
            "0",
            "--threads",
            "1");
    assertThat(trained.code()).as("%s", trained).isZero();
    Path out = folder.resolve("sanity");
    String[] words = {
      "sanity",
      "--run",
      run,
      "--data",
      folder.resolve("run/sample/scenes/test").toString(),
      "--limit",
      "3",
      "--checks",
      "backbone,mechanism,labels",
      "--methods",
      "gradcam",
      "--threads",
      "1",
      "--out",
      out.toString()
    };
    Ttame.Result said = Ttame.run(words);
    assertThat(said.code()).as("%s", said).isZero();
    assertThat(said.out())
        .contains("backbone, gradcam: ")
        .contains("backbone, edges: FAILS; no map ever changes")
        .contains("mechanism, ttame: ")
        .contains("labels, ttame: ")
        .contains("below 0.5");
    assertThat(out.resolve("strip-labels-ttame.png")).isNotEmptyFile();
    ObjectMapper mapper = new ObjectMapper();
    JsonNode control = mapper.readTree(out.resolve("shuffled/run.json").toFile());
    assertThat(control.path("settings").path("targets").asText()).isEqualTo("shuffled");
    JsonNode json = mapper.readTree(out.resolve("sanity.json").toFile());
    assertThat(json.path("provenance").path("settings").path("seed").asText()).isEqualTo("42");

    Ttame.Result again = Ttame.run(words);
    assertThat(again.code()).as("%s", again).isZero();
    assertThat(mapper.readTree(out.resolve("sanity.json").toFile()).path("rows"))
        .isEqualTo(json.path("rows"));
  }

  @Test
  void aRunThatIsNoneIsAFailure() {
    Ttame.Result said =
        Ttame.run("sanity", "--run", folder.toString(), "--data", folder.toString());
    assertThat(said.code()).isEqualTo(1);
  }
}
