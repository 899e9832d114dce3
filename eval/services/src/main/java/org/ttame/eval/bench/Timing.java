package org.ttame.eval.bench;

import java.util.Arrays;

/**
 * What repeated measurements came to.
 *
 * @param min the shortest, seconds
 * @param median the middle one, or the mean of the two in the middle
 * @param max the longest
 */
public record Timing(double min, double median, double max) {
  /**
   * Sums measurements up.
   *
   * @param seconds one or more
   * @throws IllegalArgumentException if there is none
   */
  public static Timing of(double... seconds) {
    if (seconds.length == 0) {
      throw new IllegalArgumentException("Nothing was measured");
    }
    double[] sorted = seconds.clone();
    Arrays.sort(sorted);
    int half = sorted.length / 2;
    double median = sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    return new Timing(sorted[0], median, sorted[sorted.length - 1]);
  }
}
