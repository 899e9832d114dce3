package org.ttame.core.masking;

import java.util.Locale;

/** How an explanation map is laid over an image before the classifier sees it again. */
public enum Masking {
  /** Eq. 13: the map multiplies the image in [0,1], the product is standardised. */
  CNN,
  /** Eq. 14: the map multiplies the standardised image. */
  VIT;

  /**
   * Reads an option's value.
   *
   * @param text {@code cnn} or {@code vit}
   * @return the masking
   * @throws IllegalArgumentException if it is neither
   */
  public static Masking parse(String text) {
    for (Masking masking : values()) {
      if (masking.optionName().equals(text.toLowerCase(Locale.ROOT))) {
        return masking;
      }
    }
    throw new IllegalArgumentException("\"" + text + "\" is no masking; use cnn or vit");
  }

  /** The name used by options and files. */
  public String optionName() {
    return name().toLowerCase(Locale.ROOT);
  }
}
