package org.ttame.core.loss;

import java.util.Objects;
import org.ttame.core.Text;

/**
 * The loss λ1·CE + λ2·(area + λ3·variation) of Eq. 11 and 15.
 *
 * @param mode how Ψ, area and variation are read
 * @param lambda1 weight of the masked images' cross-entropy
 * @param lambda2 weight of area and variation
 * @param lambda3 weight of variation within λ2
 * @param lambda4 exponent of the area term, positive
 */
public record LossOptions(
    LossMode mode, double lambda1, double lambda2, double lambda3, double lambda4) {
  public LossOptions {
    Objects.requireNonNull(mode, "mode");
    requireWeight("lambda1", lambda1);
    requireWeight("lambda2", lambda2);
    requireWeight("lambda3", lambda3);
    requireWeight("lambda4", lambda4);
    if (lambda4 == 0) {
      throw new IllegalArgumentException("lambda4 must be positive: x^0 has no gradient");
    }
  }

  /**
   * The paper's weights: 1.5, 2, 0.005, 0.3.
   *
   * @param mode the reading of the loss
   * @return options
   */
  public static LossOptions of(LossMode mode) {
    return new LossOptions(mode, 1.5, 2, 0.005, 0.3);
  }

  /** The paper's weights and reading. */
  public static LossOptions defaults() {
    return of(LossMode.PAPER);
  }

  /**
   * The loss.
   *
   * @param crossEntropy mean cross-entropy of the masked images, in nats
   * @param area the area term
   * @param variation the variation term
   * @return λ1·CE + λ2·(area + λ3·variation)
   */
  public double total(double crossEntropy, double area, double variation) {
    return lambda1 * crossEntropy + lambda2 * (area + lambda3 * variation);
  }

  private static void requireWeight(String name, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(
          Text.format("%s must be a finite number that is not negative, got %s", name, value));
    }
  }
}
