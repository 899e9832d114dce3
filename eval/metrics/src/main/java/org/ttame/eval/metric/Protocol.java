package org.ttame.eval.metric;

import java.util.Locale;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.masking.Masking;

/** How the paper's measures are taken. */
public enum Protocol {
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
   * @param classifier what is explained
   * @return its own masking, or the CNN's
   */
  public Masking masking(FrozenClassifier classifier) {
    return this == PAPER ? classifier.defaultMasking() : Masking.CNN;
  }

  /** The name used by options and files. */
  public String optionName() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Reads an option's value.
   *
   * @param text {@code paper} or {@code released}
   * @return the protocol
   * @throws IllegalArgumentException if it is neither
   */
  public static Protocol parse(String text) {
    for (Protocol protocol : values()) {
      if (protocol.optionName().equals(text.toLowerCase(Locale.ROOT))) {
        return protocol;
      }
    }
    throw new IllegalArgumentException("\"" + text + "\" is no protocol; use paper or released");
  }
}
