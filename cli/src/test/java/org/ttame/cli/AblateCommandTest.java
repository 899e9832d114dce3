package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AblateCommandTest {
  @TempDir Path folder;

  @Test
  void trainsMeasuresAndRecognisesWhatIsDone() throws IOException {
    Path out = folder.resolve("ablation");
    List<String> words =
        new ArrayList<>(
            List.of(
                "ablate",
                "--backbone",
                "resnet50",
                "--out",
                out.toString(),
                "--max-steps",
                "1",
                "--limit",
                "4",
                "--test-limit",
                "3",
                "--threads",
                "1"));
    Ttame.Result said = Ttame.run(words.toArray(String[]::new));
    assertThat(said.code()).as("%s", said).isZero();
    assertThat(said.out())
        .contains("7 trainings, 0 done, 7 steps to go")
        .contains("stage-outputs.proposed.vit-masking, 1 step, to do")
        .contains("| resnet | Stage Outputs | FMs from one layer |");
    assertThat(said.err()).contains("7 of 7, stage-outputs.proposed.vit-masking: AD(100%)");
    for (String name : List.of("ablation.md", "ablation.tex", "ablation.csv", "ablation.json")) {
      assertThat(out.resolve(name)).isNotEmptyFile();
    }
    assertThat(out.resolve("trials/stage-outputs.no-skip/run.json")).isNotEmptyFile();
    Schemas.requireValid("ablation", out.resolve("ablation.json"));
    Schemas.requireValid("trial", out.resolve("trials/stage-outputs.no-skip/trial.json"));
    Schemas.requireColumns(out.resolve("ablation.csv"));
    assertThat(Files.readString(out.resolve("report.html")))
        .contains("Table VI: means", "Table VII: means", "Provenance");
    String tables = Files.readString(out.resolve("ablation.md"));

    Ttame.Result again = Ttame.run(words.toArray(String[]::new));
    assertThat(again.code()).isZero();
    assertThat(again.out()).contains("7 trainings, 7 done, 0 steps to go");
    assertThat(out.resolve("ablation.md")).hasContent(tables);

    // A trial is a run like any other, which can be trained again for a check.
    Path trial = out.resolve("trials/stage-outputs.sigmoid");
    assertThat(trial.resolve("command.properties"))
        .content()
        .contains("variant=sigmoid", "backbone=resnet50", "limit=4", "batch-size=8", "threads=1")
        .doesNotContain("test-limit", "out=");
    Path sanity = folder.resolve("sanity");
    Ttame.Result checked =
        Ttame.run(
            "sanity",
            "--run",
            trial.toString(),
            "--data",
            out.resolve("sample/scenes/test").toString(),
            "--limit",
            "2",
            "--checks",
            "labels",
            "--threads",
            "1",
            "--out",
            sanity.toString());
    assertThat(checked.code()).as("%s", checked).isZero();
    assertThat(checked.out())
        .contains("labels, ttame: ")
        .contains("seed, ttame: the reference, not a check");
    assertThat(sanity.resolve("shuffled/run.json")).content().contains("\"sigmoid\"");

    words.addAll(List.of("--max-lr", "0.5"));
    Ttame.Result other = Ttame.run(words.toArray(String[]::new));
    assertThat(other.code()).isEqualTo(1);
    assertThat(other.err()).contains("max-lr was 0.001 and is 0.5");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "ablate --weights a                  | --weights and --data belong together",
        "ablate --test b                     | --test needs --weights and --data",
        "ablate --test-limit 0               | --test-limit 0 is not a whole number",
        "ablate --epochs 0                   | epochs must be at least 1",
        "ablate --lambda4 0                  | lambda4 must be positive",
      })
  void wrongUsageExitsWithTwo(String line, String sentence) {
    Ttame.Result said = Ttame.run(line.trim().split(" ", -1));
    assertThat(said.code()).isEqualTo(2);
    assertThat(said.err()).contains(sentence);
  }
}
