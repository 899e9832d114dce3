package org.ttame.training.optimizer;

import org.ttame.core.Text;

/**
 * A learning rate that grows by the same factor from step to step, at a constant momentum: the
 * schedule of a learning-rate range test (L. N. Smith, "Cyclical Learning Rates for Training Neural
 * Networks", 2017).
 *
 * @param totalSteps T, at least 2
 * @param minLr the rate of step 0
 * @param maxLr the rate of step T − 1, above {@code minLr}
 */
public record ExponentialRamp(long totalSteps, double minLr, double maxLr) implements Schedule {
  /** The paper's momentum, around which the OneCycle policy turns. */
  private static final double MOMENTUM = 0.9;

  public ExponentialRamp {
    if (totalSteps < 2) {
      throw new IllegalArgumentException(
          "A range of learning rates needs at least 2 steps, got " + totalSteps);
    }
    if (!(minLr > 0 && minLr < maxLr) || Double.isInfinite(maxLr)) {
      throw new IllegalArgumentException(
          Text.format(
              "A range of learning rates goes from a positive one to a larger one, got %s to %s",
              minLr, maxLr));
    }
  }

  @Override
  public double learningRate(long step) {
    check(step);
    double share = (double) step / (totalSteps - 1);
    return minLr * Math.pow(maxLr / minLr, share);
  }

  @Override
  public double momentum(long step) {
    check(step);
    return MOMENTUM;
  }

  private void check(long step) {
    if (step < 0 || step >= totalSteps) {
      throw new IllegalArgumentException(
          Text.format("Step %d is not one of the schedule's 0 to %d", step, totalSteps - 1));
    }
  }
}
