package org.ttame.eval.road;

import java.util.ArrayList;
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
}
