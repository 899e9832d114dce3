package org.ttame.eval.metric;

import java.util.Arrays;
import org.ttame.core.Text;

/**
 * Spearman's rank correlation: whether two maps put pixels in the same order, whatever their
 * values. Equal values share the mean of their ranks.
 */
public final class RankCorrelation {
  private RankCorrelation() {}

  /**
   * Ranks values.
   *
   * @param values finite values
   * @return for each its rank from 1, the mean of theirs where values are equal
   */
  public static double[] ranks(float[] values) {
    // Value in the upper half, place in the lower: one sort of primitives.
    long[] sorted = new long[values.length];
    for (int i = 0; i < values.length; i++) {
      sorted[i] = (long) ordered(values[i]) << 32 | i;
    }
    Arrays.sort(sorted);
    double[] ranks = new double[values.length];
    for (int start = 0, end; start < sorted.length; start = end) {
      end = start + 1;
      while (end < sorted.length && sorted[end] >> 32 == sorted[start] >> 32) {
        end++;
      }
      double rank = (start + 1 + end) / 2.0;
      for (int i = start; i < end; i++) {
        ranks[(int) sorted[i]] = rank;
      }
    }
    return ranks;
  }

  /**
   * Correlates ranks.
   *
   * @param a ranks of {@link #ranks}
   * @param b ranks of as many values
   * @return from −1 to 1; 0 where all values of either are equal, since that is no order at all
   * @throws IllegalArgumentException if their numbers differ
   */
  public static double between(double[] a, double[] b) {
    if (a.length != b.length) {
      throw new IllegalArgumentException(
          Text.format("Maps of %d and %d values cannot be compared", a.length, b.length));
    }
    double mean = (a.length + 1) / 2.0;
    double products = 0;
    double squaresOfA = 0;
    double squaresOfB = 0;
    for (int i = 0; i < a.length; i++) {
      products += (a[i] - mean) * (b[i] - mean);
      squaresOfA += (a[i] - mean) * (a[i] - mean);
      squaresOfB += (b[i] - mean) * (b[i] - mean);
    }
    return squaresOfA == 0 || squaresOfB == 0 ? 0 : products / Math.sqrt(squaresOfA * squaresOfB);
  }

  /** Bits that are ordered as the values are; −0 counts as 0. */
  private static int ordered(float value) {
    int bits = Float.floatToIntBits(value + 0.0f);
    return bits ^ (bits >> 31 & 0x7FFFFFFF);
  }
}
