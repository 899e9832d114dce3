package org.ttame.eval.road;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One V-cycle of multigrid: a cheap, symmetric and positive approximation of a grid operator's
 * inverse, good for smooth and rough parts alike. A sweep of Jacobi's method before and one after
 * the coarser grid (for the eight-neighbour operator of ROAD it takes two thirds off every rough
 * part), the coarsest grid of at most 16 points by Cholesky's method.
 */
final class Multigrid {
  private final List<GridLevel> levels = new ArrayList<>();

  /** Of each coarser grid, the finest one's is given. */
  private final List<float[][]> rights = new ArrayList<>();

  private final List<float[][]> values = new ArrayList<>();

  /** What the sweep before the coarser grid leaves, then the values after the other sweep. */
  private final List<float[][]> results = new ArrayList<>();

  private final double[][] factor;

  /** Rows and columns of the coarsest grid's points. */
  private final List<int[]> points = new ArrayList<>();

  /** Prepares for a positive definite operator. */
  Multigrid(GridLevel finest) {
    GridLevel level = finest;
    add(level);
    while (!level.isCoarsest()) {
      level = new CoarseGrid(level);
      add(level);
    }
    for (int y = 1; y <= level.height; y++) {
      for (int x = 1; x <= level.width; x++) {
        if (level.mask[y][x] != 0) {
          points.add(new int[] {y, x});
        }
      }
    }
    factor = cholesky(dense(level, points));
  }

  private void add(GridLevel level) {
    rights.add(levels.isEmpty() ? null : level.rows());
    levels.add(level);
    values.add(level.rows());
    results.add(level.rows());
  }

  /** Where the first sweep's values go; always the same array. */
  float[][] swept() {
    return values.get(0);
  }

  /** What the last {@link #cycle} gave; always the same array. */
  float[][] result() {
    return results.get(0);
  }

  /**
   * Solves approximately; {@link #result} holds the values.
   *
   * @param b the right-hand side
   * @param sweep what makes {@link #swept} of b, as {@link GridLevel#sweep} does; b itself too, if
   *     it likes
   * @param after to be called for the result's rows, each just after it was written
   */
  void cycle(float[][] b, GridLevel.Part sweep, GridLevel.Part after) {
    cycle(0, b, sweep, after);
  }

  private void cycle(int depth, float[][] b, GridLevel.Part sweep, GridLevel.Part after) {
    GridLevel level = levels.get(depth);
    float[][] result = results.get(depth);
    if (depth == levels.size() - 1) {
      level.each(sweep);
      solve(b, result);
      level.each(after);
      return;
    }
    GridLevel coarse = levels.get(depth + 1);
    float[][] x = values.get(depth);
    float[][] rest = rights.get(depth + 1);
    level.down(sweep, x, result, coarse, rest);
    cycle(depth + 1, rest, coarse.sweep(rest, values.get(depth + 1)), GridLevel.NOTHING);
    level.up(coarse, results.get(depth + 1), b, x, result, after);
  }

  private void solve(float[][] b, float[][] x) {
    int n = points.size();
    double[] y = new double[n];
    for (int i = 0; i < n; i++) {
      double sum = b[points.get(i)[0]][points.get(i)[1]];
      for (int k = 0; k < i; k++) {
        sum -= factor[i][k] * y[k];
      }
      y[i] = sum / factor[i][i];
    }
    for (int i = n - 1; i >= 0; i--) {
      double sum = y[i];
      for (int k = i + 1; k < n; k++) {
        sum -= factor[k][i] * y[k];
      }
      y[i] = sum / factor[i][i];
      x[points.get(i)[0]][points.get(i)[1]] = (float) y[i];
    }
  }

  /** The operator as a matrix: its lower half. */
  private static double[][] dense(GridLevel level, List<int[]> points) {
    double[][] matrix = new double[points.size()][points.size()];
    for (int i = 0; i < matrix.length; i++) {
      for (int k = 0; k <= i; k++) {
        int[] from = points.get(k);
        StencilRow row = level.stencil(from[0]);
        int down = points.get(i)[0] - from[0];
        int across = points.get(i)[1] - from[1];
        float[] coefficients = null;
        if (down == 0) {
          coefficients = across == 0 ? row.centre : across == 1 ? row.right : null;
        } else if (down == 1 && Math.abs(across) <= 1) {
          coefficients = across < 0 ? row.belowLeft : across == 0 ? row.below : row.belowRight;
        }
        matrix[i][k] = coefficients == null ? 0 : coefficients[from[1]];
      }
    }
    return matrix;
  }

  /** The lower factor. Coefficients are floats, so what should be positive may miss by rounding. */
  private static double[][] cholesky(double[][] matrix) {
    int n = matrix.length;
    double[][] l = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int k = 0; k <= i; k++) {
        double sum = matrix[i][k];
        for (int j = 0; j < k; j++) {
          sum -= l[i][j] * l[k][j];
        }
        if (i == k) {
          l[i][i] = Math.sqrt(Math.max(sum, 1e-6 * matrix[i][i]));
        } else {
          l[i][k] = sum / l[k][k];
        }
      }
    }
    return l;
  }

  /**
   * A grid whose operator comes from a finer one, PᵀAP: first along columns, then along rows.
   *
   * <p>At the region's edge points share what little they stand for: if four have one pixel between
   * them, dividing by the diagonal would take off four times its error, and so make it three times
   * as large. So a sweep divides by {@value #SHARE} of the sum of the row's coefficients, each
   * without its sign: that takes off at most twice any error. Away from edges it is the diagonal.
   */
  private static final class CoarseGrid extends GridLevel {
    private static final float SHARE = 0.5f;

    private final StencilRow[] stencil;

    /** What a sweep multiplies by; 0 where there is no point. */
    private final float[][] weight;

    /** The points' own coefficients, less what a sweep divides by. */
    private final float[][] excess;

    /** Shifted values, scratch. */
    private final float[][] left;

    private final float[][] right;

    CoarseGrid(GridLevel fine) {
      super(fine.height / 2 + 1, fine.width / 2 + 1);
      weight = rows();
      left = rows();
      right = rows();
      excess = rows();
      stencil = new StencilRow[height + 3];
      StencilRow tall = new StencilRow(fine.width);
      float[] divisors = new float[width + 2];
      stencil[0] = new StencilRow(width);
      StencilRow before = fine.stencil(0);
      for (int y = 1; y <= height; y++) {
        StencilRow here = fine.stencil(2 * y - 1);
        StencilRow after = fine.stencil(2 * y);
        halveHeight(before, here, after, fine.width + 1, tall);
        stencil[y] = new StencilRow(width);
        halveWidth(tall, width, stencil[y]);
        stencil[y].mirror(stencil[y - 1]);
        sizes(stencil[y], stencil[y - 1], divisors, width + 1);
        RowLoops.difference(stencil[y].centre, divisors, excess[y], 1, width + 1);
        for (int x = 1; x <= width; x++) {
          boolean point = divisors[x] != 0;
          mask[y][x] = point ? 1 : 0;
          weight[y][x] = point ? 1 / divisors[x] : 0;
        }
        place(y);
        before = after;
      }
      stencil[height + 1] = stencil[0];
      stencil[height + 2] = stencil[0];
    }

    @Override
    StencilRow stencil(int y) {
      return stencil[y];
    }

    private static void sizes(StencilRow s, StencilRow previous, float[] sums, int to) {
      Arrays.fill(sums, 0);
      RowLoops.addSizes(SHARE, s.left, s.centre, s.right, sums, 1, to);
      RowLoops.addSizes(SHARE, s.aboveLeft, previous.below, s.aboveRight, sums, 1, to);
      RowLoops.addSizes(SHARE, s.belowLeft, s.below, s.belowRight, sums, 1, to);
    }

    private static void halveHeight(
        StencilRow before, StencilRow here, StencilRow after, int to, StencilRow half) {
      float[] sums = half.centre;
      RowLoops.combine(1, here.centre, 1, before.below, 1, here.below, sums, 1, to);
      RowLoops.addScaled(0.25f, before.centre, 0.25f, after.centre, sums, 1, to);
      sums = half.right;
      RowLoops.combine(1, here.right, 0.5f, before.belowRight, 0.5f, here.aboveRight, sums, 1, to);
      RowLoops.addScaled(0.5f, here.belowRight, 0.5f, after.aboveRight, sums, 1, to);
      RowLoops.addScaled(0.25f, before.right, 0.25f, after.right, sums, 1, to);
      RowLoops.combine(0.5f, here.below, 0.5f, after.below, 0.25f, after.centre, half.below, 1, to);
      RowLoops.combine(
          0.5f,
          here.belowRight,
          0.5f,
          after.belowRight,
          0.25f,
          after.right,
          half.belowRight,
          1,
          to);
      RowLoops.combine(
          0.5f, here.belowLeft, 0.5f, after.belowLeft, 0.25f, after.left, half.belowLeft, 1, to);
    }

    private static void halveWidth(StencilRow fine, int width, StencilRow half) {
      float[] centre = fine.centre;
      float[] right = fine.right;
      for (int k = 1; k <= width; k++) {
        int i = 2 * k - 1;
        half.centre[k] =
            centre[i] + right[i - 1] + right[i] + 0.25f * (centre[i - 1] + centre[i + 1]);
        half.right[k] = 0.5f * (right[i] + right[i + 1]) + 0.25f * centre[i + 1];
      }
      for (int k = 1; k <= width; k++) {
        int i = 2 * k - 1;
        half.below[k] =
            fine.below[i]
                + 0.5f * (fine.belowRight[i - 1] + fine.belowLeft[i])
                + 0.5f * (fine.belowRight[i] + fine.belowLeft[i + 1])
                + 0.25f * (fine.below[i - 1] + fine.below[i + 1]);
        half.belowRight[k] =
            0.5f * (fine.belowRight[i] + fine.belowRight[i + 1]) + 0.25f * fine.below[i + 1];
        half.belowLeft[k] =
            0.5f * (fine.belowLeft[i - 1] + fine.belowLeft[i]) + 0.25f * fine.below[i - 1];
      }
    }

    @Override
    Part sweep(float[][] b, float[][] x) {
      return (y, from, to) -> RowLoops.multiply(weight[y], b[y], x[y], from, to);
    }

    @Override
    void relax(int y, float[][] b, float[][] x, float[][] out, int from, int to) {
      rest(y, x, out, from, to);
      RowLoops.addAndMultiply(weight[y], b[y], out[y], from, to);
    }

    @Override
    void ready(int y, float[][] x, int from, int to) {
      RowLoops.shiftAll(x[y], left[y], right[y], from, to);
    }

    @Override
    void rest(int y, float[][] x, float[][] out, int from, int to) {
      StencilRow s = stencil[y];
      float[] above = stencil[y - 1].below;
      float[] r = out[y];
      RowLoops.negatedProducts(s.left, left[y], excess[y], x[y], s.right, right[y], r, from, to);
      RowLoops.subtractProducts(
          s.aboveLeft, left[y - 1], above, x[y - 1], s.aboveRight, right[y - 1], r, from, to);
      RowLoops.subtractProducts(
          s.belowLeft, left[y + 1], s.below, x[y + 1], s.belowRight, right[y + 1], r, from, to);
    }
  }
}
