package org.ttame.services;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.training.run.RunFolder;

/**
 * Which trained mechanism a command works on.
 *
 * @param run the training run
 * @param checkpoint {@code best}, {@code last}, {@code epoch-N} or {@code step-N}; empty for the
 *     best, or the last where no epoch was validated
 */
public record TrainedRun(Path run, Optional<String> checkpoint) {
  public TrainedRun {
    Objects.requireNonNull(run, "run");
    Objects.requireNonNull(checkpoint, "checkpoint");
  }

  /** The best checkpoint of a run. */
  public static TrainedRun of(Path run) {
    return new TrainedRun(run, Optional.empty());
  }

  /**
   * The folder.
   *
   * @throws IOException if it holds no run
   */
  public RunFolder folder() throws IOException {
    return RunFolder.open(run);
  }

  /** The name of the checkpoint's folder, e.g. {@code epoch-3}. */
  public String checkpointName() throws IOException {
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
  public AttentionMechanism mechanism(FrozenClassifier loaded) throws IOException {
    return folder().mechanism(loaded, checkpointName());
  }
}
