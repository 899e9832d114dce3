package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.eval.output.LearningRateFiles;
import org.ttame.eval.output.Provenance;
import org.ttame.training.InitialMechanism;
import org.ttame.training.LearningRateCurve;
import org.ttame.training.LearningRateFinder;
import org.ttame.training.TrainingOptions;
import org.ttame.training.data.Batch;
import org.ttame.training.optimizer.ExponentialRamp;
import org.ttame.training.run.StepRecord;

/**
 * The work of {@code lr-find}.
 *
 * @param source classifier and images
 * @param options settings of the training that is meant
 * @param autoBatch whether the batch size is to be found
 * @param ramp the learning rates
 * @param init attention weights to begin with, if given
 * @param out where to write
 * @param engine what to compute on
 */
record LrFindJob(
    TrainJob.Source source,
    TrainingOptions options,
    boolean autoBatch,
    ExponentialRamp ramp,
    Optional<Path> init,
    Path out,
    Engine.Settings engine)
    implements Command.Job {
  /** Settings of a training that a range test does not use. */
  private static final List<String> UNUSED =
      List.of("epochs", "max-lr", "max-steps", "save-every", "record-classes");

  @Override
  public void run(Console console) throws Exception {
    Engine started = Engine.start(engine, console);
    Materials materials = Materials.of(source, out, console);
    try (FrozenClassifier classifier = source.classifier(materials).load(console)) {
      TrainingOptions settled = options;
      if (autoBatch) {
        int size = BatchFit.find(classifier, options, materials.training().size(), console);
        settled = options.toBuilder().batchSize(size).build();
      }
      test(classifier, materials, settled, started, console);
    }
  }

  private void test(
      FrozenClassifier classifier,
      Materials materials,
      TrainingOptions settled,
      Engine started,
      Console console)
      throws Exception {
    LearningRateFinder finder =
        new LearningRateFinder(classifier, materials.training(), settled, ramp);
    console.note(
        Text.format(
            "%d steps of up to %d images of %s",
            ramp.totalSteps(), settled.batchSize(), materials.training().describe()));
    StopHook.during(
        finder::stop,
        () -> {
          LearningRateFinder.Outcome outcome;
          try (AttentionMechanism mechanism =
              InitialMechanism.create(
                  InitialMechanism.spec(classifier, settled), settled.seed(), init)) {
            outcome = finder.run(mechanism, new Shown(console, ramp.totalSteps()));
          }
          conclude(
              outcome, Provenance.of(classifier, provenance(materials, settled, started)), console);
          return outcome;
        });
  }

  private void conclude(LearningRateFinder.Outcome outcome, Provenance provenance, Console console)
      throws IOException {
    LearningRateCurve curve = outcome.curve();
    if (curve.points().isEmpty()) {
      throw new IOException(
          curve.ending() == LearningRateCurve.Ending.STOPPED
              ? "stopped before the first step; nothing is written"
              : Text.format(
                  "the first step's loss, at learning rate %s, is not finite: look for damaged images or weights",
                  ramp.minLr()));
    }
    LearningRateFiles.write(out, curve, outcome.skipped(), provenance);
    say(curve, console);
    if (outcome.skipped().total() > 0) {
      console.result(outcome.skipped().describe());
    }
    console.result(out.resolve(LearningRateFiles.PNG).toString());
  }

  private void say(LearningRateCurve curve, Console console) {
    LearningRateCurve.Point lowest = curve.lowest();
    console.result(
        Text.format(
            "%d of %d steps%s; lowest smoothed loss %.4f at learning rate %.3g",
            curve.points().size(),
            ramp.totalSteps(),
            switch (curve.ending()) {
              case COMPLETE -> "";
              case DIVERGED -> ", then it diverged";
              case STOPPED -> ", then it was stopped";
            },
            lowest.smoothed(),
            lowest.lr()));
    console.result(
        curve.suggestion().isPresent()
            ? Text.format("suggestion: --max-lr %.2g", curve.suggestion().getAsDouble())
            : "no suggestion: the smoothed loss falls nowhere; try another --min-lr and --max-lr,"
                + " or more --steps");
  }

  private Map<String, String> provenance(
      Materials materials, TrainingOptions settled, Engine started) {
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
    settings.put("threads", String.valueOf(started.threads()));
    settings.put("images", materials.training().describe());
    init.ifPresent(file -> settings.put("init", file.toString()));
    return settings;
  }

  /** The test on the console. */
  private static final class Shown implements LearningRateFinder.Listener {
    private final Console console;
    private final long total;
    private Progress progress;

    Shown(Console console, long total) {
      this.console = console;
      this.total = total;
      progress = console.progress("testing", total);
    }

    @Override
    public void stepped(StepRecord step, double smoothed) {
      progress.at(step.step(), Text.format("lr %.2e  smoothed loss %.4f", step.lr(), smoothed));
    }

    @Override
    public void skipped(Batch.BadImage image) {
      console.warn("skipped: " + image.reason());
      progress = console.progress("testing", total);
    }

    @Override
    public void leftOut(Batch batch) {
      console.warn(TrainProgress.leftOutSentence(batch));
      progress = console.progress("testing", total);
    }
  }
}
