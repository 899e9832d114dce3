package org.ttame.eval.metric;

import org.ttame.core.Named;

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
}
