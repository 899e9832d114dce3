package org.ttame.eval.explain;

/**
 * A small plane of values read bilinearly where given rows cross given columns. Places are counted
 * in cells, the centre of the first is 0; what lies beyond the outermost centres has their values.
 */
final class BilinearPlane {
  private final int width;
  private final int[] above;
  private final int[] below;
  private final double[] down;
  private final int[] left;
  private final int[] right;
  private final double[] across;

  /** Prepares to read planes of height·width at some places of rows and columns. */
  BilinearPlane(int height, int width, double[] rows, double[] columns) {
    this.width = width;
    above = new int[rows.length];
    below = new int[rows.length];
    down = new double[rows.length];
    place(rows, height, above, below, down);
    left = new int[columns.length];
    right = new int[columns.length];
    across = new double[columns.length];
    place(columns, width, left, right, across);
  }

  private static void place(double[] at, int cells, int[] low, int[] high, double[] share) {
    for (int i = 0; i < at.length; i++) {
      double inside = Math.min(Math.max(at[i], 0), cells - 1);
      low[i] = (int) inside;
      high[i] = Math.min(low[i] + 1, cells - 1);
      share[i] = inside - low[i];
    }
  }

  /** Reads a plane, row by row from a place in an array, into rows·columns values. */
  void read(float[] plane, int from, float[] out, int to) {
    // One row of the plane between two first: then each value takes two numbers instead of four.
    double[] row = new double[width];
    for (int y = 0; y < above.length; y++) {
      double v = down[y];
      int first = from + above[y] * width;
      int second = from + below[y] * width;
      for (int x = 0; x < width; x++) {
        row[x] = (1 - v) * plane[first + x] + v * plane[second + x];
      }
      int begin = to + y * across.length;
      for (int x = 0; x < across.length; x++) {
        double u = across[x];
        out[begin + x] = (float) ((1 - u) * row[left[x]] + u * row[right[x]]);
      }
    }
  }
}
