package org.ttame.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.npz.Npz;
import org.ttame.training.data.Batch;
import org.ttame.training.data.ImageList;
import org.ttame.training.run.RunFolder;
import org.ttame.training.run.StepRecord;

class TrainingRunTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Ten images in batches of four: three steps an epoch, six in all. */
  private static final TrainingOptions OPTIONS =
      TrainingOptions.builder().epochs(2).batchSize(4).maxLr(0.05).seed(3).build();

  @TempDir Path temp;
  private FrozenClassifier classifier;
  private ImageList images;

  @BeforeEach
  void setUp() throws IOException {
    classifier = Fixtures.classifier();
    images = ImageList.of(Fixtures.pictures(temp.resolve("images"), 10));
  }

  @AfterEach
  void tearDown() {
    classifier.close();
  }

  @Test
  void leavesEverythingThatExplainingAndResumingNeed() throws IOException {
    Path run = temp.resolve("run");
    Path backbone = Files.writeString(temp.resolve("backbone.onnx"), "weights");
    TrainingResult result;
    try (TrainingRun training =
        builder("run", OPTIONS)
            .backboneFile(backbone)
            .validator(EpochValidationTest.falling())
            .start()) {
      result = training.run();
    }
    assertThat(result.finished()).isTrue();
    assertThat(result.stepsDone()).isEqualTo(6);
    assertThat(result.bestEpoch()).isEqualTo(2);

    List<JsonNode> steps = lines(run.resolve("steps.jsonl"));
    assertThat(steps).hasSize(6);
    for (int i = 0; i < 6; i++) {
      JsonNode step = steps.get(i);
      assertThat(step.get("step").asInt()).isEqualTo(i + 1);
      assertThat(step.get("epoch").asInt()).isEqualTo(i / 3 + 1);
      assertThat(step.get("loss").asDouble())
          .isEqualTo(
              1.5 * step.get("ce").asDouble()
                  + 2 * (step.get("area").asDouble() + 0.005 * step.get("variation").asDouble()));
      assertThat(step.get("images_per_s").asDouble()).isPositive();
    }
    assertThat(steps.get(0).get("lr").asDouble()).isCloseTo(0.05 / 25, within(1e-15));
    assertThat(steps.get(0).get("momentum").asDouble()).isEqualTo(0.95);

    assertThat(names(run.resolve("checkpoints")))
        .containsExactlyInAnyOrder("best", "epoch-1", "epoch-2", "last");
    assertThat(run.resolve("checkpoints/last")).hasContent("epoch-2");
    assertThat(run.resolve("checkpoints/best")).hasContent("epoch-2");
    assertThat(names(run.resolve("checkpoints/epoch-1")))
        .containsExactlyInAnyOrder(
            "attention.npz", "optimizer.npz", "state.json", "validation.json");

    JsonNode record = JSON.readTree(run.resolve("run.json").toFile());
    assertThat(record.get("status").asText()).isEqualTo("finished");
    assertThat(record.get("seed").asLong()).isEqualTo(3);
    assertThat(record.get("settings").get("epochs").asText()).isEqualTo("2");
    assertThat(record.get("backbone").get("sha256").asText()).hasSize(64);
    assertThat(record.get("data").get("images").asInt()).isEqualTo(10);
    assertThat(record.get("layers").findValuesAsText("node")).containsExactly("early", "late");
    assertThat(record.get("program").get("version").asText()).isNotBlank();
    assertThat(record.get("passes").get("training_forward").asLong()).isEqualTo(2 * 2 * 10);
    assertThat(record.get("passes").get("training_backward").asLong()).isEqualTo(2 * 10);
    assertThat(record.get("best").get("rule").asText()).contains("AD(15) − IC(15)");

    RunFolder folder = RunFolder.open(run);
    assertThat(TrainingOptions.of(folder.settings())).isEqualTo(OPTIONS);
    assertThat(folder.backboneFile().map(Files::exists)).contains(true);
    assertThat(folder.preferred()).isEqualTo("best");
    try (AttentionMechanism mechanism = folder.mechanism(classifier, folder.preferred())) {
      Path again = temp.resolve("again.npz");
      Map<String, INDArray> arrays = mechanism.toNpz();
      Npz.write(again, arrays);
      assertThat(again).hasSameBinaryContentAs(run.resolve("checkpoints/epoch-2/attention.npz"));
    }
  }

  @Test
  void theSameSeedGivesTheSameBitsAndAnotherDoesNot() throws IOException {
    train("a", OPTIONS);
    train("b", OPTIONS.toBuilder().decodeThreads(3).build());
    train("c", OPTIONS.toBuilder().seed(4).build());
    assertThat(npz("b", 2)).hasSameBinaryContentAs(npz("a", 2));
    assertThat(Files.mismatch(npz("c", 2), npz("a", 2))).isNotEqualTo(-1);
  }

  @Test
  void stoppedAfterAnyStepItGoesOnToTheSameBits() throws IOException {
    train("whole", OPTIONS);
    for (int stop = 1; stop <= 6; stop++) {
      String name = "stopped-" + stop;
      stopAfter(name, stop);
      TrainingResult rest = resume(name);
      assertThat(rest.finished()).isTrue();
      assertThat(rest.stepsDone()).isEqualTo(6);
      assertSameRun(name, "whole");
    }
  }

  @Test
  void brokenOffAnywhereItGoesOnFromTheLastCheckpointToTheSameBits() throws IOException {
    train("whole", OPTIONS);
    for (int broken = 1; broken <= 6; broken++) {
      String name = "broken-" + broken;
      int at = broken;
      // Saves after steps 2 and 4, and at epochs' ends; breaks off when a step's line is written
      // and before anything is saved for it.
      TrainingListener breaking =
          new TrainingListener() {
            @Override
            public void stepped(StepRecord step, Duration left) {
              if (step.step() == at) {
                throw new IllegalStateException("pulled the plug");
              }
            }
          };
      try (TrainingRun run =
          builder(name, OPTIONS.toBuilder().saveEvery(Duration.ofNanos(1)).build())
              .listener(breaking)
              .start()) {
        assertThatThrownBy(run::run).hasMessage("pulled the plug");
      }
      Files.writeString(
          temp.resolve(name + "/steps.jsonl"),
          "{\"step\": 99, \"lo",
          java.nio.file.StandardOpenOption.APPEND);
      Files.createDirectories(temp.resolve(name + "/checkpoints/.epoch-1.part"));
      resume(name);
      assertSameRun(name, "whole");
      assertThat(temp.resolve(name + "/checkpoints/.epoch-1.part")).doesNotExist();
    }
  }

  @Test
  void aLossThatIsNoNumberNamesTheStepAndKeepsTheLastCheckpoint() throws IOException {
    TrainingOptions options = OPTIONS.toBuilder().shuffle(false).build();
    try (TrainingRun run =
        builder("nan", options)
            .loader(
                (file, random, target, offset) -> {
                  boolean bad = file.getFileName().toString().startsWith("05");
                  for (int i = 0; i < Fixtures.SIDE * Fixtures.SIDE * 3; i++) {
                    target[offset + i] = bad ? Float.NaN : random.nextFloat();
                  }
                })
            .start()) {
      assertThatThrownBy(run::run)
          .isInstanceOf(DivergenceException.class)
          .hasMessageContaining("step 2")
          .hasMessageContaining("05.png")
          .hasMessageContaining("last good state, after step 0");
    }
    JsonNode record = JSON.readTree(temp.resolve("nan/run.json").toFile());
    assertThat(record.get("status").asText()).isEqualTo("failed");
    assertThat(record.get("failure").asText()).contains("step 2");
    assertThat(lines(temp.resolve("nan/steps.jsonl"))).hasSize(1);
    RunFolder folder = RunFolder.open(temp.resolve("nan"));
    folder.mechanism(classifier, "last").close();
  }

  @Test
  void unreadableImagesAreReportedOnceCountedAndLeftOut() throws IOException {
    Files.writeString(temp.resolve("images/03.png"), "no picture");
    Files.writeString(temp.resolve("images/07.png"), "");
    List<String> reasons = new ArrayList<>();
    TrainingListener listener =
        new TrainingListener() {
          @Override
          public void skipped(Batch.BadImage image) {
            reasons.add(image.reason());
          }
        };
    try (TrainingRun run = builder("skip", OPTIONS).listener(listener).start()) {
      assertThat(run.run().skipped().describe()).isEqualTo("2 images skipped: 2 not an image");
    }
    assertThat(reasons)
        .hasSize(2)
        .anyMatch(r -> r.contains("03.png"))
        .anyMatch(r -> r.contains("07.png"));
    assertThat(JSON.readTree(temp.resolve("skip/run.json").toFile()).get("skipped_images").asInt())
        .isEqualTo(2);
    try (TrainingRun run = builder("skip", OPTIONS).resume()) {
      assertThat(run.run().skipped().total()).isEqualTo(2);
    }
    JsonNode record = JSON.readTree(temp.resolve("skip/run.json").toFile());
    assertThat(record.path("skipped_by_reason").path("not an image").asInt()).isEqualTo(2);
    try (TrainingRun run = builder("strict", OPTIONS.toBuilder().strict(true).build()).start()) {
      assertThatThrownBy(run::run).isInstanceOf(IOException.class).hasMessageContaining(".png");
    }
    for (int i = 0; i < 10; i++) {
      Files.writeString(temp.resolve(Text.format("images/0%d.png", i)), "");
    }
    try (TrainingRun run = builder("none", OPTIONS).start()) {
      assertThatThrownBy(run::run)
          .isInstanceOf(IOException.class)
          .hasMessageStartingWith("None of the 10 images");
    }
  }

  @Test
  void mostStepsShortenTheSchedule() throws IOException {
    train("short", OPTIONS.toBuilder().maxSteps(2).build());
    List<JsonNode> steps = lines(temp.resolve("short/steps.jsonl"));
    assertThat(steps).hasSize(2);
    assertThat(steps.get(1).get("lr").asDouble()).isCloseTo(0.05 / 25 / 1e4, within(1e-15));
    assertThat(temp.resolve("short/checkpoints/last")).hasContent("epoch-1");
  }

  @Test
  void aRunOfOtherSettingsOrImagesDoesNotGoOn() throws IOException {
    stopAfter("other", 2);
    TrainingOptions longer = OPTIONS.toBuilder().epochs(3).batchSize(5).build();
    assertThatThrownBy(() -> builder("other", longer).resume().close())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("batch-size was 4 and is 5; epochs was 2 and is 3");
    Files.delete(temp.resolve("images/04.png"));
    images = ImageList.of(temp.resolve("images"));
    assertThatThrownBy(() -> builder("other", OPTIONS).resume().close())
        .hasMessageContaining("the number of images was 10 and is 9");
    assertThatThrownBy(() -> RunFolder.create(temp.resolve("other")))
        .hasMessageContaining("option 'resume'");
    assertThatThrownBy(() -> RunFolder.open(temp.resolve("nowhere")))
        .hasMessageContaining("holds no training run");
  }

  @Test
  void aFinishedRunHasNothingLeftToDo() throws IOException {
    train("done", OPTIONS);
    byte[] before = Files.readAllBytes(temp.resolve("done/steps.jsonl"));
    TrainingResult again = resume("done");
    assertThat(again.finished()).isTrue();
    assertThat(again.lastStep()).isEmpty();
    assertThat(temp.resolve("done/steps.jsonl")).hasBinaryContent(before);
  }

  @Test
  void aDamagedCheckpointIsNamed() throws IOException {
    stopAfter("damaged", 4);
    Path file = temp.resolve("damaged/checkpoints/step-4/optimizer.npz");
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length / 2] ^= 1;
    Files.write(file, bytes);
    assertThatThrownBy(() -> builder("damaged", OPTIONS).resume().close())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("optimizer.npz")
        .hasMessageContaining("restore the file, or choose another checkpoint")
        .hasMessageContaining(temp.resolve("damaged/checkpoints/last").toString());
    // As the message of a missing checkpoint suggests, an earlier one will do.
    Files.writeString(temp.resolve("damaged/checkpoints/last"), "epoch-1");
    train("whole", OPTIONS);
    resume("damaged");
    assertSameRun("damaged", "whole");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "checkpoints/epoch-1/state.json | \"step\" : 3 | \"step\" : \"x\" | \"step\" is \"x\"",
        "checkpoints/epoch-1/state.json | \"step\" : 3 | \"step\" : 1e300 | \"step\" is 1.0E300",
        "checkpoints/epoch-1/state.json | \"step\" : 3 | \"step\" : -3    | \"step\" is -3",
        "checkpoints/epoch-1/state.json | \"epoch\" : 1 | \"epoch\" : 9999999999 | 9999999999",
        "checkpoints/epoch-1/state.json | \"epoch\" : | \"century\" :   | \"epoch\" is missing",
        "run.json | \"format\" : | \"format\" : \"x\", \"was\" : | \"format\" is \"x\"",
        "run.json | \"format\" : | \"layout\" :                 | \"format\" is missing",
      })
  void aDamagedNumberIsNamedAndNothingIsLost(String name, String right, String wrong, String said)
      throws IOException {
    train("wrong", OPTIONS);
    Files.writeString(temp.resolve("wrong/checkpoints/last"), "epoch-1");
    Path file = temp.resolve("wrong").resolve(name);
    String text = Files.readString(file);
    assertThat(text).contains(right);
    Files.writeString(file, text.replace(right, wrong));
    byte[] steps = Files.readAllBytes(temp.resolve("wrong/steps.jsonl"));
    assertThatThrownBy(() -> builder("wrong", OPTIONS).resume().close())
        .isInstanceOf(IOException.class)
        .hasMessageContaining(file.getFileName() + "' is damaged: ")
        .hasMessageContaining(said)
        .hasMessageContaining("restore it");
    assertThat(temp.resolve("wrong/steps.jsonl")).hasBinaryContent(steps);
    Files.writeString(file, text);
    assertThat(resume("wrong").finished()).isTrue();
  }

  @Test
  void aDamagedLineOfTheLogCostsNoOther() throws IOException {
    stopAfter("log", 4);
    Path log = temp.resolve("log/steps.jsonl");
    List<String> lines = new ArrayList<>(Files.readAllLines(log));
    assertThat(lines).hasSize(4);
    lines.set(1, "{\"step\":99999999999999999999}");
    lines.set(2, "nonsense");
    Files.write(log, lines);
    resume("log");
    assertThat(Files.readAllLines(log))
        .startsWith(lines.toArray(String[]::new))
        .hasSizeGreaterThan(4);
  }

  @Test
  void twoProcessesDoNotTrainInOneFolder() throws IOException {
    try (TrainingRun run = builder("twice", OPTIONS).start()) {
      assertThat(run.stepsDone()).isZero();
      assertThatThrownBy(() -> builder("twice", OPTIONS).resume().close())
          .isInstanceOf(IOException.class)
          .hasMessageContaining("Another process is training");
    }
    assertThat(resume("twice").finished()).isTrue();
  }

  @Test
  void initialValuesComeFromAFileAndAreRemembered() throws IOException {
    train("first", OPTIONS);
    Path init = npz("first", 1);
    try (TrainingRun run = builder("second", OPTIONS).init(init).start()) {
      assertThat(run.stepsDone()).isZero();
      assertThat(temp.resolve("second/checkpoints/step-0/attention.npz"))
          .hasSameBinaryContentAs(init);
    }
    JsonNode record = JSON.readTree(temp.resolve("second/run.json").toFile());
    assertThat(record.get("init").get("sha256").asText()).hasSize(64);
  }

  @Test
  void drawnClassesAreRecordedAndCanBeGiven() throws IOException {
    TrainingOptions recording = OPTIONS.toBuilder().recordClasses(true).build();
    train("drawn", recording);
    List<int[][]> drawn = new ArrayList<>();
    for (JsonNode line : lines(temp.resolve("drawn/classes.jsonl"))) {
      drawn.add(JSON.treeToValue(line.get("classes"), int[][].class));
    }
    assertThat(drawn).hasSize(6);
    assertThat(drawn.get(0)).hasDimensions(4, 4);
    assertThat(drawn.get(2)).hasDimensions(2, 2);
    try (TrainingRun run = builder("given", OPTIONS).draws(ClassDraws.recorded(drawn)).start()) {
      run.run();
    }
    assertThat(npz("given", 2)).hasSameBinaryContentAs(npz("drawn", 2));
    drawn.get(0)[0][0] = (drawn.get(0)[0][0] + 1) % Fixtures.CLASSES;
    try (TrainingRun run = builder("wrong", OPTIONS).draws(ClassDraws.recorded(drawn)).start()) {
      assertThatThrownBy(run::run).hasMessageContaining("Image 1 of step 1");
    }
  }

  private void stopAfter(String name, int steps) throws IOException {
    TrainingRun[] running = new TrainingRun[1];
    TrainingListener stopping =
        new TrainingListener() {
          @Override
          public void stepped(StepRecord step, Duration left) {
            if (step.step() == steps) {
              running[0].stop(Duration.ZERO);
            }
          }
        };
    try (TrainingRun run = builder(name, OPTIONS).listener(stopping).start()) {
      running[0] = run;
      assertThat(run.run().stepsDone()).isEqualTo(steps);
    }
  }

  private void train(String name, TrainingOptions options) throws IOException {
    try (TrainingRun run = builder(name, options).start()) {
      assertThat(run.run().finished()).isTrue();
    }
  }

  private TrainingResult resume(String name) throws IOException {
    RunFolder folder = RunFolder.open(temp.resolve(name));
    TrainingOptions options = TrainingOptions.of(folder.settings());
    try (TrainingRun run = TrainingRun.builder(classifier, images, options, folder).resume()) {
      return run.run();
    }
  }

  private TrainingRun.Builder builder(String name, TrainingOptions options) throws IOException {
    Path path = temp.resolve(name);
    RunFolder folder =
        Files.exists(path.resolve("run.json")) ? RunFolder.open(path) : RunFolder.create(path);
    return TrainingRun.builder(classifier, images, options, folder);
  }

  private void assertSameRun(String name, String reference) throws IOException {
    for (int epoch = 1; epoch <= 2; epoch++) {
      for (String file : List.of("attention.npz", "optimizer.npz", "state.json")) {
        String path = "/checkpoints/epoch-" + epoch + "/" + file;
        if (epoch == 2 || Files.exists(temp.resolve(name + path))) {
          assertThat(temp.resolve(name + path))
              .as(name + path)
              .hasSameBinaryContentAs(temp.resolve(reference + path));
        }
      }
    }
    assertThat(losses(name)).isEqualTo(losses(reference));
    assertThat(names(temp.resolve(name + "/checkpoints")))
        .containsExactlyInAnyOrder("epoch-1", "epoch-2", "last");
  }

  private List<Double> losses(String name) throws IOException {
    return lines(temp.resolve(name + "/steps.jsonl")).stream()
        .map(line -> line.get("loss").asDouble())
        .toList();
  }

  private Path npz(String name, int epoch) {
    return temp.resolve(name + "/checkpoints/epoch-" + epoch + "/attention.npz");
  }

  private static List<JsonNode> lines(Path file) throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      lines.add(JSON.readTree(line));
    }
    return lines;
  }

  private static List<String> names(Path folder) throws IOException {
    try (var entries = Files.list(folder)) {
      return entries.map(entry -> entry.getFileName().toString()).toList();
    }
  }
}
