package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ttame.training.sample.SampleData;

class SearchCommandTest {
  @TempDir Path folder;

  @Test
  void triesEveryCombinationRecordsAllAndSelectsTheSmallest() throws IOException {
    Path out = folder.resolve("search");
    String[] words = {
      "search",
      "--out",
      out.toString(),
      "--limit",
      "8",
      "--epochs",
      "1,2",
      "--max-lr",
      "1e-3,1e38",
      "--threads",
      "1"
    };
    Ttame.Result said = Ttame.run(words);
    assertThat(said.code()).as("%s", said).isZero();
    assertThat(said.out()).contains("4 trainings, 0 done").contains("best: epochs-");
    JsonNode json = new ObjectMapper().readTree(out.resolve("search.json").toFile());
    Schemas.requireValid("search", out.resolve("search.json"));
    Schemas.requireColumns(out.resolve("search.csv"));
    String page = Files.readString(out.resolve("report.html"));
    assertThat(page).contains("Selected", "<svg");
    for (JsonNode trial : json.path("trials")) {
      assertThat(page).contains("<bdi>" + trial.path("trial").asText() + "</bdi>");
    }
    assertThat(json.path("trials")).hasSize(4);
    assertThat(json.path("rule").asText()).contains("AD(15) - IC(15)");
    List<Double> scores = new ArrayList<>();
    String best = "";
    double smallest = Double.POSITIVE_INFINITY;
    for (JsonNode trial : json.path("trials")) {
      if (trial.path("failure").asText().isEmpty()) {
        double score = trial.path("ad15").asDouble() - trial.path("ic15").asDouble();
        assertThat(trial.path("score").asDouble()).isEqualTo(score);
        scores.add(score);
        best = score < smallest ? trial.path("trial").asText() : best;
        smallest = Math.min(smallest, score);
      }
    }
    assertThat(scores).hasSizeBetween(2, 4);
    assertThat(json.path("best").asText()).isEqualTo(best);
    assertThat(Files.readAllLines(out.resolve("search.csv"))).hasSize(5);

    assertThat(out.resolve("trials/epochs-2_max-lr-1e-3/command.properties"))
        .content()
        .contains("epochs=2", "max-lr=0.001", "limit=8");

    Ttame.Result again = Ttame.run(words);
    assertThat(again.code()).isZero();
    assertThat(again.out())
        .contains("4 trainings, 4 done, 0 steps to go")
        .contains("best: " + best);
  }

  /** As README says: lists, a training for each number of epochs, the best one measured once. */
  @Test
  void thePapersProtocolFromTheListsToTheTestImages() throws IOException {
    SampleData sample = new SampleData(folder.resolve("sample"));
    String weights = sample.backbone("vgg").toString();
    String train = sample.images("train").source().toString();
    String held = sample.images("test").source().toString();
    String lists = folder.resolve("lists").toString();
    Ttame.ok("split", "--data", held, "--validation", "4", "--test", "5", "--out", lists);
    List<String> words =
        List.of(
            "search",
            "--weights",
            weights,
            "--data",
            train,
            "--val",
            lists + "/val.txt",
            "--epochs",
            "1,2",
            "--limit",
            "8",
            "--batch-size",
            "8",
            "--threads",
            "1",
            "--out",
            folder.resolve("protocol").toString());
    Ttame.ok(words.toArray(String[]::new));
    JsonNode search = new ObjectMapper().readTree(folder.resolve("protocol/search.json").toFile());
    assertThat(search.path("trials").findValuesAsText("trial"))
        .containsExactly("epochs-1", "epochs-2");
    String best = search.path("best").asText();
    Path out = folder.resolve("measured");
    Ttame.ok(
        "evaluate",
        "--run",
        folder.resolve("protocol/trials").resolve(best).toString(),
        "--data",
        lists + "/test.txt",
        "--methods",
        "ttame",
        "--threads",
        "1",
        "--out",
        out.toString());
    JsonNode metrics = new ObjectMapper().readTree(out.resolve("metrics.json").toFile());
    assertThat(metrics.path("images").asInt()).isEqualTo(5);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "search --epochs 1,0             | epochs must be at least 1",
        "search --lambda4 0.3,x          | lambda4: 'x' is not a number",
        "search --max-lr 1e-3,1e-3       | names 1e-3 twice",
        "search --weights a --data b     | --val PATH is missing",
      })
  void wrongUsageExitsWithTwo(String line, String sentence) {
    Ttame.Result said = Ttame.run(line.trim().split(" ", -1));
    assertThat(said.code()).isEqualTo(2);
    assertThat(said.err()).contains(sentence);
  }
}
