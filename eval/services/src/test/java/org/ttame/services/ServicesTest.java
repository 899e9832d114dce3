package org.ttame.services;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.ProgressListener;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.OutputKind;
import org.ttame.core.engine.Precision;
import org.ttame.core.image.ImageSize;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.ResizeRule;
import org.ttame.core.masking.Masking;
import org.ttame.core.npz.Npy;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.metric.Protocol;
import org.ttame.eval.metric.Road;
import org.ttame.eval.output.MapFormat;
import org.ttame.training.TrainingOptions;
import org.ttame.training.data.ImageDraw;
import org.ttame.training.data.ImageSettings;
import org.ttame.training.sample.SampleData;

/**
 * What a program does that has no command line: this module does not depend on the one of the
 * commands.
 */
class ServicesTest {
  @TempDir static Path folder;
  private static Path run;
  private static Path scenes;
  private static FrozenClassifier classifier;
  private static Train.Result trained;
  private static Optional<Train.Report> report;
  private static final Ears EARS = new Ears();

  /** Remembers what it hears. */
  private static final class Ears implements ProgressListener {
    private final List<String> said = new ArrayList<>();
    private long total;
    private long done;

    @Override
    public void begin(String what, long units, long before) {
      said.add(what);
      total = units;
      done = before;
    }

    @Override
    public void advance(long units, String detail) {
      done = units;
    }

    @Override
    public void note(String sentence) {
      said.add(sentence);
    }

    @Override
    public void warn(String sentence) {
      said.add(sentence);
    }
  }

  /** Asked to stop before it begins, a training does one step; resumed, it does the others. */
  @BeforeAll
  static void train() throws IOException {
    run = folder.resolve("run");
    Train.Options options =
        Train.Options.of(
                run,
                TrainingInputs.Source.sample("vgg16").withLimit(ImageDraw.of(24, "0")),
                TrainingOptions.builder().batchSize(8).epochs(1).build())
            .withReport(6);
    Train begun = new Train(options, EARS);
    classifier = begun.classifier(SampleInputs.backbone()).load(EARS);
    begun.stop();
    Train.Result stopped = begun.run(classifier);
    assertThat(stopped.training().finished()).isFalse();
    assertThat(stopped.training().stepsDone()).isLessThan(3);
    Train train = new Train(options.resumed(), EARS);
    trained = train.run(classifier);
    report = train.report(classifier);
    scenes = new SampleData(run.resolve(SampleInputs.FOLDER)).images("test").source();
  }

  @AfterAll
  static void close() {
    classifier.close();
  }

  private static ImageSettings some(int images) {
    return ImageSettings.defaults().withLimit(new ImageDraw(images, OptionalLong.of(0)));
  }

  @Test
  void trains() throws IOException {
    assertThat(trained.training().finished()).isTrue();
    assertThat(trained.training().stepsDone()).isEqualTo(3);
    assertThat(trained.checkpoint()).contains("epoch-1");
    assertThat(EARS.said).contains("training", "3 steps of up to 8 images, 3 per epoch");
    assertThat(report.orElseThrow().study().result().images()).isEqualTo(6);
    assertThat(report.get().study().files()).allSatisfy(file -> assertThat(file).exists());
    // 'ttame train --run DIR --resume' would know what was trained
    assertThat(RunOptions.read(run))
        .containsEntry("backbone", "vgg")
        .containsEntry("limit", "24")
        .containsEntry("batch-size", "8")
        .containsEntry("epochs", "1");
  }

  /** eval/README's code, run as written there. */
  @Test
  void runsAsTheReadmeSays() throws IOException {
    Path photographs = Files.createDirectories(folder.resolve("photographs"));
    try (Stream<Path> files = Files.list(scenes)) {
      Path one = files.sorted().findFirst().orElseThrow();
      Files.copy(one, photographs.resolve(one.getFileName()));
    }
    Path maps = folder.resolve("readme-maps");
    // README begins
    Explain.Options options =
        Explain.Options.of(MethodSelection.of(TrainedRun.of(run)), photographs, maps);
    Explain.Result result =
        new Explain(options, ProgressListener.NONE).run(classifier, written -> {});
    // README ends
    assertThat(result.images()).isEqualTo(1);
    String source =
        Files.readString(
            Path.of("src", "test", "java", "org", "ttame", "services", "ServicesTest.java"));
    String begin = "// README begins";
    int from = source.indexOf(begin) + begin.length();
    String shown = source.substring(from, source.indexOf("// README ends", from));
    assertThat(Files.readString(Path.of("..", "README.md")).replaceAll("\\s+", ""))
        .contains(shown.replaceAll("\\s+", ""));
  }

  @Test
  void explainsWhatItPredicts() throws IOException {
    Map<String, Predict.Prediction> predictions = new LinkedHashMap<>();
    Predict predict =
        new Predict(
            new Predict.Options(
                scenes, 3, false, Optional.empty(), Optional.of(run), folder, some(5)),
            ProgressListener.NONE);
    Predict.Result predicted =
        predict.run(classifier, prediction -> predictions.put(prediction.image(), prediction));
    assertThat(predicted.images()).isEqualTo(5).isEqualTo(predictions.size());
    assertThat(predicted.file()).exists();

    Path out = folder.resolve("maps");
    Ears ears = new Ears();
    List<Explain.Written> written = new ArrayList<>();
    Explain.Result explained =
        new Explain(
                Explain.Options.of(MethodSelection.of(TrainedRun.of(run)), scenes, out)
                    .withFormats(Set.of(MapFormat.JSON, MapFormat.NPY))
                    .withReading(some(5).withBatchSize(2)),
                ears)
            .run(classifier, written::add);
    assertThat(explained.images()).isEqualTo(5);
    assertThat(explained.skipped().total()).isZero();
    assertThat(written).hasSize(5);
    assertThat(ears.said).contains("explaining");
    assertThat(ears.done).isEqualTo(ears.total).isEqualTo(5);
    for (Predict.Prediction prediction : predictions.values()) {
      String name = prediction.image().replaceFirst("\\.jpg$", "");
      JsonNode record = new ObjectMapper().readTree(out.resolve(name + ".json").toFile());
      assertThat(record.path("class").asInt()).isEqualTo(prediction.index());
      assertThat(record.path("label").asText()).isNotEmpty();
      assertThat(prediction.name()).contains(record.path("label").asText());
      assertThat(record.path("method").asText()).isEqualTo("ttame");
      assertThat(out.resolve(name + ".npy")).exists();
      assertThat(written)
          .anySatisfy(
              map -> {
                assertThat(map.file()).isEqualTo(out.resolve(name));
                assertThat(map.shows()).startsWith(prediction.name() + ", probability ");
              });
    }
  }

  @Test
  void evaluatesOnce() throws IOException {
    Evaluate.Options options =
        Evaluate.Options.of(
                MethodSelection.of(TrainedRun.of(run))
                    .withMethods(ExplanationMethod.TTAME, ExplanationMethod.RANDOM),
                scenes,
                folder.resolve("metrics"))
            .withReading(some(4));
    Evaluate.Result first = new Evaluate(options, ProgressListener.NONE).run(classifier);
    assertThat(first.measured().images()).isEqualTo(4);
    assertThat(first.measured().methods().stream().map(MethodResult::method))
        .containsExactly("ttame", "random");
    assertThat(first.page().orElseThrow()).exists();
    Ears ears = new Ears();
    EvaluationResult again = new Evaluate(options, ears).run(classifier).measured();
    assertThat(ears.said).contains("the evaluation is complete; rewriting its tables");
    assertThat(again.methods().get(0).records())
        .usingRecursiveComparison()
        .isEqualTo(first.measured().methods().get(0).records());
  }

  /**
   * SPEC's agreement of the whole sample, on fewer scenes: core/docs/bfloat16.md has all of them.
   */
  @Test
  void explainsInBfloat16AsInFloat32() throws IOException {
    assumeThat(Precision.Hardware.here()).isNotEqualTo(Precision.Hardware.NONE);
    BackboneOptions narrow = BackboneOptions.defaults().withPrecision(Precision.BFLOAT16);
    Path wideMaps = folder.resolve("float32-maps");
    Path narrowMaps = folder.resolve("bfloat16-maps");
    explain(classifier, wideMaps);
    try (FrozenClassifier other = again(narrow).load(ProgressListener.NONE)) {
      assertThat(other.engine()).contains("oneDNN in bfloat16");
      explain(other, narrowMaps);
    }
    int differ = 0;
    List<Path> maps;
    try (Stream<Path> files = Files.list(wideMaps)) {
      maps = files.filter(file -> file.toString().endsWith(".npy")).toList();
    }
    assertThat(maps).hasSize(40);
    for (Path map : maps) {
      Path other = narrowMaps.resolve(map.getFileName());
      String record = map.getFileName().toString().replace(".npy", ".json");
      JsonNode before = new ObjectMapper().readTree(wideMaps.resolve(record).toFile());
      JsonNode after = new ObjectMapper().readTree(narrowMaps.resolve(record).toFile());
      boolean same = before.path("class").asInt() == after.path("class").asInt();
      differ += same && pearson(Npy.read(map), Npy.read(other)) >= 0.999 ? 0 : 1;
    }
    assertThat(differ).as("maps of %d", maps.size()).isLessThanOrEqualTo(1);
  }

  /** Numbers of one precision are never completed, or passed off, as those of another. */
  @Test
  void anEvaluationIsOfOnePrecision() throws IOException {
    assumeThat(Precision.Hardware.here()).isNotEqualTo(Precision.Hardware.NONE);
    Evaluate.Options options =
        Evaluate.Options.of(
                MethodSelection.of(TrainedRun.of(run)), scenes, folder.resolve("one-precision"))
            .withReading(some(4));
    new Evaluate(options, ProgressListener.NONE).run(classifier);
    BackboneOptions narrow = BackboneOptions.defaults().withPrecision(Precision.BFLOAT16);
    try (FrozenClassifier other = again(narrow).load(ProgressListener.NONE)) {
      Evaluate once = new Evaluate(options, ProgressListener.NONE);
      assertThatThrownBy(() -> once.run(other))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("holds an evaluation with no precision; now it is bfloat16");
    }
  }

  private static void explain(FrozenClassifier with, Path out) throws IOException {
    new Explain(
            Explain.Options.of(MethodSelection.of(TrainedRun.of(run)), scenes, out)
                .withFormats(Set.of(MapFormat.JSON, MapFormat.NPY))
                .withReading(some(40)),
            ProgressListener.NONE)
        .run(with, written -> {});
  }

  private static double pearson(INDArray a, INDArray b) {
    INDArray x = a.sub(a.meanNumber());
    INDArray y = b.sub(b.meanNumber());
    return x.mul(y).sumNumber().doubleValue()
        / (x.norm2Number().doubleValue() * y.norm2Number().doubleValue());
  }

  @Test
  void anOptionThatContradictsTheRunIsNamed() throws IOException {
    Path other = Files.writeString(folder.resolve("labels.txt"), "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n");
    Predict predict =
        new Predict(
            new Predict.Options(
                scenes, 3, false, Optional.of(other), Optional.of(run), folder, some(1)),
            ProgressListener.NONE);
    assertThatThrownBy(() -> predict.run(classifier, prediction -> {}))
        .isInstanceOf(InvalidOptionException.class)
        .hasMessageStartingWith("labels " + other + " is not what the run in " + run);
    assertThatThrownBy(() -> MetricSelection.of("ad", "beauty"))
        .isInstanceOf(InvalidOptionException.class)
        .hasMessageStartingWith("metrics beauty is none of ad, ic");
  }

  /** Whoever makes the selection: as the program of the published numbers masked, unless told. */
  @Test
  void theReleasedProtocolMasksEveryClassifierAsOneOfCnns() {
    MetricSelection released = MetricSelection.of(Protocol.RELEASED, "ad", "road");
    MetricSelection told =
        new MetricSelection(
            released.names(),
            released.thresholds(),
            Optional.of(Masking.VIT),
            released.protocol(),
            released.road(),
            released.boxes());
    assertThat(masking(released)).isEqualTo("cnn");
    assertThat(masking(told)).isEqualTo("vit");
    assertThat(masking(MetricSelection.of("ad"))).isEqualTo("vit");
    assertThat(released.road()).isEqualTo(Road.RELEASED_PERCENTAGES);
  }

  /** What AD says of a run that was trained with the masking of transformers. */
  private static String masking(MetricSelection metrics) {
    return metrics.make(classifier, Optional.of(Masking.VIT), 1).get(0).parameters().get("masking");
  }

  /** What a run was trained with decides; the same may be said again, and nothing else. */
  @Test
  void aRunDecidesWhatItsClassifierTakes() throws IOException {
    ClassifierChoice choice = ClassifierChoice.of(run);
    InputSpec input = classifier.inputSpec();
    assertThat(choice.options().mean()).contains(input.mean());
    ImageSize size = new ImageSize(input.height(), input.width());
    assertThat(choice.options().size()).contains(size);
    BackboneOptions same = BackboneOptions.defaults().withSize(size).withResize(input.resize());
    assertThat(again(same).options()).isEqualTo(choice.options());
    try (FrozenClassifier loaded = again(same).load(ProgressListener.NONE)) {
      assertThat(loaded.inputSpec()).isEqualTo(input);
    }
    List<Double> grey = List.of(0.5, 0.5, 0.5);
    Map<String, BackboneOptions> others =
        Map.of(
            "mean", BackboneOptions.defaults().withStandardisation(grey, input.std()),
            "std", BackboneOptions.defaults().withStandardisation(input.mean(), grey),
            "input-size", BackboneOptions.defaults().withSize(new ImageSize(8, 9)),
            "resize", BackboneOptions.defaults().withResize(ResizeRule.LETTERBOX),
            "output-kind", BackboneOptions.defaults().withOutputKind(OutputKind.MULTI_LABEL));
    others.forEach(
        (name, given) ->
            assertThatThrownBy(() -> again(given).load(ProgressListener.NONE))
                .isInstanceOf(InvalidOptionException.class)
                .hasMessageStartingWith(name + " ")
                .hasMessageContaining("is not what the run in " + run));
  }

  private static ClassifierChoice again(BackboneOptions given) {
    return new ClassifierChoice(Optional.empty(), Optional.of(run), given);
  }
}
