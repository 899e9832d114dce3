package org.ttame.eval.road;

/**
 * A symmetric operator A on a grid that joins each point with its eight neighbours, and the way to
 * a grid of half the width and height.
 *
 * <p>Values are kept row by row with a margin of one point above and left and of two below and
 * right, which stays zero: point (y, x) is {@code rows[y + 1][x + 1]}, and so y and x count from 1
 * in what follows. A coarse point (Y, X) stands for the fine point (2Y − 1, 2X − 1), or for that
 * place, if the region has no point there but one beside it; so a correction may fall to zero where
 * the region ends, at the image's border too. Prolongation P is bilinear, restriction its
 * transpose, and the coarse operator PᵀAP (Galerkin), which is of the same kind. So a V-cycle is
 * symmetric and may precondition conjugate gradients, whatever the shape of the region.
 * Coefficients are floats: they precondition, they do not decide the result.
 *
 * <p>A sweep of Jacobi's method is x = w·(b + N·x), with a weight w for each point and N = 1/w − A;
 * one that begins with x = 0 leaves the residual N·x. What belongs together is done row by row, so
 * that a row is still in the processor's nearest cache when it is wanted again.
 */
abstract class GridLevel {
  /** To be done where nothing is to be done. */
  static final Part NOTHING = (y, from, to) -> {};

  final int height;
  final int width;

  /** 1 where there is a point, else 0. */
  final float[][] mask;

  /** Of each row its first point and the one after its last. */
  private final int[] starts;

  private final int[] ends;

  private final float[] gathered;

  /** Two rows of the coarser grid, at this one's width. */
  private final float[][] wide;

  GridLevel(int height, int width) {
    this.height = height;
    this.width = width;
    mask = rows();
    starts = new int[height + 1];
    ends = new int[height + 1];
    gathered = new float[width + 3];
    wide = new float[2][width + 3];
  }

  /** A part of a row. */
  interface Part {
    void at(int y, int from, int to);
  }

  /** Zeros, one for each point and the margin. */
  final float[][] rows() {
    return new float[height + 3][width + 3];
  }

  /** Calls for each row that has points. */
  final void each(Part part) {
    for (int y = 1; y <= height; y++) {
      row(y, part);
    }
  }

  /**
   * Calls for the part of a row from its first point to its last; rows beyond the grid have none.
   * What lies between points comes along: that costs less than a loop for each stretch of points.
   */
  final void row(int y, Part part) {
    if (hasPoints(y)) {
      part.at(y, starts[y], ends[y]);
    }
  }

  private boolean hasPoints(int y) {
    return y > 0 && y <= height && ends[y] > 0;
  }

  /** Finds a row's first and last point; to be called once its {@link #mask} is known. */
  final void place(int y) {
    float[] points = mask[y];
    for (int k = width; k >= 1; k--) {
      if (points[k] != 0) {
        starts[y] = k;
        ends[y] = Math.max(ends[y], k + 1);
      }
    }
  }

  /** The coefficients of a row; of the margin too. Valid until the next but two is asked for. */
  abstract StencilRow stencil(int y);

  /** Readies a part of x's row y for {@link #rest}; the rows beside it are final. */
  abstract void ready(int y, float[][] x, int from, int to);

  /** {@code out = N·x} in a part of row y; it and the rows beside it are {@link #ready}. */
  abstract void rest(int y, float[][] x, float[][] out, int from, int to);

  /** {@code out = w·(b + N·x)}; as {@link #rest}. */
  abstract void relax(int y, float[][] b, float[][] x, float[][] out, int from, int to);

  /** A sweep that begins with zero, {@code x = w·b}. */
  abstract Part sweep(float[][] b, float[][] x);

  /** {@link #ready} for a row. */
  final void ready(int y, float[][] x) {
    if (hasPoints(y)) {
      ready(y, x, starts[y], ends[y]);
    }
  }

  /** Whether the grid is small enough to be solved directly. */
  final boolean isCoarsest() {
    return height <= 4 && width <= 4;
  }

  /**
   * The way down: a sweep from zero, {@code x = w·b}, and what it leaves to the coarser grid.
   *
   * @param sweep what makes x's rows, each just before it is read
   * @param x becomes the values
   * @param out becomes the residual
   * @param coarseB becomes the coarser grid's right-hand side, {@code Pᵀ·out}
   */
  final void down(Part sweep, float[][] x, float[][] out, GridLevel coarse, float[][] coarseB) {
    for (int y = 1; y <= height + 4; y++) {
      row(y, sweep);
      ready(y - 1, x);
      int done = y - 2;
      if (hasPoints(done)) {
        rest(done, x, out, starts[done], ends[done]);
      }
      if (done % 2 == 0) {
        restrict(out, coarse, done / 2, coarseB);
      }
    }
  }

  /**
   * The way up: adds the coarser grid's correction, {@code x += P·e}, and does a sweep.
   *
   * @param e the coarser grid's values
   * @param b the right-hand side
   * @param x the values; changed
   * @param out becomes the values after the sweep
   * @param after to be called for out's rows, each just after it was written
   */
  final void up(
      GridLevel coarse, float[][] e, float[][] b, float[][] x, float[][] out, Part after) {
    widen(coarse, e, 1);
    for (int y = 1; y <= height + 2; y++) {
      prolong(y, coarse, e, x);
      ready(y - 1, x);
      int done = y - 2;
      if (hasPoints(done)) {
        relax(done, b, x, out, starts[done], ends[done]);
        after.at(done, starts[done], ends[done]);
      }
    }
  }

  /** A row of {@code Pᵀ·r}. */
  private void restrict(float[][] r, GridLevel coarse, int y, float[][] b) {
    if (!coarse.hasPoints(y)) {
      return;
    }
    int from = coarse.starts[y];
    int to = coarse.ends[y];
    int fine = 2 * y - 1;
    RowLoops.gather(r[fine - 1], r[fine], r[fine + 1], gathered, 2 * from - 2, 2 * to - 1);
    float[] sums = b[y];
    for (int k = from; k < to; k++) {
      sums[k] = gathered[2 * k - 1] + 0.5f * (gathered[2 * k - 2] + gathered[2 * k]);
    }
  }

  /** Adds a row of {@code P·e} to x, at points of this grid. */
  private void prolong(int y, GridLevel coarse, float[][] e, float[][] x) {
    int before = (y + 1) / 2;
    float[] here = wide[before & 1];
    float[] after = wide[(before + 1) & 1];
    boolean between = y % 2 == 0;
    if (between) {
      widen(coarse, e, before + 1);
    }
    if (hasPoints(y) && between) {
      RowLoops.addProductOfMean(mask[y], here, after, x[y], starts[y], ends[y]);
    } else if (hasPoints(y)) {
      RowLoops.addProduct(mask[y], here, x[y], starts[y], ends[y]);
    }
  }

  /** Interpolates along a coarse row. Where it has no points this grid has none that would ask. */
  private void widen(GridLevel coarse, float[][] e, int y) {
    if (coarse.hasPoints(y)) {
      float[] values = e[y];
      float[] row = wide[y & 1];
      int to = coarse.ends[y];
      for (int k = coarse.starts[y]; k < to; k++) {
        row[2 * k - 1] = values[k];
        row[2 * k] = 0.5f * (values[k] + values[k + 1]);
      }
    }
  }
}
