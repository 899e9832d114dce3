package org.ttame.core.loss;

import java.util.Locale;

/** The two readings of the loss; they differ in Ψ, in the area term and in the variation term. */
public enum LossMode {
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
   * @return the mode
   * @throws IllegalArgumentException if it is neither
   */
  public static LossMode parse(String text) {
    for (LossMode mode : values()) {
      if (mode.optionName().equals(text.toLowerCase(Locale.ROOT))) {
        return mode;
      }
    }
    throw new IllegalArgumentException("\"" + text + "\" is no loss; use paper or released");
  }

  /** The name used by options and files. */
  public String optionName() {
    return name().toLowerCase(Locale.ROOT);
  }
}
