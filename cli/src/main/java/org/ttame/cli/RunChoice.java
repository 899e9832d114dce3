package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.training.run.RunFolder;

/**
 * Which trained mechanism a command works on.
 *
 * @param run the training run
 * @param checkpoint {@code best}, {@code last}, {@code epoch-N} or {@code step-N}; empty for the
 *     best, or the last where no epoch was validated
 * @param classifier the classifier, from the run unless given
 */
record RunChoice(Path run, Optional<String> checkpoint, ClassifierChoice classifier) {
  static final OptionSpec CHECKPOINT =
      OptionSpec.of(
          "checkpoint",
          "NAME",
          "best, last, epoch-N or step-N (best, or last where no epoch was validated)");

  /** As {@link #parse}, for commands that can do without a run. */
  static Optional<RunChoice> parseIfGiven(Arguments arguments) throws UsageException {
    if (arguments.has(CommonOptions.RUN)) {
      return Optional.of(parse(arguments));
    }
    if (arguments.has(CHECKPOINT)) {
      throw new UsageException("--checkpoint belongs to --run DIR");
    }
    return Optional.empty();
  }

  static RunChoice parse(Arguments arguments) throws UsageException {
    Path run = arguments.requiredPath(CommonOptions.RUN);
    BackboneOptions options = ClassifierChoice.options(arguments);
    return new RunChoice(
        run,
        arguments.text(CHECKPOINT),
        new ClassifierChoice(arguments.path(CommonOptions.WEIGHTS), Optional.of(run), options));
  }

  /**
   * The folder.
   *
   * @throws IOException if it holds no run
   */
  RunFolder folder() throws IOException {
    return RunFolder.open(run);
  }

  /** The name of the checkpoint's folder, e.g. {@code epoch-3}. */
  String checkpointName() throws IOException {
    RunFolder folder = folder();
    String name = checkpoint.isPresent() ? checkpoint.get() : folder.preferred();
    return folder.checkpoints().get(name).name();
  }

  /**
   * Loads the mechanism.
   *
   * @param loaded the run's classifier
   * @return the mechanism; the caller closes it
   * @throws IOException if there is none, or it does not fit
   */
  AttentionMechanism mechanism(FrozenClassifier loaded) throws IOException {
    return folder().mechanism(loaded, checkpointName());
  }
}
