package org.ttame.eval.experiment;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.ttame.training.TrainingListener;
import org.ttame.training.run.RunFolder;

/** Hears how an experiment goes. All methods are called from its own thread. */
public interface ExperimentListener {
  /** How far a trial is. */
  enum State {
    /** Trained and measured. */
    DONE,
    /** Begun; resumes at its last checkpoint. */
    BEGUN,
    /** Not begun. */
    OPEN
  }

  /**
   * A trial of the plan.
   *
   * @param trial the trial
   * @param steps how many its training has
   * @param state how far it is
   */
  record Planned(Trial trial, long steps, State state) {}

  /** The plan, before anything is done. */
  default void planned(List<Planned> plan) {}

  /**
   * A training is about to begin in a folder of its own: the time to leave there what a program
   * needs to take it up as a run.
   *
   * @param folder where it is trained
   */
  default void begins(Trial trial, RunFolder folder) throws IOException {}

  /**
   * A training begins or is resumed.
   *
   * @param number 1 for the first trial
   * @return hears how the training goes
   */
  default TrainingListener training(int number, Trial trial) {
    return new TrainingListener() {};
  }

  /** A trained mechanism is about to be measured. */
  default void measuring(Trial trial) {}

  /**
   * A trial is done, now or in an earlier part of the job.
   *
   * @param number 1 for the first trial
   * @param result what it came to
   * @param left how long the others will take at the speed so far; zero where nothing is known
   */
  default void finished(int number, TrialResult result, Duration left) {}
}
