package org.ttame.eval.road;

import java.util.Arrays;

/**
 * A symmetric operator on a grid that joins each point with its eight neighbours, and the way to a
 * grid of half the width and height.
 *
 * <p>Values are kept row by row with a margin of one point all around, which stays zero: point (y,
 * x) is {@code rows[y + 1][x + 1]}, and so y and x count from 1 in what follows. A coarse point (Y,
 * X) stands for the fine point (2Y − 1, 2X − 1); prolongation P is bilinear (a fine point beyond
 * the last coarse one takes that one's value), restriction its transpose, and the coarse operator
 * PᵀAP (Galerkin), which is of the same kind. So a V-cycle is symmetric and may precondition
 * conjugate gradients, whatever the shape of the region. Coefficients are floats: they
 * precondition, they do not decide the result.
 */
abstract class GridLevel {
  /** Points without a place in the operator that a run may hold: cheaper than another run. */
  private static final int GAP = 32;

  final int height;
  final int width;

  /** One over the point's own coefficient; 0 where there is no point. */
  final float[][] inverse;

  /** 1 where there is a point, else 0. */
  final float[][] mask;

  /** Of each row where runs of points begin and end, in turn. */
  private final int[][] runs;

  private final float[] row;
  private final float[] next;

  GridLevel(int height, int width) {
    this.height = height;
    this.width = width;
    inverse = rows();
    mask = rows();
    runs = new int[height + 2][0];
    row = new float[width + 3];
    next = new float[width + 3];
  }

  /** A part of a row. */
  interface Part {
    void at(int y, int from, int to);
  }

  /** Zeros, one for each point and the margin. */
  final float[][] rows() {
    return new float[height + 2][width + 2];
  }

  /** Calls for each run of points, row by row. */
  final void each(Part part) {
    for (int y = 1; y <= height; y++) {
      row(y, part);
    }
  }

  /** Calls for each run of points of a row. */
  final void row(int y, Part part) {
    int[] ends = runs[y];
    for (int i = 0; i < ends.length; i += 2) {
      part.at(y, ends[i], ends[i + 1]);
    }
  }

  /** To be called for each row with the points' own coefficients; 0 where there is no point. */
  final void place(int y, float[] centre) {
    int[] ends = new int[2 + 2 * (width / GAP)];
    int count = 0;
    for (int k = 1; k <= width; k++) {
      if (centre[k] != 0) {
        inverse[y][k] = 1 / centre[k];
        mask[y][k] = 1;
        if (count == 0 || k - ends[count - 1] > GAP) {
          ends[count] = k;
          count += 2;
        }
        ends[count - 1] = k + 1;
      }
    }
    runs[y] = Arrays.copyOf(ends, count);
  }

  /** The coefficients of a row; of the margin too. Valid until the next but two is asked for. */
  abstract StencilRow stencil(int y);

  /** {@code out = b − A·x}. */
  abstract void residual(float[][] b, float[][] x, float[][] out);

  /** Whether the grid is small enough to be solved directly. */
  final boolean isCoarsest() {
    return height <= 4 && width <= 4;
  }

  /** {@code out = D⁻¹·b}, D the diagonal of A. */
  final void scale(float[][] b, float[][] out) {
    each((y, from, to) -> RowLoops.multiply(inverse[y], b[y], out[y], from, to));
  }

  /** {@code x += D⁻¹·r}. */
  final void relax(float[][] r, float[][] x) {
    each((y, from, to) -> RowLoops.addProduct(inverse[y], r[y], x[y], from, to));
  }

  /**
   * How much of an even fine point's value the coarse point before it gives: all, if it is last.
   */
  static float share(int even, int length) {
    return even == length ? 1 : 0.5f;
  }

  /** {@code b of the coarser grid = Pᵀ·r}. */
  final void restrict(float[][] r, GridLevel coarse, float[][] b) {
    for (int y = 1; y <= coarse.height; y++) {
      int i = 2 * y - 1;
      RowLoops.gather(r[i - 1], r[i], r[i + 1], share(i + 1, height), row, 1, width + 1);
      row[width + 1] = 0;
      // Where the coarse grid has no points the sums are zero, and stay so.
      float[] to = b[y];
      for (int k = 1; k < coarse.width; k++) {
        to[k] = row[2 * k - 1] + 0.5f * (row[2 * k - 2] + row[2 * k]);
      }
      int last = 2 * coarse.width;
      to[coarse.width] = row[last - 1] + 0.5f * row[last - 2] + share(last, width) * row[last];
    }
  }

  /** {@code x += P·e}, at points of this grid. */
  final void prolong(GridLevel coarse, float[][] e, float[][] x) {
    widen(e[1], coarse.width, row);
    float[] here = row;
    float[] after = next;
    for (int y = 1; y <= coarse.height; y++) {
      int i = 2 * y - 1;
      spread(i, 1, here, 0, here, x);
      if (y < coarse.height) {
        widen(e[y + 1], coarse.width, after);
        spread(i + 1, 0.5f, here, 0.5f, after, x);
      } else if (i < height) {
        spread(i + 1, 1, here, 0, here, x);
      }
      float[] swap = here;
      here = after;
      after = swap;
    }
  }

  private void spread(int y, float share, float[] here, float other, float[] after, float[][] x) {
    int[] ends = runs[y];
    for (int i = 0; i < ends.length; i += 2) {
      RowLoops.spread(mask[y], share, here, other, after, x[y], ends[i], ends[i + 1]);
    }
  }

  private static void widen(float[] e, int points, float[] row) {
    for (int k = 1; k < points; k++) {
      row[2 * k - 1] = e[k];
      row[2 * k] = 0.5f * (e[k] + e[k + 1]);
    }
    row[2 * points - 1] = e[points];
    row[2 * points] = e[points];
  }
}
