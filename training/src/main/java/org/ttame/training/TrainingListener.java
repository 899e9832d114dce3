package org.ttame.training;

import java.nio.file.Path;
import java.time.Duration;
import org.ttame.training.data.Batch;
import org.ttame.training.run.StepRecord;

/** Hears how a run goes. All methods are called from the run's own thread. */
public interface TrainingListener {
  /**
   * The run begins.
   *
   * @param plan its size
   * @param done steps that are done already, in a resumed run
   */
  default void started(TrainingPlan plan, long done) {}

  /**
   * A step is done.
   *
   * @param step what it did
   * @param left how long the rest will take at the present speed, without validation
   */
  default void stepped(StepRecord step, Duration left) {}

  /** An image could not be read and is left out; said once for each image. */
  default void skipped(Batch.BadImage image) {}

  /**
   * A step is left out: of its images so few could be read that batch normalisation has no
   * statistics ({@link org.ttame.core.attention.AttentionSpec#fewestImages}).
   */
  default void leftOut(Batch batch) {}

  /**
   * State has been saved.
   *
   * @param step after which step, 1 for the first
   */
  default void saved(Path folder, long step) {}

  /** Validation begins after an epoch, 1 for the first. */
  default void validating(int epoch) {}

  /**
   * An epoch has been validated.
   *
   * @param epoch 1 for the first
   * @param validation the result
   * @param best whether it is the best so far
   */
  default void validated(int epoch, Validation validation, boolean best) {}
}
