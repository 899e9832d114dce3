package org.ttame.core.loss;

import org.ttame.core.Named;

/** The two readings of the loss; they differ in Ψ, in the area term and in the variation term. */
public enum LossMode implements Named {
  /**
   * As the paper states it (Eq. 11–17): classes drawn at random, mean(E^λ4), variation inside the
   * maps divided by their number of values.
   */
  PAPER,
  /**
   * As the published numbers were made: the batch's own predicted classes, mean((E + 5e-4)^λ4),
   * variation with a border term, divided by the batch size alone.
   */
  RELEASED;

  /**
   * Reads an option's value.
   *
   * @param text {@code paper} or {@code released}
   * @throws IllegalArgumentException if it is neither
   */
  public static LossMode parse(String text) {
    return Named.parse(LossMode.class, "loss", text);
  }
}
