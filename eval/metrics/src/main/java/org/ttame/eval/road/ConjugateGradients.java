package org.ttame.eval.road;

import java.util.Arrays;

/**
 * Solves ROAD's system for one channel by conjugate gradients, preconditioned by a V-cycle of
 * multigrid. All in single precision: the residual is made of differences between neighbours, which
 * cost no digits, and is computed afresh from the values whenever three digits have been gained.
 */
final class ConjugateGradients {
  /** Iterations; masks need about ten at most. */
  private static final int MOST = 100;

  /** What share of the error is left when the residual is computed afresh. */
  private static final double FRESH = 1e-3;

  private final MaskedGrid grid;
  private final Multigrid multigrid;
  private final float[][] r;
  private final float[][] p;
  private final float[][] q;

  /** Sums of columns, which the processor forms side by side. */
  private final float[] products;

  /** Maxima of columns. */
  private final float[] largest;

  ConjugateGradients(MaskedGrid grid) {
    this.grid = grid;
    multigrid = new Multigrid(grid);
    r = grid.rows();
    p = grid.rows();
    q = grid.rows();
    products = new float[grid.width + 2];
    largest = new float[grid.width + 2];
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
    float[][] z = multigrid.result();
    GridLevel.Part measure =
        (y, from, to) -> RowLoops.measure(r[y], z[y], products, largest, from, to);
    float[][] swept = multigrid.swept();
    GridLevel.Part sweep = grid.sweep(r, swept);
    GridLevel.Part step = sweep;
    grid.imbalance(x, r);
    double before = 1;
    double longest = 1;
    double fresh = Double.MAX_VALUE;
    for (int iteration = 0; iteration < MOST; iteration++) {
      Arrays.fill(products, 0);
      Arrays.fill(largest, 0);
      multigrid.cycle(r, step, measure);
      double error = maximum();
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
      double now = sum();
      float beta = iteration == 0 ? 0 : (float) (now / before);
      before = now;
      Arrays.fill(products, 0);
      grid.apply(p, (y, from, to) -> RowLoops.scaleAndAdd(beta, z[y], p[y], from, to), q, products);
      float alpha = (float) (now / sum());
      longest = Math.max(longest, alpha);
      step =
          (y, from, to) ->
              RowLoops.step(alpha, p[y], x[y], q[y], r[y], grid.mask[y], swept[y], from, to);
      if (error < FRESH * fresh) {
        fresh = error;
        grid.each(step);
        step = sweep;
        grid.imbalance(x, r);
      }
    }
    return -1;
  }

  private double sum() {
    double sum = 0;
    for (float value : products) {
      sum += value;
    }
    return sum;
  }

  /** Not a number if a value is. */
  private double maximum() {
    float maximum = 0;
    for (float value : largest) {
      maximum = Math.max(maximum, value);
    }
    return maximum;
  }
}
