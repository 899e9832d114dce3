package org.ttame.training.optimizer;

import org.ttame.core.Text;

/**
 * The OneCycle policy: learning rate up and down once over the whole run, momentum down and up.
 *
 * <p>Follows PyTorch's {@code OneCycleLR} with {@code pct_start=0.3, anneal_strategy="cos",
 * cycle_momentum=True, base_momentum=0.85, max_momentum=0.95, div_factor=25, final_div_factor=1e4},
 * its phase arithmetic included: with T steps the rate rises from {@code maxLr/25} at step 0 to
 * {@code maxLr} at the (fractional) step {@code 0.3·T − 1} and falls to {@code maxLr/25/1e4} at
 * step {@code T − 1}, both along a half cosine. A run so short that the first phase ends before
 * step 0 (T ≤ 3) is on its way down from the start; a run of one step therefore trains at the
 * smallest rate, as PyTorch's does.
 *
 * @param totalSteps T, the planned steps of the run, or the most it may take if that is less
 * @param maxLr the largest learning rate
 */
public record OneCycle(long totalSteps, double maxLr) implements Schedule {
  private static final double RISING_SHARE = 0.3;
  private static final double DIV_FACTOR = 25;
  private static final double FINAL_DIV_FACTOR = 1e4;
  private static final double BASE_MOMENTUM = 0.85;
  private static final double MAX_MOMENTUM = 0.95;

  public OneCycle {
    if (totalSteps < 1) {
      throw new IllegalArgumentException("A run needs at least one step, got " + totalSteps);
    }
    if (!(maxLr > 0) || Double.isInfinite(maxLr)) {
      throw new IllegalArgumentException(
          "The largest learning rate must be positive, got " + maxLr);
    }
  }

  @Override
  public double learningRate(long step) {
    double initial = maxLr / DIV_FACTOR;
    return at(step, initial, maxLr, initial / FINAL_DIV_FACTOR);
  }

  @Override
  public double momentum(long step) {
    return at(step, MAX_MOMENTUM, BASE_MOMENTUM, MAX_MOMENTUM);
  }

  private double at(long step, double start, double middle, double end) {
    if (step < 0 || step >= totalSteps) {
      throw new IllegalArgumentException(
          Text.format("Step %d is not one of the schedule's 0 to %d", step, totalSteps - 1));
    }
    double turn = RISING_SHARE * totalSteps - 1;
    if (step <= turn) {
      return cosine(start, middle, step / turn);
    }
    return cosine(middle, end, (step - turn) / (totalSteps - 1 - turn));
  }

  private static double cosine(double from, double to, double share) {
    return to + (from - to) / 2 * (Math.cos(Math.PI * share) + 1);
  }
}
