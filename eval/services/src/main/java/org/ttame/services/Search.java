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
import org.ttame.eval.experiment.ExperimentListener;
import org.ttame.eval.experiment.SearchFiles;
import org.ttame.eval.experiment.SearchPlan;
import org.ttame.eval.experiment.TrialResult;
import org.ttame.eval.output.Provenance;
import org.ttame.training.TrainingOptions;
import org.ttame.training.data.ImageList;

/** Trains with every combination of some settings, and selects one on validation images. */
public final class Search {
  /** The threshold that trials are selected by. */
  private static final List<Double> THRESHOLDS = List.of(15.0);

  private final Options options;
  private final TrainingInputs inputs;
  private final ImageList measured;
  private final ExperimentRunner runner;

  /**
   * What to try.
   *
   * @param source classifier and images; validation images among them
   * @param base settings that all trainings share
   * @param axes what is tried
   * @param autoBatch whether the batch size is to be found
   * @param out where trainings and results go
   * @param kept options by name that each run keeps for {@code --resume}
   */
  public record Options(
      TrainingInputs.Source source,
      TrainingOptions base,
      List<SearchPlan.Axis> axes,
      boolean autoBatch,
      Path out,
      Map<String, String> kept) {
    public Options {
      axes = List.copyOf(axes);
      kept = Map.copyOf(kept);
      Objects.requireNonNull(out, "out");
      if (source.sample().isEmpty() && source.val().isEmpty()) {
        throw new InvalidOptionException("val", "is missing: images to select by");
      }
      SearchPlan.of(base, axes);
    }
  }

  /**
   * What was found.
   *
   * @param results of the trials that are done
   * @param planned how many there are
   * @param best the one selected; empty if not all are done
   * @param file the record
   * @param page all of it on one page; empty if not all are done
   */
  public record Result(
      List<TrialResult> results,
      int planned,
      Optional<TrialResult> best,
      Path file,
      Optional<Path> page) {}

  /**
   * Finds classifier and images.
   *
   * @param options what to try
   * @throws IOException if something is missing
   */
  public Search(Options options, ProgressListener listener) throws IOException {
    this.options = options;
    inputs = TrainingInputs.of(options.source(), options.out(), listener);
    measured = inputs.validation().orElseThrow();
    runner = new ExperimentRunner(inputs, options.base(), options.out(), options.kept(), listener);
  }

  /** The file of the classifier that {@link #run} takes. */
  public Path weights() {
    return inputs.weights();
  }

  /**
   * Does what is left to do, and writes what was found.
   *
   * @param classifier of {@link #weights}; stays the caller's
   * @param planned is notified of the plan before anything is done
   * @throws IOException naming the file, if one cannot be read or written; or if every training
   *     diverged
   */
  public Result run(FrozenClassifier classifier, Consumer<List<ExperimentListener.Planned>> planned)
      throws IOException {
    TrainingOptions settled = runner.settled(options.autoBatch(), classifier);
    SearchPlan plan = SearchPlan.of(settled, options.axes());
    List<TrialResult> results =
        runner.run(classifier, plan.trials(), measured, false, THRESHOLDS, planned);
    Path file = options.out().resolve(SearchFiles.JSON);
    if (results.size() < plan.trials().size()) {
      return new Result(results, plan.trials().size(), Optional.empty(), file, Optional.empty());
    }
    Path page =
        SearchFiles.write(
            options.out(),
            results,
            Provenance.of(
                classifier, ExperimentRunner.provenance(inputs, "validation", measured, settled)));
    TrialResult best =
        SearchFiles.best(results)
            .orElseThrow(() -> new IOException("every training diverged; lower option 'max-lr'"));
    return new Result(results, results.size(), Optional.of(best), file, Optional.of(page));
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
