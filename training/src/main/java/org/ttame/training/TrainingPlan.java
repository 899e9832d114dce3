package org.ttame.training;

import org.ttame.training.data.BatchSource;

/**
 * The size of a run.
 *
 * @param images how many images an epoch has
 * @param batchSize images a step
 * @param stepsPerEpoch steps an epoch, the last smaller one included
 * @param totalSteps steps of the run: all epochs, or {@code --max-steps} if that is less
 */
public record TrainingPlan(int images, int batchSize, long stepsPerEpoch, long totalSteps) {
  /**
   * Plans a run.
   *
   * @param images how many images there are
   * @param options epochs, batch size, most steps
   * @return the plan
   */
  public static TrainingPlan of(int images, TrainingOptions options) {
    long perEpoch = BatchSource.stepsPerEpoch(images, options.batchSize());
    long all = Math.multiplyExact(perEpoch, (long) options.epochs());
    long total = options.maxSteps() == 0 ? all : Math.min(all, options.maxSteps());
    return new TrainingPlan(images, options.batchSize(), perEpoch, total);
  }

  /** The epoch that a count of done steps has come to the end of or is in, 1 for the first. */
  public int epoch(long done) {
    return Math.toIntExact((Math.max(done, 1) - 1) / stepsPerEpoch + 1);
  }

  /** Whether an epoch, or the run, ends with that many steps done. */
  public boolean endsEpoch(long done) {
    return done > 0 && (done % stepsPerEpoch == 0 || done == totalSteps);
  }
}
