package org.ttame.eval.road;

/**
 * The operator of ROAD's system on the removed pixels: twelve times (D − W), so that all
 * coefficients are whole numbers, 2 for neighbours across an edge, 1 for diagonal ones, and on the
 * diagonal their sum over the neighbours inside the image, 12 but at the border. That is as if each
 * neighbour that is missing there had the pixel's own value, and so it is computed. A sweep divides
 * by twelve.
 */
final class MaskedGrid extends GridLevel {
  /** What a sweep multiplies by. */
  static final float WEIGHT = 1 / 12f;

  /** The last three rows of coefficients. */
  private final StencilRow[] stencil = new StencilRow[3];

  /** Of the last two rows that were readied. */
  private final float[][] columns;

  /** Scratch rows. */
  private final float[] column;

  private final float[] left;
  private final float[] right;
  private final float[] columnLeft;
  private final float[] columnRight;

  MaskedGrid(int height, int width, boolean[] removed) {
    super(height, width);
    for (int y = 1; y <= height; y++) {
      float[] points = mask[y];
      int before = (y - 1) * width - 1;
      for (int x = 1; x <= width; x++) {
        points[x] = removed[before + x] ? 1 : 0;
      }
      place(y);
    }
    for (int i = 0; i < 3; i++) {
      stencil[i] = new StencilRow(width);
    }
    columns = new float[2][width + 2];
    column = new float[width + 2];
    left = new float[width + 2];
    right = new float[width + 2];
    columnLeft = new float[width + 2];
    columnRight = new float[width + 2];
  }

  @Override
  StencilRow stencil(int y) {
    StencilRow row = stencil[y % 3];
    float[] here = mask[y];
    float[] below = mask[Math.min(y + 1, height + 2)];
    float[] above = mask[Math.max(y - 1, 0)];
    int to = width + 1;
    int rows = 2 - missing(y);
    RowLoops.product(4 * rows + 4, here, here, row.centre, 1, to);
    for (int x = 1; x < to; x += Math.max(1, width - 1)) {
      int beside = (x > 1 ? 1 : 0) + (x < width ? 1 : 0);
      row.centre[x] = here[x] * (2 * (rows + beside) + rows * beside);
    }
    RowLoops.product(-2, here, below, row.below, 1, to);
    RowLoops.shift(here, left, right, 1, to);
    RowLoops.product(-2, here, left, row.left, 1, to);
    RowLoops.product(-2, here, right, row.right, 1, to);
    RowLoops.shift(below, left, right, 1, to);
    RowLoops.product(-1, here, left, row.belowLeft, 1, to);
    RowLoops.product(-1, here, right, row.belowRight, 1, to);
    RowLoops.shift(above, left, right, 1, to);
    RowLoops.product(-1, here, right, row.aboveRight, 1, to);
    return row;
  }

  @Override
  Part sweep(float[][] b, float[][] x) {
    return (y, from, to) -> RowLoops.product(WEIGHT, mask[y], b[y], x[y], from, to);
  }

  @Override
  void ready(int y, float[][] x, int from, int to) {
    RowLoops.column(x[y - 1], x[y], x[y + 1], columns[y & 1], from - 1, to + 1);
  }

  /** Copies the sums over columns of row y to where the neighbours stand. */
  private float[] beside(int y, float[] here, int from, int to) {
    float[] sums = columns[y & 1];
    RowLoops.shift(sums, left, right, from, to);
    if (from == 1) {
      left[1] = (4 - missing(y)) * here[1];
    }
    if (to == width + 1) {
      right[width] = (4 - missing(y)) * here[width];
    }
    return sums;
  }

  /** How many of the rows above and below are outside the image. */
  private int missing(int y) {
    return (y == 1 ? 1 : 0) + (y == height ? 1 : 0);
  }

  /** How often a point of row y stands for missing neighbours, less what columns count of it. */
  private float own(int y) {
    return 4 * missing(y) - 4;
  }

  @Override
  void rest(int y, float[][] x, float[][] out, int from, int to) {
    float[] sums = beside(y, x[y], from, to);
    RowLoops.neighbours(own(y), mask[y], x[y], sums, left, right, out[y], from, to);
  }

  @Override
  void relax(int y, float[][] b, float[][] x, float[][] out, int from, int to) {
    float[] sums = beside(y, x[y], from, to);
    RowLoops.relax(WEIGHT, mask[y], b[y], own(y), x[y], sums, left, right, out[y], from, to);
  }

  /**
   * {@code out = A·x} at points; between them there are values without a meaning. {@code before}
   * makes x's rows, each just before it is read; to {@code products} each column's products of x
   * and out are added.
   */
  void apply(float[][] x, Part before, float[][] out, float[] products) {
    Part operator =
        (y, from, to) -> {
          float[] sums = beside(y, x[y], from, to);
          RowLoops.operator(12 - own(y), x[y], sums, left, right, out[y], products, from, to);
        };
    for (int y = 1; y <= height + 2; y++) {
      row(y, before);
      ready(y - 1, x);
      row(y - 2, operator);
    }
  }

  /**
   * What is left of the equations: the residual of all pixels' values, zero where nothing is
   * removed.
   */
  void imbalance(float[][] values, float[][] out) {
    each(
        (y, from, to) -> {
          float up = y > 1 ? 1 : 0;
          float down = y < height ? 1 : 0;
          float[] here = values[y];
          RowLoops.differences(
              up, values[y - 1], here, down, values[y + 1], column, from - 1, to + 1);
          RowLoops.shift(here, left, right, from, to);
          RowLoops.shift(column, columnLeft, columnRight, from, to);
          if (from == 1) {
            left[1] = here[1];
            columnLeft[1] = 0;
          }
          if (to == width + 1) {
            right[width] = here[width];
            columnRight[width] = 0;
          }
          RowLoops.sides(2 + up + down, left, here, right, out[y], from, to);
          RowLoops.balance(mask[y], column, columnLeft, columnRight, out[y], from, to);
        });
  }
}
