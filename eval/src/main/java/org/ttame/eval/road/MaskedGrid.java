package org.ttame.eval.road;

/**
 * The operator of ROAD's system on the removed pixels: twelve times (D − W), so that all
 * coefficients are whole numbers, 2 for neighbours across an edge, 1 for diagonal ones, and on the
 * diagonal their sum over the neighbours inside the image, 12 but at the border.
 */
final class MaskedGrid extends GridLevel {
  /** Twelve over the sum of all weights. */
  static final int SCALE = 12;

  MaskedGrid(int height, int width, boolean[] removed) {
    super(height, width);
    for (int y = 0; y < height; y++) {
      // Neighbours above and below that are inside.
      int rows = (y > 0 ? 1 : 0) + (y + 1 < height ? 1 : 0);
      for (int x = 0; x < width; x++) {
        if (!removed[y * width + x]) {
          continue;
        }
        int i = at(y, x);
        int columns = (x > 0 ? 1 : 0) + (x + 1 < width ? 1 : 0);
        centre[i] = 2 * (rows + columns) + rows * columns;
        boolean more = x + 1 < width;
        right[i] = more && removed[y * width + x + 1] ? -2 : 0;
        if (y + 1 < height) {
          int under = (y + 1) * width + x;
          below[i] = removed[under] ? -2 : 0;
          belowLeft[i] = x > 0 && removed[under - 1] ? -1 : 0;
          belowRight[i] = more && removed[under + 1] ? -1 : 0;
        }
      }
    }
    invert();
  }

  /** Coefficients are known here: only the mask and the diagonal are read. */
  @Override
  void residual(float[] b, float[] x, float[] out, int from, int to) {
    int up = stride;
    for (int i = from; i < to; i++) {
      float edges = x[i - 1] + x[i + 1] + x[i - up] + x[i + up];
      float corners = x[i - up - 1] + x[i - up + 1] + x[i + up - 1] + x[i + up + 1];
      out[i] = mask[i] * (b[i] - centre[i] * x[i] + 2 * edges + corners);
    }
  }

  /** {@code out = A·x}. */
  void apply(float[] x, float[] out) {
    for (int y = 0; y < height; y++) {
      apply(x, out, first[y], end[y]);
    }
  }

  private void apply(float[] x, float[] out, int from, int to) {
    int up = stride;
    for (int i = from; i < to; i++) {
      float edges = x[i - 1] + x[i + 1] + x[i - up] + x[i + up];
      float corners = x[i - up - 1] + x[i - up + 1] + x[i + up - 1] + x[i + up + 1];
      out[i] = mask[i] * (centre[i] * x[i] - 2 * edges - corners);
    }
  }

  /**
   * {@code out = b − A·x} in double precision, rounded.
   *
   * @param x zero where there are no points
   */
  void residual(double[] b, double[] x, float[] out) {
    int up = stride;
    for (int y = 0; y < height; y++) {
      for (int i = first[y]; i < end[y]; i++) {
        double edges = x[i - 1] + x[i + 1] + x[i - up] + x[i + up];
        double corners = x[i - up - 1] + x[i - up + 1] + x[i + up - 1] + x[i + up + 1];
        out[i] = (float) (mask[i] * (b[i] - centre[i] * x[i] + 2 * edges + corners));
      }
    }
  }

  /**
   * What values elsewhere contribute to each point.
   *
   * @param u values where there are no points, zero where there are
   * @param out the sums, zero where there are no points
   */
  void contributions(double[] u, double[] out) {
    int up = stride;
    for (int y = 0; y < height; y++) {
      for (int i = first[y]; i < end[y]; i++) {
        double edges = u[i - 1] + u[i + 1] + u[i - up] + u[i + up];
        double corners = u[i - up - 1] + u[i - up + 1] + u[i + up - 1] + u[i + up + 1];
        out[i] = mask[i] * (2 * edges + corners);
      }
    }
  }
}
