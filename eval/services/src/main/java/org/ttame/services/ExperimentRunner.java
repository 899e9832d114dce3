package org.ttame.services;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.engine.ComputingThreads;
import org.ttame.core.image.Preprocessing;
import org.ttame.eval.evaluation.AdIcValidator;
import org.ttame.eval.experiment.Experiment;
import org.ttame.eval.experiment.ExperimentListener;
import org.ttame.eval.experiment.Trial;
import org.ttame.eval.experiment.TrialResult;
import org.ttame.eval.metric.MetricKey;
import org.ttame.training.TrainingListener;
import org.ttame.training.TrainingOptions;
import org.ttame.training.data.ImageList;
import org.ttame.training.run.RunFolder;

/**
 * Trains and measures several mechanisms of one classifier, and resumes where that was interrupted.
 */
final class ExperimentRunner {
  private final TrainingInputs inputs;
  private final TrainingOptions options;
  private final Path out;
  private final Map<String, String> kept;
  private final ProgressListener listener;
  private Experiment experiment;
  private boolean stopping;

  /** An experiment in a folder; each run keeps the options {@code kept} for {@code --resume}. */
  ExperimentRunner(
      TrainingInputs inputs,
      TrainingOptions options,
      Path out,
      Map<String, String> kept,
      ProgressListener listener) {
    this.inputs = inputs;
    this.options = options;
    this.out = out;
    this.kept = kept;
    this.listener = listener;
  }

  /**
   * The settings with a batch size that is found if it is to be ({@code auto}): the one that the
   * trials were begun with, if some were, whatever memory there is now.
   */
  TrainingOptions settled(boolean auto, FrozenClassifier classifier) throws IOException {
    Preprocessing.requirePictures(classifier.inputSpec());
    Optional<String> begun = auto ? begunBatch() : Optional.empty();
    return begun.isPresent()
        ? options.toBuilder().batchSize(Integer.parseInt(begun.get())).build()
        : BatchFit.settle(options, auto, classifier, inputs.training().size(), listener);
  }

  private Optional<String> begunBatch() throws IOException {
    Path trials = out.resolve(Experiment.TRIALS);
    if (!Files.isDirectory(trials)) {
      return Optional.empty();
    }
    List<Path> runs;
    try (Stream<Path> entries = Files.list(trials)) {
      runs = entries.filter(run -> Files.exists(run.resolve("run.json"))).sorted().toList();
    }
    return runs.isEmpty()
        ? Optional.empty()
        : Optional.ofNullable(RunFolder.open(runs.get(0)).settings().getProperty("batch-size"));
  }

  /**
   * Does what is left to do.
   *
   * @param trials in order
   * @param selecting whether the validation images choose each run's epoch
   * @param thresholds the percentages v of AD and IC
   * @param planned is notified of the plan before anything is done
   * @return the results in the order of the trials; fewer if it was asked to stop
   */
  List<TrialResult> run(
      FrozenClassifier classifier,
      List<Trial> trials,
      ImageList measured,
      boolean selecting,
      List<Double> thresholds,
      Consumer<List<ExperimentListener.Planned>> planned)
      throws IOException {
    Optional<AdIcValidator.Images> validation =
        selecting ? inputs.validation().map(list -> images(list, classifier)) : Optional.empty();
    Experiment.Setup setup =
        new Experiment.Setup(
            classifier,
            inputs.weights(),
            inputs.training(),
            validation,
            measured,
            images(measured, classifier),
            thresholds,
            out,
            around());
    Map<String, String> given = new LinkedHashMap<>(kept);
    given.put("threads", String.valueOf(ComputingThreads.current()));
    return begin(new Experiment(setup, trials))
        .run(new ExperimentProgress(listener, given, planned));
  }

  private synchronized Experiment begin(Experiment one) {
    experiment = one;
    if (stopping) {
      one.stop(Duration.ZERO);
    }
    return one;
  }

  /** Asks it to stop, as {@link Experiment#stop} does. */
  void stop(Duration patience) {
    Experiment one;
    synchronized (this) {
      stopping = true;
      one = experiment;
    }
    if (one != null) {
      one.stop(patience);
    }
  }

  private ValidationImages images(ImageList list, FrozenClassifier classifier) {
    return new ValidationImages(list, classifier.inputSpec(), options.measuring(), listener);
  }

  private Map<String, String> around() {
    Map<String, String> around = new LinkedHashMap<>();
    around.put("threads", String.valueOf(ComputingThreads.current()));
    inputs
        .validation()
        .ifPresent(list -> around.put("val", list.source().toAbsolutePath().toString()));
    return around;
  }

  /** What tables say of an experiment. */
  static Map<String, String> provenance(
      TrainingInputs inputs, String measured, ImageList images, TrainingOptions options) {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("training", inputs.training().describe());
    settings.put(measured, images.describe());
    settings.put("seed", String.valueOf(options.seed()));
    settings.put("threads", String.valueOf(ComputingThreads.current()));
    return settings;
  }

  /** Shows an experiment's plan, and how it goes. */
  private static final class ExperimentProgress implements ExperimentListener {
    private final ProgressListener listener;
    private final Map<String, String> given;
    private final Consumer<List<Planned>> planned;
    private int total;

    /**
     * An experiment's; each trial's folder keeps the {@code given} options beside what it is
     * trained with.
     */
    ExperimentProgress(
        ProgressListener listener, Map<String, String> given, Consumer<List<Planned>> planned) {
      this.listener = listener;
      this.given = Map.copyOf(given);
      this.planned = planned;
    }

    @Override
    public void begins(Trial trial, RunFolder folder) throws IOException {
      Map<String, String> kept = new LinkedHashMap<>(given);
      kept.putAll(RunOptions.named(trial.options()));
      RunOptions.write(folder.path(), kept);
    }

    @Override
    public void planned(List<Planned> plan) {
      total = plan.size();
      planned.accept(plan);
    }

    @Override
    public TrainingListener training(int number, Trial trial) {
      listener.note(Text.format("training %d of %d: %s", number, total, trial.name()));
      return new TrainProgress(listener);
    }

    @Override
    public void measuring(Trial trial) {
      listener.note("measuring " + trial.name());
    }

    @Override
    public void finished(int number, TrialResult result, Duration left) {
      StringBuilder line = new StringBuilder();
      line.append(Text.format("%d of %d, %s:", number, total, result.trial().name()));
      if (result.diverged()) {
        line.append(" diverged: ").append(result.failure());
      }
      for (MetricKey key : result.values().keySet()) {
        line.append(
            Text.format(
                " %s(%s%%) %.2f",
                key.metric().toUpperCase(Locale.ROOT), key.thresholdText(), result.mean(key)));
      }
      if (!left.isZero() && number < total) {
        line.append("; ").append(Text.duration(left.toMillis() / 1e3)).append(" left");
      }
      listener.note(line.toString());
    }
  }
}
