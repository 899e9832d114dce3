package org.ttame.eval.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.backbones.Backbones;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.ImageLimits;
import org.ttame.eval.evaluation.AdIcValidator;
import org.ttame.eval.evaluation.ImageStream;
import org.ttame.eval.experiment.ExperimentListener.Planned;
import org.ttame.eval.experiment.ExperimentListener.State;
import org.ttame.eval.metric.MetricKey;
import org.ttame.training.TrainingListener;
import org.ttame.training.TrainingOptions;
import org.ttame.training.data.Augment;
import org.ttame.training.data.BatchOptions;
import org.ttame.training.data.BatchSource;
import org.ttame.training.data.ImageDraw;
import org.ttame.training.data.ImageFileLoader;
import org.ttame.training.data.ImageList;
import org.ttame.training.run.StepRecord;
import org.ttame.training.sample.SampleData;

/** Two or three steps on the sample's VGG. */
class ExperimentTest {
  private static final TrainingOptions BASE =
      TrainingOptions.builder().batchSize(4).epochs(1).decodeThreads(2).build();
  private static final MetricKey AD = MetricKey.at("ad", 15);

  @TempDir static Path sample;
  private static Path weights;
  private static ImageList training;
  private static ImageList measured;
  private static FrozenClassifier classifier;

  @TempDir Path folder;

  /** Keeps what it hears. */
  private static class Ears implements ExperimentListener {
    final List<State> states = new ArrayList<>();
    final List<String> trained = new ArrayList<>();
    final List<TrialResult> finished = new ArrayList<>();

    @Override
    public void planned(List<Planned> plan) {
      plan.forEach(planned -> states.add(planned.state()));
    }

    @Override
    public TrainingListener training(int number, Trial trial) {
      trained.add(number + " " + trial.name());
      return new TrainingListener() {};
    }

    @Override
    public void finished(int number, TrialResult result, Duration left) {
      finished.add(result);
    }
  }

  @BeforeAll
  static void load() throws IOException {
    SampleData data = new SampleData(sample);
    weights = data.backbone("vgg");
    training = ImageDraw.of(8, ImageDraw.SPREAD).from(data.images("train"));
    measured = ImageDraw.of(5, ImageDraw.SPREAD).from(data.images("test"));
    classifier = Backbones.load(weights, BackboneOptions.defaults());
  }

  @AfterAll
  static void close() {
    classifier.close();
  }

  @Test
  void recognisesWhatIsDone() throws IOException {
    List<Trial> trials = List.of(trial("slow", 1e-4), trial("fast", 1e-2));
    List<TrialResult> first = experiment(trials).run(new Ears());
    assertThat(first).hasSize(2);
    assertThat(first.get(0).images()).hasSize(5);
    assertThat(first.get(0).mean(AD)).isBetween(0.0, 100.0);
    assertThat(first.get(0).mean(AD)).isNotEqualTo(first.get(1).mean(AD));

    long passes = classifier.passes().forward();
    Ears ears = new Ears();
    List<TrialResult> again = experiment(trials).run(ears);
    assertThat(classifier.passes().forward()).isEqualTo(passes);
    assertThat(ears.states).containsOnly(State.DONE);
    assertThat(ears.trained).isEmpty();
    assertThat(again).isEqualTo(first);

    Ears more = new Ears();
    List<Trial> longer = List.of(trials.get(0), trials.get(1), trial("faster", 2e-2));
    assertThat(experiment(longer).run(more)).hasSize(3);
    assertThat(more.trained).containsExactly("3 faster");
  }

  @Test
  void refusesATrialOfOtherSettings() throws IOException {
    experiment(List.of(trial("one", 1e-4))).run(new Ears());
    assertThatThrownBy(() -> experiment(List.of(trial("one", 1e-3))).run(new Ears()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("max-lr was 1.0E-4 and is 0.001")
        .hasMessageContaining("option 'out'");
    Path file = folder.resolve("trials/one/trial.json");
    String whole = Files.readString(file);
    Files.writeString(file, whole.replaceFirst("\"values\":\\[[^,\\]]+", "\"values\":[\"x\""));
    assertThatThrownBy(() -> experiment(List.of(trial("one", 1e-4))).run(new Ears()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("trial.json' is damaged")
        .hasMessageContaining("is \"x\" and should be a number");
    Files.writeString(file, "{");
    assertThatThrownBy(() -> experiment(List.of(trial("one", 1e-4))).run(new Ears()))
        .hasMessageContaining("trial.json' is damaged");
  }

  @Test
  void aTrainingThatDivergesIsAResult() throws IOException {
    List<Trial> trials = List.of(trial("wild", 1e38), trial("tame", 1e-4));
    List<TrialResult> results = experiment(trials).run(new Ears());
    assertThat(results.get(0).diverged()).isTrue();
    assertThat(results.get(0).failure()).contains("option 'max-lr'");
    assertThat(results.get(0).values()).isEmpty();
    assertThat(results.get(1).diverged()).isFalse();
    assertThat(experiment(trials).run(new Ears())).isEqualTo(results);
  }

  @Test
  void goesOnWhereATrainingWasStoppedAndEndsAsIfItNeverWas() throws IOException {
    List<Trial> trials = List.of(trial("long", 1e-2, 3), trial("next", 1e-2));
    Experiment stopped = experiment(trials);
    Ears stopping =
        new Ears() {
          @Override
          public TrainingListener training(int number, Trial trial) {
            super.training(number, trial);
            return new TrainingListener() {
              @Override
              public void stepped(StepRecord step, Duration left) {
                stopped.stop(Duration.ZERO);
              }
            };
          }
        };
    assertThat(stopped.run(stopping)).isEmpty();
    assertThat(stopping.trained).containsExactly("1 long");
    Ears ears = new Ears();
    List<TrialResult> resumed = experiment(trials).run(ears);
    assertThat(ears.states).containsExactly(State.BEGUN, State.OPEN);
    assertThat(resumed).hasSize(2);

    folder = folder.resolve("whole");
    List<TrialResult> whole = experiment(trials).run(new Ears());
    assertThat(resumed.get(0).values()).isEqualTo(whole.get(0).values());
    assertThat(resumed.get(1).values()).isEqualTo(whole.get(1).values());
  }

  @Test
  void namesAreFolders() {
    assertThatThrownBy(() -> new Trial("../evil", BASE)).hasMessageContaining("../evil");
    assertThatThrownBy(() -> experiment(List.of(trial("a", 1), trial("a", 2))))
        .hasMessageContaining("share a name");
  }

  private static Trial trial(String name, double maxLr) {
    return trial(name, maxLr, 1);
  }

  private static Trial trial(String name, double maxLr, int epochs) {
    return new Trial(name, BASE.toBuilder().maxLr(maxLr).epochs(epochs).build());
  }

  private Experiment experiment(List<Trial> trials) throws IOException {
    AdIcValidator.Images images =
        () ->
            new ImageStream(
                new BatchSource(
                    measured,
                    classifier.inputSpec(),
                    BatchOptions.inOrder(4),
                    new ImageFileLoader(classifier.inputSpec(), Augment.NONE, ImageLimits.DEFAULT),
                    0,
                    2),
                measured);
    return new Experiment(
        new Experiment.Setup(
            classifier,
            weights,
            training,
            Optional.empty(),
            measured,
            images,
            List.of(15.0),
            folder,
            Map.of()),
        trials);
  }
}
