package org.ttame.eval.road;

import java.util.Arrays;

/**
 * Solves ROAD's system for one channel by conjugate gradients, preconditioned by a V-cycle of
 * multigrid. All in single precision: the residual is made of differences between neighbours, which
 * cost no digits, and is computed afresh from the values whenever three digits have been gained.
 */
final class ConjugateGradients {
  /** Iterations; the worst masks need about 12. */
  private static final int MOST = 100;

  /** What share of the error is left when the residual is computed afresh. */
  private static final double FRESH = 1e-3;

  private final MaskedGrid grid;
  private final Multigrid multigrid;
  private final float[][] r;
  private final float[][] p;
  private final float[][] q;

  /** Sums or maxima of columns, which the processor forms side by side. */
  private final float[] columns;

  ConjugateGradients(MaskedGrid grid) {
    this.grid = grid;
    multigrid = new Multigrid(grid);
    r = grid.rows();
    p = grid.rows();
    q = grid.rows();
    columns = new float[grid.width + 2];
  }

  /**
   * Solves.
   *
   * @param x values of all pixels, of the removed ones a guess; those are changed
   * @param tolerance what the estimate of the largest error, the preconditioned residual, is to
   *     fall below
   * @return how many iterations it took; −1 if a value is not finite or the iterations do not end
   */
  int solve(float[][] x, double tolerance) {
    grid.imbalance(x, r);
    double before = 1;
    double longest = 1;
    double fresh = Double.MAX_VALUE;
    for (int iteration = 0; iteration < MOST; iteration++) {
      float[][] z = multigrid.cycle(r);
      double error = largest(z);
      if (!Double.isFinite(error)) {
        return -1;
      }
      if (error * longest < tolerance) {
        grid.each((y, from, to) -> RowLoops.addScaled(1, z[y], x[y], from, to));
        return iteration + 1;
      }
      if (iteration == 0) {
        fresh = error;
      }
      double now = dot(r, z);
      float beta = iteration == 0 ? 0 : (float) (now / before);
      before = now;
      grid.each((y, from, to) -> RowLoops.scaleAndAdd(beta, z[y], p[y], from, to));
      grid.apply(p, q);
      float alpha = (float) (now / dot(p, q));
      longest = Math.max(longest, alpha);
      grid.each((y, from, to) -> RowLoops.step(alpha, p[y], x[y], q[y], r[y], from, to));
      if (error < FRESH * fresh) {
        fresh = error;
        grid.imbalance(x, r);
      }
    }
    return -1;
  }

  private double dot(float[][] a, float[][] b) {
    Arrays.fill(columns, 0);
    grid.each((y, from, to) -> RowLoops.addProduct(a[y], b[y], columns, from, to));
    double sum = 0;
    for (float value : columns) {
      sum += value;
    }
    return sum;
  }

  /** Not a number if a value is. */
  private double largest(float[][] a) {
    Arrays.fill(columns, 0);
    grid.each((y, from, to) -> RowLoops.largest(a[y], columns, from, to));
    float largest = 0;
    for (float value : columns) {
      largest = Math.max(largest, value);
    }
    return largest;
  }
}
