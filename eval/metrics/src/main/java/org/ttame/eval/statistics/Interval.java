package org.ttame.eval.statistics;

/**
 * A mean over images and where it would lie, in 95 of 100 cases, had other images been drawn.
 *
 * @param mean NaN without images
 * @param n over how many images
 * @param low NaN with fewer than two images, which say nothing of how images differ
 * @param high likewise
 */
public record Interval(double mean, int n, double low, double high) {
  /** Whether zero lies outside: of a difference, whether it is one. */
  public boolean excludesZero() {
    return low > 0 || high < 0;
  }
}
