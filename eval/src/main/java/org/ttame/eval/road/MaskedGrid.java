package org.ttame.eval.road;

/**
 * The operator of ROAD's system on the removed pixels: twelve times (D − W), so that all
 * coefficients are whole numbers, 2 for neighbours across an edge, 1 for diagonal ones, and on the
 * diagonal their sum over the neighbours inside the image, 12 but at the border.
 */
final class MaskedGrid extends GridLevel {
  private final float[][] centre;
  private final float[][] diagonal;

  /** The last three rows of coefficients. */
  private final StencilRow[] stencil = new StencilRow[3];

  /** Scratch rows. */
  private final float[] column;

  private final float[][] columns;

  private final float[] left;
  private final float[] right;
  private final float[] columnLeft;
  private final float[] columnRight;

  MaskedGrid(int height, int width, boolean[] removed) {
    super(height, width);
    centre = rows();
    diagonal = rows();
    for (int y = 1; y <= height; y++) {
      // Neighbours above and below that are inside.
      int rows = (y > 1 ? 1 : 0) + (y < height ? 1 : 0);
      for (int x = 1; x <= width; x++) {
        if (removed[(y - 1) * width + x - 1]) {
          int columns = (x > 1 ? 1 : 0) + (x < width ? 1 : 0);
          centre[y][x] = 2 * (rows + columns) + rows * columns;
        }
      }
      place(y, centre[y]);
      for (int x = 1; x <= width; x++) {
        diagonal[y][x] = centre[y][x] + 4;
      }
    }
    for (int i = 0; i < 3; i++) {
      stencil[i] = new StencilRow(width);
    }
    column = new float[width + 2];
    columns = new float[2][width + 2];
    left = new float[width + 2];
    right = new float[width + 2];
    columnLeft = new float[width + 2];
    columnRight = new float[width + 2];
  }

  @Override
  StencilRow stencil(int y) {
    StencilRow row = stencil[y % 3];
    float[] here = mask[y];
    float[] below = mask[Math.min(y + 1, height + 1)];
    float[] above = mask[Math.max(y - 1, 0)];
    System.arraycopy(centre[y], 0, row.centre, 0, width + 2);
    int to = width + 1;
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
  void residual(float[][] b, float[][] x, float[][] out) {
    apply(x, out);
    each((y, from, to) -> RowLoops.subtractFrom(b[y], out[y], from, to));
  }

  /** {@code out = A·x}. */
  void apply(float[][] x, float[][] out) {
    Part sums = (y, from, to) -> sum(y, x, from, to);
    Part finish = (y, from, to) -> finish(y, x, out, from, to);
    row(1, sums);
    for (int y = 1; y <= height; y++) {
      row(y + 1, sums);
      row(y, finish);
    }
  }

  private void sum(int y, float[][] x, int from, int to) {
    RowLoops.column(x[y - 1], x[y], x[y + 1], columns[y & 1], from - 1, to + 1);
  }

  private void finish(int y, float[][] x, float[][] out, int from, int to) {
    RowLoops.shift(columns[y & 1], left, right, from, to);
    RowLoops.operator(mask[y], diagonal[y], x[y], columns[y & 1], left, right, out[y], from, to);
  }

  /**
   * What is left of the equations.
   *
   * @param values of all pixels, removed or not
   * @param out the residual, zero where nothing is removed
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
