package org.ttame.eval.metric;

import org.ttame.core.Named;

/** Which pixels go first. */
public enum RemovalOrder implements Named {
  /** Most relevant first (MoRF): a good map's removals hurt at once, lower is better. */
  MORF,

  /** Least relevant first (LeRF): a good map's removals do not hurt for long, higher is better. */
  LERF;

  /**
   * All pixels in the order in which they go; of equal ones the one with the lower index first.
   *
   * @param map n finite values
   * @return a permutation of 0 to n − 1
   * @throws IllegalArgumentException if a value is not finite
   */
  public int[] order(float[] map) {
    // The value's order in the upper half, the place in the lower; sorting keeps places in order.
    long[] keys = new long[map.length];
    int turn = this == LERF ? 0 : -1;
    for (int i = 0; i < map.length; i++) {
      if (!Float.isFinite(map[i])) {
        throw new IllegalArgumentException(
            "A map's values must be finite to be ranked, this one has " + map[i]);
      }
      int bits = Float.floatToIntBits(map[i] + 0f);
      int ascending = bits ^ ((bits >> 31) | Integer.MIN_VALUE);
      keys[i] = ((long) (ascending ^ turn) << 32) | i;
    }
    long[] sorted = RadixSort.byUpperHalf(keys);
    int[] order = new int[sorted.length];
    for (int i = 0; i < order.length; i++) {
      order[i] = (int) sorted[i];
    }
    return order;
  }

  /**
   * A mask of the first pixels to go.
   *
   * @param order as of {@link #order}
   * @param percent v, from 0 to 100
   * @return n values, true for exactly round(v·n/100) of them
   */
  public static boolean[] first(int[] order, double percent) {
    if (!(percent >= 0 && percent <= 100)) {
      throw new IllegalArgumentException("Cannot remove " + percent + " % of an image");
    }
    boolean[] removed = new boolean[order.length];
    long count = Math.round(percent * order.length / 100);
    for (int i = 0; i < count; i++) {
      removed[order[i]] = true;
    }
    return removed;
  }

  /**
   * Sorts many whole numbers digit by digit, each digit in one pass: several times a sort's speed.
   */
  private static final class RadixSort {
    /** Of a digit: three make 32 bits, and what it counts fits into the processor's first cache. */
    private static final int BITS = 11;

    private static final int DIGITS = 3;
    private static final int MASK = (1 << BITS) - 1;

    private RadixSort() {}

    /**
     * Sorts by the upper 32 bits alone, as a number without a sign; what is equal stays in its
     * order. The sorted values may be in {@code keys}, whose order is lost, or in another array.
     */
    static long[] byUpperHalf(long[] keys) {
      int[][] counts = new int[DIGITS][MASK + 1];
      for (long key : keys) {
        for (int digit = 0; digit < DIGITS; digit++) {
          counts[digit][digit(key, digit)]++;
        }
      }
      long[] from = keys;
      long[] to = new long[keys.length];
      for (int digit = 0; digit < DIGITS; digit++) {
        int[] next = starts(counts[digit]);
        for (long key : from) {
          to[next[digit(key, digit)]++] = key;
        }
        long[] swap = from;
        from = to;
        to = swap;
      }
      return from;
    }

    private static int digit(long key, int digit) {
      return (int) (key >>> (32 + digit * BITS)) & MASK;
    }

    /** Where each digit's keys begin, from how many there are. */
    private static int[] starts(int[] counts) {
      int[] starts = new int[counts.length];
      for (int i = 1; i < counts.length; i++) {
        starts[i] = starts[i - 1] + counts[i - 1];
      }
      return starts;
    }
  }
}
