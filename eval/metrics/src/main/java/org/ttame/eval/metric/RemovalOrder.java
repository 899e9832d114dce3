package org.ttame.eval.metric;

import java.util.Locale;

/** Which pixels go first. */
public enum RemovalOrder {
  /** Most relevant first (MoRF): a good map's removals hurt at once, lower is better. */
  MORF,

  /** Least relevant first (LeRF): a good map's removals do not hurt for long, higher is better. */
  LERF;

  /** Its name in columns. */
  public String column() {
    return name().toLowerCase(Locale.ROOT);
  }

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
}
