package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.npz.Npy;

/** Every command after another, on a run of a few steps. */
class JourneyTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path folder;
  private static Path run;
  private static Path scenes;
  private static Ttame.Result trained;

  @BeforeAll
  static void train() {
    run = folder.resolve("run");
    trained =
        Ttame.run(
            "train",
            "--run",
            run.toString(),
            "--max-steps",
            "3",
            "--limit",
            "16",
            "--threads",
            "1");
    scenes = run.resolve("sample/scenes/test");
  }

  private static Path out(String name) {
    return folder.resolve(name);
  }

  @Test
  void trainingEndsWithMetricsAndHeatmaps() throws IOException {
    assertThat(trained.code()).as("%s", trained).isZero();
    assertThat(trained.out())
        .contains("3 steps")
        .containsPattern("(?m)^method +AD\\(100%\\) +IC\\(100%\\) +AD\\(50%\\).* pointing ")
        .containsPattern("(?m)^T-TAME ")
        .containsPattern("(?m)^untrained ")
        .containsPattern("(?m)^random ");
    assertThat(Files.readAllLines(run.resolve("steps.jsonl"))).hasSize(3);
    assertThat(Files.readAllLines(run.resolve("labels.txt"))).hasSize(10);
    for (String name : List.of("metrics.json", "metrics.csv", "per-image.csv", "heatmaps.png")) {
      assertThat(run.resolve("report").resolve(name)).isNotEmptyFile();
    }
    JsonNode record = JSON.readTree(run.resolve("run.json").toFile());
    assertThat(record.path("status").asText()).isEqualTo("finished");
    assertThat(record.path("backbone").path("file").asText()).isEqualTo("sample/vgg.onnx");
  }

  /** The last line is typed as it stands, here without a shell. */
  @Test
  void trainingEndsWithTheNextCommand() throws IOException {
    List<String> lines = trained.out().lines().toList();
    String last = lines.get(lines.size() - 1);
    assertThat(last).startsWith("next: ttame explain --run ").contains(run.toString());
    Ttame.ok(last.substring("next: ttame ".length()).split(" ", -1));
    try (Stream<Path> files = Files.list(run.resolve("maps"))) {
      assertThat(files).hasSize(24);
    }
  }

  /** Names of classes and both spellings of the methods' option; no images: held-out scenes. */
  @Test
  void aRunOfTheSampleBringsItsImages() throws IOException {
    String label = Files.readAllLines(run.resolve("labels.txt")).get(3);
    Path named = out("named");
    Ttame.ok(
        ("explain --limit 2 --format json --methods ttame,gradcam --class name:"
                + label
                + " --run "
                + run
                + " --out "
                + named)
            .split(" ", -1));
    JsonNode said = JSON.readTree(first(named, ".ttame.c3.json").toFile());
    assertThat(said.path("class").asInt()).isEqualTo(3);
    assertThat(said.path("label").asText()).isEqualTo(label);
    Ttame.Result unknown =
        Ttame.run(
            "explain", "--run", run.toString(), "--class", "sneeker", "--out", named.toString());
    assertThat(unknown.code()).isEqualTo(2);
    assertThat(unknown.err())
        .contains("--class")
        .contains("\"sneeker\" is neither an index")
        .contains("did you mean sneaker?");

    Path metrics = out("held-out-metrics");
    Ttame.ok(
        ("evaluate --limit 3 --method ttame,random --metrics ad,pointing --run "
                + run
                + " --out "
                + metrics)
            .split(" ", -1));
    JsonNode found = JSON.readTree(metrics.resolve("metrics.json").toFile());
    assertThat(found.path("methods").findValuesAsText("method")).containsExactly("ttame", "random");
    Path sanity = out("held-out-sanity");
    Ttame.ok(
        ("sanity --limit 2 --checks mechanism --run " + run + " --out " + sanity).split(" ", -1));
    assertThat(sanity.resolve("sanity.json")).isNotEmptyFile();
  }

  /** A table of boxes that names classes measures the same as one that numbers them. */
  @Test
  void boxesMayNameTheirClasses() throws IOException {
    List<String> labels = Files.readAllLines(run.resolve("labels.txt"));
    List<String> rows = new java.util.ArrayList<>();
    for (String row : Files.readAllLines(scenes.resolve("boxes.csv"))) {
      String[] cells = row.split(",", -1);
      cells[1] = rows.isEmpty() ? cells[1] : labels.get(Integer.parseInt(cells[1]));
      rows.add(String.join(",", cells));
    }
    Path table = Files.write(out("named-boxes.csv"), rows);
    String line = "evaluate --limit 4 --methods random --metrics pointing,energy --run " + run;
    Ttame.ok((line + " --out " + out("numbered")).split(" ", -1));
    Ttame.ok((line + " --boxes " + table + " --out " + out("named-classes")).split(" ", -1));
    assertThat(out("named-classes").resolve("per-image.csv"))
        .hasSameTextualContentAs(out("numbered").resolve("per-image.csv"));
    rows.set(1, rows.get(1).replaceFirst(",[^,]*,", ",zebra,"));
    Files.write(table, rows);
    Ttame.Result unknown =
        Ttame.run((line + " --boxes " + table + " --out " + out("zebra")).split(" ", -1));
    assertThat(unknown.err()).contains("line 2: \"zebra\" is neither an index from 0 to 9 nor");
    assertThat(unknown.code()).isEqualTo(1);
  }

  @Test
  void aFinishedRunResumesToTheSameEnd() throws IOException {
    byte[] before = attention();
    Ttame.Result again = Ttame.ok("train", "--run", run.toString(), "--resume", "--report", "0");
    assertThat(again.out()).contains("3 steps");
    assertThat(attention()).isEqualTo(before);
    assertThat(Files.readAllLines(run.resolve("steps.jsonl"))).hasSize(3);
  }

  @Test
  void anotherSettingDoesNotResume() {
    Ttame.Result refused =
        Ttame.run("train", "--run", run.toString(), "--resume", "--max-lr", "0.5");
    assertThat(refused.code()).isEqualTo(1);
    assertThat(refused.err()).contains("max-lr");
  }

  @Test
  void explainsEveryImageInOnePass() throws IOException {
    Path maps = out("maps");
    Ttame.ok(
        "explain",
        "--run",
        run.toString(),
        "--images",
        scenes.toString(),
        "--limit",
        "3",
        "--out",
        maps.toString(),
        "--batch-size",
        "2");
    try (Stream<Path> files = Files.list(maps)) {
      assertThat(files.map(file -> file.getFileName().toString().replaceAll(".*\\.", "")))
          .hasSize(9)
          .containsOnly("npy", "png", "json");
    }
    Path first = first(maps, ".json");
    JsonNode said = JSON.readTree(first.toFile());
    assertThat(said.path("passes").asDouble()).isEqualTo(1);
    assertThat(said.path("method").asText()).isEqualTo("ttame");
    assertThat(said.path("label").asText()).isNotEmpty();
    assertThat(said.path("probability").asDouble()).isBetween(0.0, 1.0);
    try (INDArray map = Npy.read(Path.of(first.toString().replace(".json", ".npy")))) {
      assertThat(map.shape()).containsExactly(16, 16);
      assertThat(map.minNumber().doubleValue()).isZero();
      assertThat(map.maxNumber().doubleValue()).isEqualTo(1);
    }
  }

  @Test
  void severalClassesHaveNamesOfTheirOwn() throws IOException {
    Path maps = out("maps-top");
    Ttame.ok(
        "explain",
        "--run",
        run.toString(),
        "--images",
        scenes.toString(),
        "--limit",
        "1",
        "--class",
        "top:2",
        "--format",
        "npy",
        "--out",
        maps.toString());
    try (Stream<Path> files = Files.list(maps)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .hasSize(2)
          .allMatch(name -> name.matches("\\d+\\.ttame\\.c\\d\\.npy"));
    }
  }

  @Test
  void explainsByMethodsThatNeedNoRun() throws IOException {
    Path maps = out("maps-methods");
    Ttame.Result said =
        Ttame.ok(
            "explain",
            "--weights",
            run.resolve("sample/vgg.onnx").toString(),
            "--images",
            scenes.toString(),
            "--limit",
            "1",
            "--method",
            "gradcam,gradcam++,scorecam,ablationcam,rise,iia,random",
            "--layer",
            "features.4",
            "--rise-masks",
            "9",
            "--class",
            "top:2",
            "--format",
            "npy,json",
            "--out",
            maps.toString());
    assertThat(said.out()).contains("maps of 64×64 and 8×8 for 1 image");
    try (Stream<Path> files = Files.list(maps)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .hasSize(2 * 7 * 2)
          .allMatch(name -> name.matches("\\d+\\.[a-z+]+\\.c\\d\\.(npy|json)"));
    }
    JsonNode rise = JSON.readTree(first(maps, ".json", ".rise.").toFile());
    assertThat(rise.path("passes").asDouble()).isEqualTo(9);
    JsonNode gradient = JSON.readTree(first(maps, ".json", ".gradcam.").toFile());
    assertThat(gradient.path("backward_passes").asDouble()).isEqualTo(1);
  }

  @Test
  void explainsByTheRunBesideOthers() throws IOException {
    Path maps = out("maps-beside");
    Ttame.ok(
        "explain",
        "--run",
        run.toString(),
        "--images",
        scenes.toString(),
        "--limit",
        "2",
        "--method",
        "gradcam,ttame",
        "--format",
        "json",
        "--out",
        maps.toString());
    JsonNode own = JSON.readTree(first(maps, ".json", ".ttame.").toFile());
    JsonNode other = JSON.readTree(first(maps, ".json", ".gradcam.").toFile());
    assertThat(own.path("passes").asDouble()).isEqualTo(1);
    assertThat(other.path("passes").asDouble()).isEqualTo(1);
    assertThat(own.path("class")).isEqualTo(other.path("class"));
    assertThat(own.path("probability").asDouble())
        .isCloseTo(other.path("probability").asDouble(), within(1e-5));
  }

  @Test
  void predictsWithLabelsAndLogits() throws IOException {
    Path predictions = out("predictions");
    Ttame.Result said =
        Ttame.ok(
            "predict",
            "--run",
            run.toString(),
            "--images",
            scenes.toString(),
            "--limit",
            "2",
            "--top",
            "3",
            "--logits",
            "--out",
            predictions.toString());
    JsonNode json = JSON.readTree(predictions.resolve("predictions.json").toFile());
    assertThat(json.path("images")).hasSize(2);
    JsonNode image = json.path("images").get(0);
    assertThat(image.path("top")).hasSize(3);
    assertThat(image.path("logits")).hasSize(10);
    assertThat(image.path("top").get(0).path("label").asText()).isNotEmpty();
    assertThat(said.out()).contains(image.path("file").asText());
  }

  @Test
  void knowsItsAccuracyWhereImagesHaveLabels() throws IOException {
    Path list = out("list.txt");
    Path image = first(scenes, ".jpg");
    String[] words = {
      "predict",
      "--run",
      run.toString(),
      "--images",
      list.toString(),
      "--out",
      out("accuracy").toString()
    };
    Files.writeString(list, image.toAbsolutePath() + " 0\n");
    String said = Ttame.ok(words).out();
    int predicted = Integer.parseInt(said.replaceAll("(?s).*?: (\\d+) \\(.*", "$1"));
    Files.writeString(list, image.toAbsolutePath() + " " + predicted + "\n");
    assertThat(Ttame.ok(words).out())
        .contains("accuracy: 100.00 % first")
        .contains("1 labelled image");
  }

  @Test
  void evaluatesBesideControls() throws IOException {
    Path metrics = out("metrics");
    String[] words = {
      "evaluate",
      "--run",
      run.toString(),
      "--data",
      scenes.toString(),
      "--limit",
      "4",
      "--methods",
      "ttame,random",
      "--thresholds",
      "50",
      "--gallery",
      "2",
      "--out",
      metrics.toString()
    };
    Ttame.Result said = Ttame.ok(words);
    assertThat(said.out())
        .contains("AD(50%)")
        .doesNotContain("AD(100%)")
        .doesNotContain("untrained");
    assertThat(metrics.resolve("metrics.json")).isNotEmptyFile();
    assertThat(Files.readAllLines(metrics.resolve("per-image.csv"))).hasSize(9);

    String page = Files.readString(metrics.resolve("report.html"));
    assertThat(page).containsOnlyOnce("id=\"gallery\"").contains("AD(50%) ↓", "epoch");
    assertThat(page.split("<li class=\"card\"", -1)).hasSize(1 + 2);

    Ttame.Result again = Ttame.ok(words);
    assertThat(again.err()).contains("the evaluation is complete");
    assertThat(again.out()).isEqualTo(said.out());
    // Only the engine's memory may differ: nothing ran.
    String provenance = "<section id=\"provenance\"";
    assertThat(Files.readString(metrics.resolve("report.html")).split(provenance, -1)[0])
        .isEqualTo(page.split(provenance, -1)[0]);
    assertThat(Files.readAllLines(metrics.resolve("per-image.csv"))).hasSize(9);
  }

  @Test
  void evaluatesBesideOtherMethodsWithRoad() throws IOException {
    Path metrics = out("road");
    Ttame.Result said =
        Ttame.ok(
            "evaluate",
            "--run",
            run.toString(),
            "--data",
            scenes.toString(),
            "--limit",
            "3",
            "--methods",
            "ttame,gradcam,gradcam++,scorecam,ablationcam,rise,iia",
            "--rise-masks",
            "10",
            "--metrics",
            "ad,ic,road",
            "--thresholds",
            "15",
            "--road-percentages",
            "30,70",
            "--out",
            metrics.toString());
    assertThat(said.out()).contains("AD(15%)").contains("MoRF").contains("LeRF");
    assertThat(said.out()).contains("Score-CAM").contains("RISE").doesNotContain("MoRF(30%)");
    List<String> lines = Files.readAllLines(metrics.resolve("per-image.csv"));
    assertThat(lines).hasSize(1 + 7 * 3);
    assertThat(lines.get(0)).contains("morf,morf_30,morf_70,lerf,lerf_30,lerf_70");
  }

  @Test
  void inspectsFilesAndRuns() {
    assertThat(Ttame.ok("inspect", run.resolve("sample/vgg.onnx").toString()).out())
        .contains("features.5")
        .contains("32×16×16")
        .contains("trainable parameters");
    assertThat(Ttame.ok("inspect", run.toString()).out())
        .contains("3 of 3")
        .contains("settings.seed")
        .contains("epoch-1");
  }

  @Test
  void splitsAFolder() throws IOException {
    Path lists = out("lists");
    Ttame.ok(
        "split",
        "--data",
        scenes.toString(),
        "--validation",
        "2",
        "--test",
        "3",
        "--out",
        lists.toString());
    assertThat(Files.readAllLines(lists.resolve("val.txt"))).hasSize(2);
    assertThat(Files.readAllLines(lists.resolve("test.txt"))).hasSize(3);
    Ttame.ok(
        "predict",
        "--run",
        run.toString(),
        "--images",
        lists.resolve("test.txt").toString(),
        "--out",
        out("split-predictions").toString());
  }

  private static byte[] attention() throws IOException {
    return Files.readAllBytes(run.resolve("checkpoints/epoch-1/attention.npz"));
  }

  private static Path first(Path folder, String ending) throws IOException {
    return first(folder, ending, "");
  }

  private static Path first(Path folder, String ending, String part) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.toString().endsWith(ending) && file.toString().contains(part))
          .sorted()
          .findFirst()
          .orElseThrow();
    }
  }
}
