package org.ttame.eval.metric;

/**
 * Sorts many whole numbers digit by digit, each digit in one pass: several times a sort's speed.
 */
final class RadixSort {
  /** Of a digit: three make 32 bits, and what it counts fits into the processor's first cache. */
  private static final int BITS = 11;

  private static final int DIGITS = 3;
  private static final int MASK = (1 << BITS) - 1;

  private RadixSort() {}

  /**
   * Sorts by the upper 32 bits alone, as a number without a sign; what is equal stays in its order.
   * The sorted values may be in {@code keys}, whose order is lost, or in another array.
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
