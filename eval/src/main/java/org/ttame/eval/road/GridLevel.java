package org.ttame.eval.road;

/**
 * A symmetric operator on a grid that joins each point with its eight neighbours, and the way to a
 * grid of half the width and height.
 *
 * <p>Arrays have a margin of one point all around, which stays zero: point (y, x) is at {@code (y +
 * 1)·stride + x + 1}. A coarse point stands for the fine point of twice its row and column;
 * prolongation P is bilinear (a fine point beyond the last coarse one takes that one's value),
 * restriction its transpose, and the coarse operator PᵀAP (Galerkin), which is of the same kind. So
 * a V-cycle is symmetric and may precondition conjugate gradients, whatever the shape of the
 * region. Coefficients are floats: they precondition, they do not decide the result.
 */
class GridLevel {
  final int height;
  final int width;
  final int stride;

  /** Coefficient of the point itself; 0 where there is none. */
  final float[] centre;

  /** Of the neighbour to the right, and its of this one. */
  final float[] right;

  /** Of the neighbours below: to the left, straight, to the right. */
  final float[] belowLeft;

  final float[] below;
  final float[] belowRight;

  /** One over {@link #centre}; 0 where that is 0. */
  final float[] inverse;

  /** 1 where there is a point, else 0. */
  final float[] mask;

  /** Of each row where its first point lies; the margin's column if it has none. */
  final int[] first;

  /** Of each row the place after its last point. */
  final int[] end;

  GridLevel(int height, int width) {
    this.height = height;
    this.width = width;
    stride = width + 2;
    centre = array();
    right = array();
    belowLeft = array();
    below = array();
    belowRight = array();
    inverse = array();
    mask = array();
    first = new int[height];
    end = new int[height];
  }

  /** Zeros, one for each point and the margin. */
  float[] array() {
    return new float[(height + 2) * (width + 2)];
  }

  int at(int y, int x) {
    return (y + 1) * stride + x + 1;
  }

  /** To be called once the coefficients are set. */
  void invert() {
    for (int y = 0; y < height; y++) {
      int from = at(y, 0);
      first[y] = from;
      end[y] = from;
      for (int i = from; i < from + width; i++) {
        if (centre[i] != 0) {
          inverse[i] = 1 / centre[i];
          mask[i] = 1;
          first[y] = end[y] == from ? i : first[y];
          end[y] = i + 1;
        }
      }
    }
  }

  /** {@code out = b − A·x}. */
  final void residual(float[] b, float[] x, float[] out) {
    for (int y = 0; y < height; y++) {
      residual(b, x, out, first[y], end[y]);
    }
  }

  /** The same for a part of a row. */
  void residual(float[] b, float[] x, float[] out, int from, int to) {
    int up = stride;
    for (int i = from; i < to; i++) {
      float sum = centre[i] * x[i];
      sum += right[i] * x[i + 1] + right[i - 1] * x[i - 1];
      sum += below[i] * x[i + up] + below[i - up] * x[i - up];
      sum += belowRight[i] * x[i + up + 1] + belowRight[i - up - 1] * x[i - up - 1];
      sum += belowLeft[i] * x[i + up - 1] + belowLeft[i - up + 1] * x[i - up + 1];
      out[i] = b[i] - sum;
    }
  }

  /** {@code out = D⁻¹·b}, D the diagonal of A. */
  final void scale(float[] b, float[] out) {
    for (int y = 0; y < height; y++) {
      for (int i = first[y]; i < end[y]; i++) {
        out[i] = inverse[i] * b[i];
      }
    }
  }

  /** {@code x += D⁻¹·r}. */
  final void relax(float[] r, float[] x) {
    for (int y = 0; y < height; y++) {
      for (int i = first[y]; i < end[y]; i++) {
        x[i] += inverse[i] * r[i];
      }
    }
  }

  /** Whether the grid is small enough to be solved directly. */
  boolean isCoarsest() {
    return height <= 4 && width <= 4;
  }

  /** The coarse operator PᵀAP: first along rows, then along columns. */
  GridLevel coarser() {
    return halfHeight(halfWidth());
  }

  private GridLevel halfWidth() {
    GridLevel half = new GridLevel(height, (width + 1) / 2);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < half.width; x++) {
        int to = half.at(y, x);
        int i = at(y, 2 * x);
        int a = i - 1;
        int c = i + 1;
        float w = shareBeyond(2 * x + 1, width);
        float ww = w * w;
        half.centre[to] =
            centre[i] + right[a] + 2 * w * right[i] + 0.25f * centre[a] + ww * centre[c];
        half.below[to] =
            below[i]
                + 0.5f * (belowRight[a] + belowLeft[i])
                + w * (belowRight[i] + belowLeft[c])
                + 0.25f * below[a]
                + ww * below[c];
        if (x + 1 < half.width) {
          half.right[to] = 0.5f * (right[i] + right[c]) + 0.25f * centre[c];
          half.belowRight[to] = 0.5f * (belowRight[i] + belowRight[c]) + 0.25f * below[c];
        }
        if (x > 0) {
          half.belowLeft[to] = 0.5f * (belowLeft[a] + belowLeft[i]) + 0.25f * below[a];
        }
      }
    }
    return half;
  }

  private static GridLevel halfHeight(GridLevel fine) {
    GridLevel half = new GridLevel((fine.height + 1) / 2, fine.width);
    for (int y = 0; y < half.height; y++) {
      float w = shareBeyond(2 * y + 1, fine.height);
      halfHeight(fine, half, y, w, y + 1 < half.height);
    }
    half.invert();
    return half;
  }

  private static void halfHeight(GridLevel fine, GridLevel half, int y, float w, boolean more) {
    float[] centre = fine.centre;
    float[] right = fine.right;
    float[] left = fine.belowLeft;
    float[] below = fine.below;
    float[] ahead = fine.belowRight;
    int up = fine.stride;
    float ww = w * w;
    int from = half.at(y, 0);
    int shift = fine.at(2 * y, 0) - from;
    for (int to = from; to < from + half.width; to++) {
      int i = to + shift;
      int a = i - up;
      int c = i + up;
      half.centre[to] =
          centre[i] + below[a] + 2 * w * below[i] + 0.25f * centre[a] + ww * centre[c];
      half.right[to] =
          right[i]
              + 0.5f * (ahead[a] + left[a + 1])
              + w * (ahead[i] + left[i + 1])
              + 0.25f * right[a]
              + ww * right[c];
    }
    for (int to = from; more && to < from + half.width; to++) {
      int i = to + shift;
      int c = i + up;
      half.below[to] = 0.5f * (below[i] + below[c]) + 0.25f * centre[c];
      half.belowRight[to] = 0.5f * (ahead[i] + ahead[c]) + 0.25f * right[c];
      half.belowLeft[to] = 0.5f * (left[i] + left[c]) + 0.25f * right[c - 1];
    }
  }

  /** How much of an odd fine point's value the coarse point before it gives: all, if it is last. */
  private static float shareBeyond(int odd, int length) {
    return odd == length - 1 ? 1 : 0.5f;
  }

  /** {@code b of the coarser grid = Pᵀ·r}. */
  void restrict(float[] r, GridLevel coarse, float[] b, float[] row) {
    row[0] = 0;
    for (int y = 0; y < coarse.height; y++) {
      int i = at(2 * y, 0);
      float w = shareBeyond(2 * y + 1, height);
      for (int x = 0; x < width; x++) {
        row[x + 1] = r[i + x] + 0.5f * r[i + x - stride] + w * r[i + x + stride];
      }
      row[width + 1] = 0;
      int to = coarse.at(y, 0);
      // Where the coarse grid has no points the sums are zero, and stay so.
      for (int x = 0; x < coarse.width - 1; x++) {
        b[to + x] = row[2 * x + 1] + 0.5f * (row[2 * x] + row[2 * x + 2]);
      }
      int last = coarse.width - 1;
      b[to + last] =
          row[2 * last + 1]
              + 0.5f * row[2 * last]
              + shareBeyond(2 * last + 1, width) * row[2 * last + 2];
    }
  }

  /** {@code x += P·e}, at points of this grid. */
  void prolong(GridLevel coarse, float[] e, float[] x, float[] row, float[] next) {
    widen(coarse, e, 0, row);
    float[] here = row;
    float[] after = next;
    for (int y = 0; y < coarse.height; y++) {
      boolean more = y + 1 < coarse.height;
      int i = at(2 * y, 0);
      for (int k = 0; k < width; k++) {
        x[i + k] += mask[i + k] * here[k];
      }
      if (2 * y + 1 == height) {
        return;
      }
      if (more) {
        widen(coarse, e, y + 1, after);
      }
      float w = more ? 0.5f : 1;
      float other = more ? 0.5f : 0;
      int j = i + stride;
      for (int k = 0; k < width; k++) {
        x[j + k] += mask[j + k] * (w * here[k] + other * after[k]);
      }
      float[] swap = here;
      here = after;
      after = swap;
    }
  }

  private void widen(GridLevel coarse, float[] e, int y, float[] row) {
    int from = coarse.at(y, 0);
    for (int x = 0; x < coarse.width; x++) {
      row[2 * x] = e[from + x];
      if (2 * x + 1 < width) {
        row[2 * x + 1] =
            x + 1 < coarse.width ? 0.5f * (e[from + x] + e[from + x + 1]) : e[from + x];
      }
    }
  }
}
