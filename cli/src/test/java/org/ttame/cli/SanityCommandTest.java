package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SanityCommandTest {
  @TempDir Path folder;

  @Test
  void checksClassifierMechanismAndLabelsBesideAnotherSeed() throws IOException {
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
        .containsPattern("labels, ttame: .*, below another seed's by ")
        .contains("Passing for labels also needs")
        .contains("seed, ttame: the reference, not a check:")
        .contains("from another seed, maps correlate by")
        .contains("below 0.5");
    assertThat(out.resolve("strip-labels-ttame.png")).isNotEmptyFile();
    ObjectMapper mapper = new ObjectMapper();
    JsonNode control = mapper.readTree(out.resolve("shuffled/run.json").toFile());
    assertThat(control.path("settings").path("targets").asText()).isEqualTo("shuffled");
    assertThat(control.path("settings").path("seed").asText()).isEqualTo("43");
    JsonNode reseeded = mapper.readTree(out.resolve("reseeded/run.json").toFile());
    assertThat(reseeded.path("settings").has("targets")).isFalse();
    assertThat(reseeded.path("settings").path("seed").asText()).isEqualTo("43");
    JsonNode json = mapper.readTree(out.resolve("sanity.json").toFile());
    Schemas.requireValid("sanity", out.resolve("sanity.json"));
    Schemas.requireColumns(out.resolve("sanity.csv"));
    String page = Files.readString(out.resolve("report.html"));
    assertThat(page).contains("Verdicts", "<svg", "data:image/", "All numbers");
    for (JsonNode verdict : json.path("verdicts")) {
      assertThat(page)
          .contains(
              verdict.path("cascade").asText() + ", " + verdict.path("method").asText() + ":");
    }
    assertThat(json.path("provenance").path("settings").path("seed").asText()).isEqualTo("42");
    assertThat(json.path("verdicts").findValuesAsText("cascade"))
        .contains("labels")
        .doesNotContain("seed");

    Ttame.Result again = Ttame.run(words);
    assertThat(again.code()).as("%s", again).isZero();
    assertThat(mapper.readTree(out.resolve("sanity.json").toFile()).path("rows"))
        .isEqualTo(json.path("rows"));
    Path few = folder.resolve("few");
    List<String> backbone =
        List.of(
            ("sanity --run "
                    + run
                    + " --data "
                    + words[4]
                    + " --limit 1 --checks backbone"
                    + " --methods gradcam --threads 1 --out "
                    + few)
                .split(" "));
    List<String> inStages = new ArrayList<>(backbone);
    inStages.addAll(List.of("--stages", "2"));
    Ttame.ok(inStages.toArray(String[]::new));
    JsonNode fewer = mapper.readTree(few.resolve("sanity.json").toFile());
    Schemas.requireValid("sanity", few.resolve("sanity.json"));
    assertThat(fewer.path("provenance").path("settings").path("stages").asText()).isEqualTo("2");
    Set<String> names = new TreeSet<>(fewer.path("rows").findValuesAsText("name"));
    assertThat(names).hasSize(2).allMatch(name -> name.contains(" to "));
    assertThat(few.resolve("stages/backbone-03.json")).doesNotExist();
    Ttame.Result otherwise = Ttame.run(backbone.toArray(String[]::new));
    assertThat(otherwise.code()).isEqualTo(1);
    assertThat(otherwise.err()).contains("stages");
  }

  @Test
  void aRunThatIsNoneIsAFailure() {
    Ttame.Result said =
        Ttame.run("sanity", "--run", folder.toString(), "--data", folder.toString());
    assertThat(said.code()).isEqualTo(1);
  }
}
