package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.Text;
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
    Ttame.ok(words("whole", more));
    Ttame.ok(words("stopped", more));
    Path csv = folder.resolve("stopped/per-image.csv");
    Path batches = folder.resolve("stopped/batches.jsonl");
    String text = Files.readString(csv);
    int second = text.indexOf("\n", text.length() / 2);
    Files.writeString(csv, text.substring(0, second + 20));
    List<String> lines = Files.readAllLines(batches);
    assertThat(lines).hasSize(3);
    Files.writeString(batches, lines.get(0) + "\n" + lines.get(1).substring(0, 15));
    Files.delete(folder.resolve("stopped/metrics.json"));

    Ttame.Result again = Ttame.ok(words("stopped", with(more, "--json")));
    assertThat(again.err()).contains("resuming: 2 of 6 images are measured");
    assertThat(again.err()).contains("stopped: 6 images");
    assertThat(JSON.readTree(again.out())).isEqualTo(metrics("stopped"));
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
    Ttame.ok(words("by-one", with(one, "--batch-size", "1", "--threads", "1")));
    Ttame.ok(words("by-five", with(one, "--batch-size", "5", "--threads", "2")));
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
    Ttame.ok(words("settings", more));
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

  private static void explain(int limit, Path maps) {
    Ttame.ok(
        "explain",
        "--weights",
        weights.toString(),
        "--images",
        scenes.toString(),
        "--limit",
        String.valueOf(limit),
        "--method",
        "gradcam",
        "--format",
        "npy",
        "--out",
        maps.toString());
  }

  /** Maps that explain wrote, measured as another program's, have the method's own numbers. */
  @Test
  void measuresMapsMadeElsewhere() throws IOException {
    Path maps = folder.resolve("gradcam-maps");
    explain(4, maps);
    String[] more = {"--limit", "4", "--methods", "gradcam", "--maps", maps.toString()};
    Ttame.ok(words("maps", more));
    JsonNode methods = metrics("maps").path("methods");
    assertThat(methods.get(1).path("method").asText()).isEqualTo("maps");
    assertThat(methods.get(1).path("forward_passes").asDouble()).isZero();
    assertThat(methods.get(1).path("metrics").findValues("value"))
        .hasSize(6)
        .isEqualTo(methods.get(0).path("metrics").findValues("value"));

    Files.delete(maps.resolve(rows("maps").get(1).split("\\.", 2)[0] + ".npy"));
    Ttame.Result less =
        Ttame.ok(words("fewer-maps", "--limit", "4", "--maps", "elsewhere=" + maps));
    assertThat(less.err()).contains("skipped: there is no map for");
    assertThat(less.out()).contains("fewer-maps: 3 images; 1 without a map left out");
    assertThat(rows("fewer-maps")).hasSize(1 + 3);
    assertThat(metrics("fewer-maps").at("/methods/0/method").asText()).isEqualTo("elsewhere");
    assertThat(metrics("fewer-maps").at("/methods/0/warnings").toString())
        .contains("images had no map and were left out for every method\":1");

    Ttame.Result strict =
        Ttame.run(words("strict-maps", "--limit", "4", "--maps", maps.toString(), "--strict"));
    assertThat(strict.code()).isEqualTo(1);
    assertThat(strict.err()).contains("There is no map for").contains(".npy'");
    Path empty = Files.createDirectory(folder.resolve("empty-maps"));
    Ttame.Result none = Ttame.run(words("no-maps", "--limit", "4", "--maps", empty.toString()));
    assertThat(none.code()).isEqualTo(1);
    assertThat(none.err()).contains("none of the 4 images").contains("has a map: expected");
  }

  /** Two programs' maps of the same images, side by side; an image that one lacks is left out. */
  @Test
  void measuresSeveralFoldersOfMaps() throws IOException {
    Path one = folder.resolve("one-maps");
    Path other = folder.resolve("other-maps");
    explain(4, one);
    explain(4, other);
    String[] both = {"--limit", "4", "--maps", "one=" + one, "--maps", "other=" + other};
    Ttame.ok(words("both-maps", both));
    JsonNode methods = metrics("both-maps").path("methods");
    assertThat(methods.findValuesAsText("method")).containsExactly("one", "other");
    assertThat(methods.get(0).path("metrics")).isEqualTo(methods.get(1).path("metrics"));
    for (JsonNode difference : metrics("both-maps").path("differences")) {
      assertThat(difference.path("value").asDouble()).isZero();
    }
    Files.delete(other.resolve(rows("both-maps").get(1).split("\\.", 2)[0] + ".npy"));
    Ttame.Result less = Ttame.ok(words("fewer-of-one", both));
    assertThat(less.out()).contains("3 images; 1 without a map left out");
    assertThat(rows("fewer-of-one")).hasSize(1 + 2 * 3);
    Ttame.Result again = Ttame.run(words("both-maps", both));
    assertThat(again.err()).contains("both-maps' holds results of other maps");
    Ttame.Result unnamed =
        Ttame.run(words("unnamed", "--maps", one.toString(), "--maps", other.toString()));
    assertThat(unnamed.code()).isEqualTo(2);
    assertThat(unnamed.err())
        .contains("--maps needs a name for each folder, NAME=DIR; got maps, maps");
  }

  /** Somebody mends a program, writes its maps again and types the same command. */
  @Test
  void refusesToGoOnWithOtherMaps() throws IOException {
    Path maps = folder.resolve("changing-maps");
    explain(3, maps);
    String[] line =
        words("changing", "--limit", "3", "--maps", maps.toString(), "--batch-size", "2");
    Ttame.ok(line);
    List<String> before = rows("changing");
    assertThat(Ttame.ok(line).err()).contains("the evaluation is complete");
    Path last = maps.resolve(before.get(3).split("\\.", 2)[0] + ".npy");
    Path other = maps.resolve(before.get(1).split("\\.", 2)[0] + ".npy");
    Files.copy(other, last, StandardCopyOption.REPLACE_EXISTING);
    Ttame.Result refused = Ttame.run(line);
    assertThat(refused.code()).isEqualTo(1);
    assertThat(refused.err())
        .contains("changing' holds results of other maps: files of ")
        .contains("have changed since they were measured; choose another folder (--out)");
    assertThat(rows("changing")).isEqualTo(before);
  }

  /** The sample's scenes have a table of boxes among them. */
  @Test
  void measuresInBoxes() throws IOException {
    String[] more = {"--limit", "8", "--methods", "random", "--metrics", "pointing,energy"};
    Ttame.ok(words("boxes", more));
    assertThat(rows("boxes").get(0)).endsWith("backward_passes,pointing,energy");
    JsonNode measured = metrics("boxes").at("/methods/0/metrics");
    assertThat(measured.get(1).path("n").asInt()).isBetween(4, 8);
    assertThat(measured.get(1).path("value").asDouble()).isBetween(5.0, 95.0);

    String image = rows("boxes").get(1).split(",", -1)[0];
    String seen = rows("boxes").get(1).split(",", -1)[2];
    Path everywhere = folder.resolve("everywhere.csv");
    Files.writeString(
        everywhere, Text.format("x0,y0,x1,y1,class,image\n0,0,100,100,%s,%s\n", seen, image));
    Ttame.ok(words("everywhere", with(more, "--boxes", everywhere.toString())));
    JsonNode all = metrics("everywhere").at("/methods/0/metrics");
    for (JsonNode metric : all) {
      assertThat(metric.path("n").asInt()).isEqualTo(1);
      assertThat(metric.path("value").asDouble()).isCloseTo(100, within(1e-9));
    }

    // What the classifier does not see of the picture no map can find.
    Path outside = folder.resolve("outside.csv");
    Files.writeString(
        outside, Text.format("x0,y0,x1,y1,class,image\n200,0,300,100,%s,%s\n", seen, image));
    Ttame.ok(words("outside", with(more, "--boxes", outside.toString())));
    assertThat(metrics("outside").at("/methods/0/metrics").findValues("n"))
        .hasSize(2)
        .allSatisfy(n -> assertThat(n.asInt()).isZero());

    Files.writeString(everywhere, "image,class,x0,y0,x1,y1\na.jpg,0,5,0,5,1\n");
    Ttame.Result flat = Ttame.run(words("flat", with(more, "--boxes", everywhere.toString())));
    assertThat(flat.code()).isEqualTo(1);
    assertThat(flat.err()).contains("everywhere.csv, line 2: A box needs x0 < x1");
    Files.writeString(everywhere, "image,class,x0,y0,x1,y1\na.jpg,0,4,0,5,1\n");
    Ttame.Result other = Ttame.run(words("other", with(more, "--boxes", everywhere.toString())));
    assertThat(other.err()).contains("has no box in any image").contains("like '" + image);
    Files.writeString(everywhere, "picture,class\n");
    Ttame.Result table = Ttame.run(words("table", with(more, "--boxes", everywhere.toString())));
    assertThat(table.err()).contains("is not a table of boxes").contains("image,class,x0");
    more[1] = "1";
    String[] nowhere = words("nowhere", more);
    nowhere[4] = folder.resolve("gradient.txt").toString();
    Files.writeString(Path.of(nowhere[4]), scenes.resolve(image) + "\n");
    assertThat(Ttame.run(nowhere).err()).contains("give --boxes FILE, or put boxes.csv");
  }

  private static String[] with(String[] words, String... more) {
    String[] all = Arrays.copyOf(words, words.length + more.length);
    System.arraycopy(more, 0, all, words.length, more.length);
    return all;
  }
}
