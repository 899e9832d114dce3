package org.ttame.training.optimizer;

/** Learning rate and momentum of each step of a run. */
public sealed interface Schedule permits OneCycle, ExponentialRamp {
  /** T, how many steps it spans. */
  long totalSteps();

  /**
   * The learning rate of a step.
   *
   * @param step 0 … T − 1
   */
  double learningRate(long step);

  /**
   * The momentum of a step.
   *
   * @param step 0 … T − 1
   */
  double momentum(long step);
}
