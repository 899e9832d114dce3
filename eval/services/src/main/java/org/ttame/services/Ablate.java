package org.ttame.services;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.ttame.core.ProgressListener;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.eval.experiment.AblationFiles;
import org.ttame.eval.experiment.AblationPlan;
import org.ttame.eval.experiment.ExperimentListener;
import org.ttame.eval.experiment.TrialResult;
import org.ttame.eval.metric.AdIc;
import org.ttame.eval.output.Provenance;
import org.ttame.training.TrainingOptions;
import org.ttame.training.data.ImageDraw;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.ImageSettings;

/** Trains and measures the variants and maskings of Tables VI and VII. */
public final class Ablate {
  private final Options options;
  private final TrainingInputs inputs;
  private final ImageList measured;
  private final ExperimentRunner runner;

  /**
   * What to train.
   *
   * @param source classifier and images
   * @param training settings of every training
   * @param autoBatch whether the batch size is to be found
   * @param test images to measure on; empty for the sample's
   * @param testLimit which of them, if not all
   * @param out where trainings and tables go
   * @param kept options by name that each run keeps for {@code --resume}
   */
  public record Options(
      TrainingInputs.Source source,
      TrainingOptions training,
      boolean autoBatch,
      Optional<Path> test,
      Optional<ImageDraw> testLimit,
      Path out,
      Map<String, String> kept) {
    public Options {
      Objects.requireNonNull(training, "training");
      Objects.requireNonNull(testLimit, "testLimit");
      Objects.requireNonNull(out, "out");
      kept = Map.copyOf(kept);
      if (source.sample().isPresent() == test.isPresent()) {
        throw new InvalidOptionException(
            "test", "needs images of your own; the bundled sample has its own");
      }
    }
  }

  /**
   * What was found.
   *
   * @param results of the trials that are done
   * @param planned how many there are
   * @param tables the tables for a terminal; empty if not all are done
   * @param file those tables as Markdown
   */
  public record Result(
      List<TrialResult> results, int planned, Optional<String> tables, Path file) {}

  /**
   * Finds classifier and images.
   *
   * @param options what to train
   * @throws IOException if something is missing
   */
  public Ablate(Options options, ProgressListener listener) throws IOException {
    this.options = options;
    inputs = TrainingInputs.of(options.source(), options.out(), listener);
    ImageList all =
        options.test().isPresent()
            ? ImageSettings.find(options.test().get(), listener)
            : inputs.held().orElseThrow();
    measured = options.testLimit().isPresent() ? options.testLimit().get().from(all) : all;
    runner =
        new ExperimentRunner(inputs, options.training(), options.out(), options.kept(), listener);
  }

  /** The file of the classifier that {@link #run} takes. */
  public Path weights() {
    return inputs.weights();
  }

  /**
   * Does what is left to do, and writes the tables.
   *
   * @param classifier of {@link #weights}; stays the caller's
   * @param planned is notified of the plan before anything is done
   */
  public Result run(FrozenClassifier classifier, Consumer<List<ExperimentListener.Planned>> planned)
      throws IOException {
    TrainingOptions settled = runner.settled(options.autoBatch(), classifier);
    AblationPlan plan = AblationPlan.of(classifier, settled);
    List<TrialResult> results =
        runner.run(classifier, plan.trials(), measured, true, AdIc.PAPER_THRESHOLDS, planned);
    Path file = options.out().resolve(AblationFiles.MARKDOWN);
    if (results.size() < plan.trials().size()) {
      return new Result(results, plan.trials().size(), Optional.empty(), file);
    }
    Provenance provenance =
        Provenance.of(
            classifier, ExperimentRunner.provenance(inputs, "measured", measured, settled));
    String tables = AblationFiles.write(options.out(), classifier, plan, results, provenance);
    return new Result(results, results.size(), Optional.of(tables), file);
  }

  /**
   * Asks {@link #run} to end: a training saves its state. May be called from any thread.
   *
   * @param patience how long to wait for that
   */
  public void stop(Duration patience) {
    runner.stop(patience);
  }
}
