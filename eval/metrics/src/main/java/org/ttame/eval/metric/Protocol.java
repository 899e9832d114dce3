package org.ttame.eval.metric;

import java.util.List;
import java.util.Optional;
import org.ttame.core.Named;
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

  /** How every classifier is masked; empty for the way that each was trained with. */
  public Optional<Masking> masking() {
    return this == PAPER ? Optional.empty() : Optional.of(Masking.CNN);
  }

  /** The percentages of pixels that {@link Road} removes. */
  public List<Double> roadPercentages() {
    return this == PAPER ? Road.PAPER_PERCENTAGES : Road.RELEASED_PERCENTAGES;
  }
}
