package org.ttame.eval.road;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One V-cycle of multigrid: a cheap, symmetric approximation of a grid operator's inverse, good for
 * smooth and rough parts alike. A sweep of Jacobi's method before and one after the coarser grid
 * (for the eight-neighbour operator of ROAD it takes two thirds off every rough part), the coarsest
 * grid of at most 16 points by Cholesky's method.
 */
final class Multigrid {
  private final List<GridLevel> levels = new ArrayList<>();
  private final List<float[]> rights = new ArrayList<>();
  private final List<float[]> values = new ArrayList<>();
  private final List<float[]> residuals = new ArrayList<>();
  private final float[] row;
  private final float[] next;
  private final double[][] factor;
  private final int[] points;

  /**
   * Prepares.
   *
   * @param finest the operator; positive definite on the points that it has
   */
  Multigrid(GridLevel finest) {
    GridLevel level = finest;
    add(level);
    while (!level.isCoarsest()) {
      level = level.coarser();
      add(level);
    }
    row = new float[finest.width + 3];
    next = new float[finest.width + 3];
    GridLevel coarsest = level;
    points =
        java.util.stream.IntStream.range(0, coarsest.centre.length)
            .filter(i -> coarsest.centre[i] != 0)
            .toArray();
    factor = cholesky(dense(coarsest, points));
  }

  private void add(GridLevel level) {
    levels.add(level);
    rights.add(level.array());
    values.add(level.array());
    residuals.add(level.array());
  }

  /**
   * Solves approximately.
   *
   * @param b the right-hand side, zero where there are no points
   * @return the values; overwritten by the next call
   */
  float[] cycle(float[] b) {
    rights.set(0, b);
    cycle(0);
    return values.get(0);
  }

  private void cycle(int depth) {
    GridLevel level = levels.get(depth);
    float[] b = rights.get(depth);
    float[] x = values.get(depth);
    if (depth == levels.size() - 1) {
      solve(b, x);
      return;
    }
    float[] r = residuals.get(depth);
    level.scale(b, x);
    level.residual(b, x, r);
    level.restrict(r, levels.get(depth + 1), rights.get(depth + 1), row);
    cycle(depth + 1);
    level.prolong(levels.get(depth + 1), values.get(depth + 1), x, row, next);
    level.residual(b, x, r);
    level.relax(r, x);
  }

  private void solve(float[] b, float[] x) {
    int n = points.length;
    double[] y = new double[n];
    for (int i = 0; i < n; i++) {
      double sum = b[points[i]];
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
    }
    Arrays.fill(x, 0);
    for (int i = 0; i < n; i++) {
      x[points[i]] = (float) y[i];
    }
  }

  private static double[][] dense(GridLevel level, int[] points) {
    double[][] matrix = new double[points.length][points.length];
    for (int i = 0; i < points.length; i++) {
      for (int k = 0; k <= i; k++) {
        int from = points[k];
        int step = points[i] - from;
        double value = 0;
        if (step == 0) {
          value = level.centre[from];
        } else if (step == 1) {
          value = level.right[from];
        } else if (step == level.stride - 1) {
          value = level.belowLeft[from];
        } else if (step == level.stride) {
          value = level.below[from];
        } else if (step == level.stride + 1) {
          value = level.belowRight[from];
        }
        matrix[i][k] = value;
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
