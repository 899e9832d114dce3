package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.Text;
import org.ttame.training.data.ImageList;
import org.ttame.training.sample.SampleData;

/** Images that cannot be used: named, counted by kind at the end, or fatal if that is asked for. */
class SkippedImagesTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int SIDE = 600;
  private static final String LIMIT = String.valueOf(SIDE * SIDE - 1);
  private static final String COUNT = "2 images skipped: 1 too large, 1 not an image";

  @TempDir static Path folder;
  private static String images;
  private static String weights;
  private static String run;
  private static Ttame.Result trained;

  @BeforeAll
  static void train() throws IOException {
    SampleData sample = new SampleData(folder.resolve("sample"));
    weights = sample.backbone("vgg").toString();
    Path mixed = Files.createDirectories(folder.resolve("images"));
    ImageList scenes = sample.images("test");
    Files.copy(scenes.path(0), mixed.resolve("a.jpg"));
    Files.copy(scenes.path(1), mixed.resolve("b.jpg"));
    BufferedImage large = new BufferedImage(SIDE, SIDE, BufferedImage.TYPE_INT_RGB);
    ImageIO.write(large, "png", mixed.resolve("large.png").toFile());
    Files.writeString(mixed.resolve("text.jpg"), "This is not a picture.\n");
    images = mixed.toString();
    run = folder.resolve("run").toString();
    trained =
        Ttame.run(
            "train",
            "--weights",
            weights,
            "--data",
            images,
            "--val",
            images,
            "--epochs",
            "2",
            "--batch-size",
            "2",
            "--max-pixels",
            LIMIT,
            "--threads",
            "1",
            "--run",
            run);
  }

  private static Ttame.Result limited(String... words) {
    Ttame.Result result =
        Ttame.run(
            Stream.concat(Stream.of(words), Stream.of("--max-pixels", LIMIT, "--threads", "1"))
                .toArray(String[]::new));
    assertThat(result.err()).contains("skipped: ").contains("large.png").contains("text.jpg");
    assertThat(result.code()).as("%s", result).isZero();
    return result;
  }

  private static JsonNode json(String file) throws IOException {
    return JSON.readTree(folder.resolve(file).toFile());
  }

  @Test
  void trainingNamesThemOnceAndRecordsThem() throws IOException {
    assertThat(trained.code()).as("%s", trained).isZero();
    assertThat(trained.out())
        .contains("4 steps, checkpoint ")
        .contains("; " + COUNT)
        .contains("of the validation images, " + COUNT)
        .contains("of the held-out images, " + COUNT);
    assertThat(trained.err())
        .contains("more than the limit of " + LIMIT)
        // once in training, once in validation, once in the report
        .satisfies(err -> assertThat(err.lines().filter(l -> l.contains("large.png"))).hasSize(3));
    JsonNode record = json("run/run.json");
    assertCounted(record);
    assertCounted(json("run/report/metrics.json"));
    assertThat(record.path("settings").path("max-pixels").asText()).isEqualTo(LIMIT);
    assertThat(json("run/report/metrics.json").toString())
        .contains(Text.format("\"max-pixels\":\"%s\"", LIMIT));
    JsonNode settings = record.path("settings");
    assertThat(settings.path("threads").asText()).isEqualTo("1");
    assertThat(settings.path("report").asText()).isEqualTo("200");
    assertThat(settings.path("val").asText())
        .isEqualTo(Path.of(images).toAbsolutePath().normalize().toString());
    Ttame.Result again =
        Ttame.run("train", "--run", run, "--resume", "--report", "0", "--threads", "2");
    assertThat(again.code()).as("%s", again).isZero();
    assertThat(again.out()).contains("; " + COUNT);
  }

  private static void assertCounted(JsonNode record) {
    assertThat(record.path("skipped_images").asInt()).isEqualTo(2);
    assertThat(record.path("skipped_by_reason").path("too large").asInt()).isEqualTo(1);
    assertThat(record.path("skipped_by_reason").path("not an image").asInt()).isEqualTo(1);
  }

  @Test
  void predictCountsThem() throws IOException {
    String out = folder.resolve("predictions").toString();
    assertThat(limited("predict", "--weights", weights, "--images", images, "--out", out).out())
        .contains(": 2 images; " + COUNT);
    JsonNode said = json("predictions/predictions.json");
    assertThat(said.path("images")).hasSize(2);
    assertCounted(said);
    assertThat(said.path("provenance").path("settings").path("max-pixels").asText())
        .isEqualTo(LIMIT);
  }

  @Test
  void explainCountsThem() throws IOException {
    String out = folder.resolve("maps").toString();
    assertThat(limited("explain", "--run", run, "--images", images, "--out", out).out())
        .contains("for 2 images; " + COUNT);
    assertThat(json("maps/a.json").toString())
        .contains(Text.format("\"max-pixels\":\"%s\"", LIMIT));
  }

  @Test
  void evaluateCountsThem() throws IOException {
    String out = folder.resolve("metrics").toString();
    assertThat(limited("evaluate", "--run", run, "--data", images, "--out", out).out())
        .contains(": 2 images; " + COUNT);
    assertCounted(json("metrics/metrics.json"));
    assertThat(json("metrics/metrics.json").toString())
        .contains(Text.format("\"max-pixels\":\"%s\"", LIMIT));
  }

  @Test
  void withinTheLimitNoneIsTooLarge() {
    String out = folder.resolve("all").toString();
    assertThat(Ttame.run("predict", "--weights", weights, "--images", images, "--out", out).out())
        .contains(": 3 images; 1 image skipped: 1 not an image");
  }

  @Test
  void strictMakesThemFatal() throws IOException {
    Path list = folder.resolve("large.txt");
    Files.writeString(list, "images/a.jpg\nimages/large.png\n");
    for (List<String> command :
        List.of(
            List.of("predict", "--weights", weights, "--images"),
            List.of("explain", "--run", run, "--images"),
            List.of("evaluate", "--run", run, "--data"),
            List.of("train", "--weights", weights, "--data"))) {
      String out = folder.resolve("strict-" + command.get(0)).toString();
      Ttame.Result result =
          Ttame.run(
              Stream.concat(
                      command.stream(),
                      Stream.of(list.toString(), "--max-pixels", LIMIT, "--strict", "--out", out))
                  .toArray(String[]::new));
      assertThat(result.code()).as("%s", result).isEqualTo(1);
      assertThat(result.err())
          .contains("large.png: the header says 600×600 pixels, more than the limit of " + LIMIT)
          .doesNotContain("skipped");
    }
  }

  @Test
  void aRunThatTrainedNothingMayBeTriedAgain() throws IOException {
    Path list = folder.resolve("unreadable.txt");
    Files.writeString(list, "images/text.jpg\n");
    String again = folder.resolve("again").toString();
    Ttame.Result none = train(list.toString(), again);
    assertThat(none.code()).isEqualTo(1);
    assertThat(none.err()).contains("None of the 1 image");
    assertThat(json("again/run.json").path("status").asText()).isEqualTo("failed");
    assertThat(train(images, again).code()).isZero();
    assertThat(json("again/run.json").path("status").asText()).isEqualTo("finished");
    assertThat(json("again/run.json").has("failure")).isFalse();
    Ttame.Result third = train(images, again);
    assertThat(third.code()).isEqualTo(1);
    assertThat(third.err()).contains("holds a training run already");
  }

  private static Ttame.Result train(String data, String into) {
    return Ttame.run(
        "train",
        "--weights",
        weights,
        "--data",
        data,
        "--epochs",
        "1",
        "--threads",
        "1",
        "--run",
        into);
  }

  @Test
  void noneAtAllIsAFailureThatSaysWhy() throws IOException {
    Path list = folder.resolve("none.txt");
    Files.writeString(list, "images/text.jpg\nimages/large.png\n");
    Ttame.Result result =
        Ttame.run(
            "predict",
            "--weights",
            weights,
            "--images",
            list.toString(),
            "--max-pixels",
            "1",
            "--out",
            folder.resolve("none").toString());
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.err())
        .contains("none of the 2 images of ")
        .contains(": 1 too large, 1 not an image")
        .doesNotContain("Could not write");
  }
}
