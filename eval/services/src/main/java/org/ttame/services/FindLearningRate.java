package org.ttame.services;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.engine.ComputingThreads;
import org.ttame.eval.output.LearningRateFiles;
import org.ttame.eval.output.Provenance;
import org.ttame.training.InitialMechanism;
import org.ttame.training.LearningRateCurve;
import org.ttame.training.LearningRateFinder;
import org.ttame.training.TrainingOptions;
import org.ttame.training.data.Batch;
import org.ttame.training.data.SkippedCount;
import org.ttame.training.optimizer.ExponentialRamp;
import org.ttame.training.run.StepRecord;

/** Learning-rate range test: loss curve, plot and a suggestion. No run is touched. */
public final class FindLearningRate {
  /** Settings of a training that a range test does not use. */
  private static final List<String> UNUSED =
      List.of("epochs", "max-lr", "max-steps", "save-every", "record-classes");

  private final Options options;
  private final ProgressListener listener;
  private final TrainingInputs inputs;
  private LearningRateFinder finder;
  private boolean stopping;

  /**
   * What to test.
   *
   * @param source classifier and images
   * @param training settings of the training that is meant
   * @param autoBatch whether the batch size is to be found
   * @param ramp the learning rates
   * @param init attention weights to begin with, if given
   * @param out where to write
   */
  public record Options(
      TrainingInputs.Source source,
      TrainingOptions training,
      boolean autoBatch,
      ExponentialRamp ramp,
      Optional<Path> init,
      Path out) {
    public Options {
      Objects.requireNonNull(source, "source");
      Objects.requireNonNull(training, "training");
      Objects.requireNonNull(ramp, "ramp");
      Objects.requireNonNull(init, "init");
      Objects.requireNonNull(out, "out");
    }
  }

  /**
   * What was found.
   *
   * @param curve the losses and the suggestion
   * @param skipped images that could not be read
   * @param plot the curve as a picture
   */
  public record Result(LearningRateCurve curve, SkippedCount skipped, Path plot) {}

  /**
   * Finds classifier and images.
   *
   * @param options what to test
   * @throws IOException if something is missing
   */
  public FindLearningRate(Options options, ProgressListener listener) throws IOException {
    this.options = options;
    this.listener = listener;
    inputs = TrainingInputs.of(options.source(), options.out(), listener);
  }

  /** The file of the classifier that {@link #run} takes. */
  public Path weights() {
    return inputs.weights();
  }

  /**
   * Tests, and writes the curve.
   *
   * @param classifier of {@link #weights}; stays the caller's
   * @throws IOException naming the file, if one cannot be read or written; or if there is no curve
   */
  public Result run(FrozenClassifier classifier) throws IOException {
    ExponentialRamp ramp = options.ramp();
    TrainingOptions settled =
        BatchFit.settle(
            options.training(),
            options.autoBatch(),
            classifier,
            inputs.training().size(),
            listener);
    begin(new LearningRateFinder(classifier, inputs.training(), settled, ramp));
    listener.note(
        Text.format(
            "%d steps of up to %d images of %s",
            ramp.totalSteps(), settled.plan().batchSize(), inputs.training().describe()));
    listener.begin("testing", ramp.totalSteps(), 0);
    LearningRateFinder.Outcome outcome;
    try (AttentionMechanism mechanism =
        InitialMechanism.create(
            InitialMechanism.spec(classifier, settled.mechanism()),
            settled.seed(),
            options.init())) {
      outcome = finder.run(mechanism, new Told(listener));
    }
    LearningRateCurve curve = outcome.curve();
    if (curve.points().isEmpty()) {
      throw new IOException(
          curve.ending() == LearningRateCurve.Ending.STOPPED
              ? "stopped before the first step; nothing is written"
              : Text.format(
                  "the first step's loss, at learning rate %s, is not finite: look for damaged images or weights",
                  ramp.minLr()));
    }
    LearningRateFiles.write(
        options.out(), curve, outcome.skipped(), Provenance.of(classifier, provenance(settled)));
    return new Result(curve, outcome.skipped(), options.out().resolve(LearningRateFiles.PNG));
  }

  private synchronized void begin(LearningRateFinder one) {
    finder = one;
    if (stopping) {
      finder.stop();
    }
  }

  /** Asks {@link #run} to end after the present step; may be called from any thread. */
  public synchronized void stop() {
    stopping = true;
    if (finder != null) {
      finder.stop();
    }
  }

  private Map<String, String> provenance(TrainingOptions settled) {
    ExponentialRamp ramp = options.ramp();
    Map<String, String> settings = new LinkedHashMap<>();
    var properties = settled.toProperties();
    for (String name : new TreeSet<>(properties.stringPropertyNames())) {
      if (!UNUSED.contains(name)) {
        settings.put(name, properties.getProperty(name));
      }
    }
    settings.put("min-lr", String.valueOf(ramp.minLr()));
    settings.put("max-lr", String.valueOf(ramp.maxLr()));
    settings.put("steps", String.valueOf(ramp.totalSteps()));
    settings.put("momentum", String.valueOf(ramp.momentum(0)));
    settings.put("threads", String.valueOf(ComputingThreads.current()));
    settings.put("images", inputs.training().describe());
    options.init().ifPresent(file -> settings.put("init", file.toString()));
    return settings;
  }

  /** Tells of the test. */
  private record Told(ProgressListener listener) implements LearningRateFinder.Listener {
    @Override
    public void stepped(StepRecord step, double smoothed) {
      listener.advance(
          step.step(), Text.format("lr %.2e  smoothed loss %.4f", step.lr(), smoothed));
    }

    @Override
    public void skipped(Batch.BadImage image) {
      listener.warn("skipped: " + image.reason());
    }

    @Override
    public void leftOut(Batch batch) {
      listener.warn(TrainProgress.leftOutSentence(batch));
    }
  }
}
