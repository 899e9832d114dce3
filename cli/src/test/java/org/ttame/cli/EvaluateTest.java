package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.training.sample.SampleData;

/** {@code evaluate} on a classifier of the sample, without a run. */
class EvaluateTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path folder;
  private static Path weights;
  private static Path scenes;

  @BeforeAll
  static void unpack() throws IOException {
    SampleData sample = new SampleData(folder.resolve("sample"));
    weights = sample.backbone("vgg");
    scenes = sample.images("test").source();
  }

  private static String[] words(String out, String... more) {
    List<String> words =
        new ArrayList<>(
            List.of(
                "evaluate",
                "--weights",
                weights.toString(),
                "--data",
                scenes.toString(),
                "--out",
                folder.resolve(out).toString()));
    words.addAll(List.of(more));
    return words.toArray(String[]::new);
  }

  private static Ttame.Result ok(String... words) {
    Ttame.Result result = Ttame.run(words);
    assertThat(result.code()).as("%s", result).isZero();
    return result;
  }

  private static JsonNode metrics(String out) throws IOException {
    return JSON.readTree(folder.resolve(out).resolve("metrics.json").toFile());
  }

  private static List<String> rows(String out) throws IOException {
    return Files.readAllLines(folder.resolve(out).resolve("per-image.csv"));
  }

  /** The rows of the first batches are as a kill left them, in the middle of a line. */
  @Test
  void goesOnAfterAKill() throws IOException {
    String[] more = {
      "--limit",
      "6",
      "--batch-size",
      "2",
      "--methods",
      "gradcam,random",
      "--metrics",
      "ad,ic,road",
      "--road-percentages",
      "50"
    };
    ok(words("whole", more));
    ok(words("stopped", more));
    Path csv = folder.resolve("stopped/per-image.csv");
    Path batches = folder.resolve("stopped/batches.jsonl");
    String text = Files.readString(csv);
    int second = text.indexOf("\n", text.length() / 2);
    Files.writeString(csv, text.substring(0, second + 20));
    List<String> lines = Files.readAllLines(batches);
    assertThat(lines).hasSize(3);
    Files.writeString(batches, lines.get(0) + "\n" + lines.get(1).substring(0, 15));
    Files.delete(folder.resolve("stopped/metrics.json"));

    Ttame.Result again = ok(words("stopped", more));
    assertThat(again.err()).contains("goes on: 2 of 6 images are measured");
    assertThat(again.out()).contains("stopped: 6 images");
    assertThat(csv).hasSameTextualContentAs(folder.resolve("whole/per-image.csv"));
    JsonNode whole = metrics("whole");
    JsonNode stopped = metrics("stopped");
    for (String name : List.of("images", "clean_passes", "metric_passes", "parameters")) {
      assertThat(stopped.path(name)).as(name).isEqualTo(whole.path(name));
    }
    assertThat(stopped.at("/clean_passes").asInt()).isEqualTo(6);
    double seconds = 0;
    for (String line : Files.readAllLines(batches)) {
      seconds += JSON.readTree(line).at("/methods/gradcam/seconds").asDouble();
    }
    assertThat(Files.readAllLines(batches).get(0)).isEqualTo(lines.get(0));
    assertThat(stopped.at("/methods/0/seconds").asDouble()).isCloseTo(seconds, within(1e-9));
  }

  @Test
  void doesNotDependOnBatchesOrThreads() throws IOException {
    String[] one = {"--limit", "5", "--methods", "gradcam,rise", "--rise-masks", "12"};
    ok(words("by-one", with(one, "--batch-size", "1", "--threads", "1")));
    ok(words("by-five", with(one, "--batch-size", "5", "--threads", "2")));
    List<String> a = rows("by-one");
    List<String> b = new ArrayList<>(rows("by-five"));
    assertThat(a).hasSameSizeAs(b);
    assertThat(b.remove(0)).isEqualTo(a.get(0));
    for (String row : a.subList(1, a.size())) {
      String[] cells = row.split(",", -1);
      String start = cells[0] + "," + cells[1] + "," + cells[2] + ",";
      String[] others =
          b.stream().filter(r -> r.startsWith(start)).findFirst().orElseThrow().split(",", -1);
      for (int c = 3; c < cells.length; c++) {
        assertThat(Double.parseDouble(others[c]))
            .as(row)
            .isCloseTo(Double.parseDouble(cells[c]), within(1e-3));
      }
    }
  }

  @Test
  void refusesToGoOnWithOtherSettings() throws IOException {
    String[] more = {"--limit", "2", "--methods", "random", "--thresholds", "50"};
    ok(words("settings", more));
    List<String> before = rows("settings");
    String[][] others = {
      {"--seed", "7", "seed 42; now it is 7"},
      {"--protocol", "released", "protocol paper; now it is released"},
      {"--masking", "vit", "masking cnn; now it is vit"},
      {"--max-pixels", "9000", "max-pixels"},
    };
    for (String[] other : others) {
      Ttame.Result refused = Ttame.run(words("settings", with(more, other[0], other[1])));
      assertThat(refused.code()).as("%s", refused).isEqualTo(1);
      assertThat(refused.err()).contains(other[2]).contains("--out");
    }
    more[1] = "3";
    Ttame.Result refused = Ttame.run(words("settings", more));
    assertThat(refused.err()).contains("images 2 (").contains("now it is 3 (");
    assertThat(rows("settings")).isEqualTo(before);
  }

  private static String[] with(String[] words, String... more) {
    String[] all = Arrays.copyOf(words, words.length + more.length);
    System.arraycopy(more, 0, all, words.length, more.length);
    return all;
  }
}
