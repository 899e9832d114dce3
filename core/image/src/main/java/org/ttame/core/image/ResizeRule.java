package org.ttame.core.image;

import org.ttame.core.Named;

/** How a picture of any shape becomes an input of H×W pixels. */
public enum ResizeRule implements Named {
  /**
   * The picture is resized, its proportions kept, until it covers the input enlarged by 256/224;
   * the middle is cut out. Of a square input S: the shorter side becomes S·256/224.
   */
  CROP,
  /** The whole picture is resized to H×W, its proportions lost. */
  STRETCH,
  /** The whole picture is resized, its proportions kept, and laid on a grey ground of H×W. */
  LETTERBOX;

  /**
   * Reads an option's value.
   *
   * @param text {@code crop}, {@code stretch} or {@code letterbox}
   * @return the rule
   * @throws IllegalArgumentException if there is none of that name
   */
  public static ResizeRule parse(String text) {
    return Named.parse(ResizeRule.class, "resize rule", text);
  }
}
