package org.ttame.core.masking;

import org.ttame.core.Named;

/** How an explanation map is laid over an image before the classifier sees it again. */
public enum Masking implements Named {
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
    return Named.parse(Masking.class, "masking", text);
  }
}
