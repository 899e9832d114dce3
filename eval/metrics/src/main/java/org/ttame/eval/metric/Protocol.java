package org.ttame.eval.metric;

import org.ttame.core.Named;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.masking.Masking;

/** How the paper's measures are taken. */
public enum Protocol implements Named {
  /** As the paper defines them. */
  PAPER,
  /**
   * As the program that made the published numbers took them: ties at the threshold are kept, and
   * every classifier is masked as a CNN.
   */
  RELEASED;

  /** How the top v % of pixels are chosen. */
  public PixelKeeping keeping() {
    return this == PAPER ? PixelKeeping.EXACT : PixelKeeping.QUANTILE;
  }

  /**
   * How maps are laid over images unless told otherwise.
   *
   * @return its own masking, or the CNN's
   */
  public Masking masking(FrozenClassifier classifier) {
    return this == PAPER ? classifier.defaultMasking() : Masking.CNN;
  }

  /**
   * Reads an option's value.
   *
   * @param text {@code paper} or {@code released}
   * @return the protocol
   * @throws IllegalArgumentException if it is neither
   */
  public static Protocol parse(String text) {
    return Named.parse(Protocol.class, "protocol", text);
  }
}
