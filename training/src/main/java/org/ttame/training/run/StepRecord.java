package org.ttame.training.run;

/**
 * What one step did: a line of {@code steps.jsonl}.
 *
 * @param step 1 for the first step of the run
 * @param epoch 1 for the first epoch
 * @param loss λ1·CE + λ2·(area + λ3·variation), Eq. 11, before the step changed anything
 * @param ce mean cross-entropy of the masked images, in nats
 * @param area the area term
 * @param variation the variation term
 * @param lr the learning rate of this step
 * @param momentum the momentum of this step
 * @param imagesPerSecond images over the step's wall time, waiting for them included
 * @param images B
 */
public record StepRecord(
    long step,
    long epoch,
    double loss,
    double ce,
    double area,
    double variation,
    double lr,
    double momentum,
    double imagesPerSecond,
    int images) {
  /**
   * The same step placed in its run.
   *
   * @param actualEpoch 1 for the first
   * @param speed images a second
   */
  public StepRecord at(long actualEpoch, double speed) {
    return new StepRecord(
        step, actualEpoch, loss, ce, area, variation, lr, momentum, speed, images);
  }
}
