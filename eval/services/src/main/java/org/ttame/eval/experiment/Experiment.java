package org.ttame.eval.experiment;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.engine.Precision;
import org.ttame.core.masking.Masking;
import org.ttame.core.provenance.Sha256;
import org.ttame.eval.evaluation.AdIcValidator;
import org.ttame.eval.evaluation.Evaluation;
import org.ttame.eval.evaluation.ImageRecord;
import org.ttame.eval.evaluation.ImageStream;
import org.ttame.eval.experiment.ExperimentListener.Planned;
import org.ttame.eval.experiment.ExperimentListener.State;
import org.ttame.eval.explain.TtameExplainer;
import org.ttame.eval.metric.AdIc;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.metric.PixelKeeping;
import org.ttame.eval.output.Provenance;
import org.ttame.training.DivergenceException;
import org.ttame.training.InitialMechanism;
import org.ttame.training.TrainingPlan;
import org.ttame.training.TrainingResult;
import org.ttame.training.TrainingRun;
import org.ttame.training.data.ImageList;
import org.ttame.training.run.RunFolder;

/**
 * Several trainings and what is measured of each, as one job that may end at any moment and be
 * begun again: trials that are done are recognised, one that was interrupted resumes at its last
 * checkpoint. A training that diverges is a result, too.
 *
 * <p>Each trial is a run folder of its own, {@code FOLDER/trials/NAME}, with {@code trial.json} in
 * it. Memory holds one trial's mechanism and the values measured so far.
 */
public final class Experiment {
  /** Where the runs are, inside the experiment's folder. */
  public static final String TRIALS = "trials";

  private final Setup setup;
  private final List<Trial> trials;
  private final Map<String, String> depends;
  private volatile boolean stopAsked;
  private volatile TrainingRun current;

  /**
   * What all trials share.
   *
   * @param classifier what is explained; stays the caller's
   * @param backboneFile the file it was loaded from
   * @param training images to train on
   * @param validation images to choose each run's epoch by; empty to take the last epoch
   * @param measured the images measured
   * @param images opens those
   * @param thresholds the percentages v of AD and IC
   * @param folder where everything goes; made if missing
   * @param around settings for each {@code run.json}, of {@link RunFolder#AROUND}
   */
  public record Setup(
      FrozenClassifier classifier,
      Path backboneFile,
      ImageList training,
      Optional<AdIcValidator.Images> validation,
      ImageList measured,
      AdIcValidator.Images images,
      List<Double> thresholds,
      Path folder,
      Map<String, String> around) {
    public Setup {
      Objects.requireNonNull(classifier, "classifier");
      Objects.requireNonNull(folder, "folder");
      thresholds = List.copyOf(thresholds);
      around = Map.copyOf(around);
    }
  }

  /**
   * An experiment.
   *
   * @param setup what its trials share
   * @param trials in the order they are done, of different names
   * @throws IOException if the classifier's file cannot be read
   */
  public Experiment(Setup setup, List<Trial> trials) throws IOException {
    this.setup = setup;
    this.trials = List.copyOf(trials);
    List<String> names = trials.stream().map(Trial::name).toList();
    if (names.stream().distinct().count() != names.size()) {
      throw new IllegalArgumentException("Two trials share a name: " + names);
    }
    depends = new LinkedHashMap<>();
    depends.put("backbone_sha256", Sha256.of(setup.backboneFile()));
    depends.put("training_names_sha256", setup.training().namesSha256());
    depends.put("measured_names_sha256", setup.measured().namesSha256());
    depends.put("mean", setup.classifier().inputSpec().mean().toString());
    depends.put("std", setup.classifier().inputSpec().std().toString());
    depends.put(
        "validation_names_sha256",
        setup.validation().map(AdIcValidator.Images::fingerprint).orElse("none"));
    depends.put(
        "thresholds",
        setup.thresholds().stream().map(String::valueOf).collect(Collectors.joining(",")));
    depends.put("pixel_keeping", PixelKeeping.EXACT.optionName());
    Precision precision = setup.classifier().precision();
    if (precision != Precision.FLOAT32) { // what records that do not say it mean
      depends.put("precision", precision.optionName());
    }
  }

  /**
   * Asks it to end: a training saves its state and stops after the present step. May be called from
   * any thread, such as a shutdown hook.
   *
   * @param patience how long to wait for that
   */
  public void stop(Duration patience) {
    stopAsked = true;
    TrainingRun run = current;
    if (run != null) {
      run.stop(patience);
    }
  }

  /**
   * Does what is left to do.
   *
   * @return the results in the order of the trials; fewer if it was asked to stop
   * @throws IOException naming the file, if something cannot be read or written, or if a trial in
   *     the folder has other settings
   */
  public List<TrialResult> run(ExperimentListener listener) throws IOException {
    List<Planned> plan = plan();
    listener.planned(plan);
    List<TrialResult> results = new ArrayList<>();
    long stepsLeft =
        plan.stream().filter(p -> p.state() != State.DONE).mapToLong(Planned::steps).sum();
    long stepsDone = 0;
    long began = System.nanoTime();
    for (int i = 0; i < trials.size() && !stopAsked; i++) {
      Planned planned = plan.get(i);
      Optional<TrialResult> result = result(i + 1, planned, listener);
      if (result.isEmpty()) {
        break;
      }
      if (planned.state() != State.DONE) {
        stepsDone += planned.steps();
        stepsLeft -= planned.steps();
      }
      results.add(result.get());
      double each = stepsDone == 0 ? 0 : (double) (System.nanoTime() - began) / stepsDone;
      listener.finished(i + 1, result.get(), Duration.ofNanos((long) (each * stepsLeft)));
    }
    return results;
  }

  private List<Planned> plan() {
    List<Planned> plan = new ArrayList<>();
    for (Trial trial : trials) {
      TrainingPlan steps = TrainingPlan.of(setup.training().size(), trial.options().plan());
      State state =
          file(trial).exists()
              ? State.DONE
              : Files.exists(folder(trial).resolve("run.json")) ? State.BEGUN : State.OPEN;
      if (state != State.DONE) {
        steps.requireTrainable(
            InitialMechanism.spec(setup.classifier(), trial.options().mechanism()));
      }
      plan.add(new Planned(trial, steps.totalSteps(), state));
    }
    return plan;
  }

  private Optional<TrialResult> result(int number, Planned planned, ExperimentListener listener)
      throws IOException {
    Trial trial = planned.trial();
    TrialFile file = file(trial);
    if (planned.state() == State.DONE) {
      return Optional.of(file.read(trial));
    }
    long began = System.nanoTime();
    Optional<TrialResult> result;
    try {
      if (!train(number, planned, listener)) {
        return Optional.empty();
      }
      listener.measuring(trial);
      result = Optional.of(measure(trial, began));
    } catch (DivergenceException e) {
      result =
          Optional.of(
              new TrialResult(trial, "", List.of(), Map.of(), e.getMessage(), seconds(began)));
    }
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("training", setup.training().describe());
    settings.put("measured", setup.measured().describe());
    settings.putAll(setup.around());
    file.write(result.get(), Provenance.of(setup.classifier(), settings));
    return result;
  }

  private boolean train(int number, Planned planned, ExperimentListener listener)
      throws IOException {
    Trial trial = planned.trial();
    boolean begun = planned.state() == State.BEGUN;
    RunFolder folder = begun ? RunFolder.open(folder(trial)) : RunFolder.create(folder(trial));
    if (!begun) {
      listener.begins(trial, folder);
    }
    TrainingRun.Builder builder =
        TrainingRun.builder(setup.classifier(), setup.training(), trial.options(), folder)
            .backboneFile(setup.backboneFile())
            .around(setup.around())
            .listener(listener.training(number, trial));
    setup
        .validation()
        .ifPresent(images -> builder.validator(new AdIcValidator(images, PixelKeeping.EXACT)));
    try (TrainingRun run = begun ? builder.resume() : builder.start()) {
      current = run;
      if (stopAsked) {
        return false;
      }
      TrainingResult result = run.run();
      return result.finished();
    } finally {
      current = null;
    }
  }

  private TrialResult measure(Trial trial, long began) throws IOException {
    RunFolder folder = RunFolder.open(folder(trial));
    String checkpoint = folder.checkpoints().get(folder.preferred()).name();
    Masking masking = folder.masking();
    FrozenClassifier classifier = setup.classifier();
    try (AttentionMechanism mechanism = folder.mechanism(classifier, checkpoint);
        TtameExplainer explainer = new TtameExplainer(TtameExplainer.NAME, classifier, mechanism);
        ImageStream stream = setup.images().open()) {
      AdIc metric = new AdIc(classifier, masking, PixelKeeping.EXACT, setup.thresholds());
      Evaluation evaluation = new Evaluation(classifier, List.of(explainer), List.of(metric));
      List<ImageRecord> records =
          evaluation.run(stream, batch -> {}).method(TtameExplainer.NAME).records();
      if (records.isEmpty()) {
        throw new IOException(
            Text.format("none of the images of %s could be read", setup.measured().source()));
      }
      List<MetricKey> keys = evaluation.keys();
      Map<MetricKey, List<Double>> values = new LinkedHashMap<>();
      for (int k = 0; k < keys.size(); k++) {
        int column = k;
        values.put(keys.get(k), records.stream().map(r -> r.values()[column]).toList());
      }
      return new TrialResult(
          trial,
          checkpoint,
          records.stream().map(ImageRecord::image).toList(),
          values,
          "",
          seconds(began));
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private Path folder(Trial trial) {
    return setup.folder().resolve(TRIALS).resolve(trial.name());
  }

  private TrialFile file(Trial trial) {
    return new TrialFile(folder(trial), trial, depends);
  }

  private static double seconds(long began) {
    return (System.nanoTime() - began) / 1e9;
  }
}
