package org.ttame.eval.road;

/**
 * Loops over parts of rows, {@code from} included, {@code to} not. In each loop every array is read
 * and written at the same index, and nowhere else: HotSpot's compiler then takes eight or sixteen
 * points at a time. With a neighbour's index ({@code x[k + 1]}, or a row's start added) it does
 * not, since it cannot rule out that two of the arrays are one; three times slower. Where a
 * neighbour in the same row is needed, {@link #shift} copies the row to where the neighbours stand.
 */
final class RowLoops {
  private RowLoops() {}

  /** {@code left[k] = x[k − 1]} and {@code right[k] = x[k + 1]}. */
  static void shift(float[] x, float[] left, float[] right, int from, int to) {
    System.arraycopy(x, from - 1, left, from, to - from);
    System.arraycopy(x, from + 1, right, from, to - from);
  }

  /** The same for every neighbour that x has: one point more at either end. */
  static void shiftAll(float[] x, float[] left, float[] right, int from, int to) {
    System.arraycopy(x, from, left, from + 1, to - from);
    System.arraycopy(x, from, right, from - 1, to - from);
  }

  /** {@code out = a·x}. */
  static void multiply(float[] a, float[] x, float[] out, int from, int to) {
    for (int k = from; k < to; k++) {
      out[k] = a[k] * x[k];
    }
  }

  /** {@code out = factor·a·x}. */
  static void product(float factor, float[] a, float[] x, float[] out, int from, int to) {
    for (int k = from; k < to; k++) {
      out[k] = factor * (a[k] * x[k]);
    }
  }

  /** {@code x = b − x}. */
  static void subtractFrom(float[] b, float[] x, int from, int to) {
    for (int k = from; k < to; k++) {
      x[k] = b[k] - x[k];
    }
  }

  /** {@code out += a·x}. */
  static void addProduct(float[] a, float[] x, float[] out, int from, int to) {
    for (int k = from; k < to; k++) {
      out[k] += a[k] * x[k];
    }
  }

  /** {@code out −= a·x + b·y + c·z}. */
  static void subtractProducts(
      float[] a,
      float[] x,
      float[] b,
      float[] y,
      float[] c,
      float[] z,
      float[] out,
      int from,
      int to) {
    for (int k = from; k < to; k++) {
      out[k] -= a[k] * x[k] + b[k] * y[k] + c[k] * z[k];
    }
  }

  /** {@code out += factor·x}. */
  static void addScaled(float factor, float[] x, float[] out, int from, int to) {
    for (int k = from; k < to; k++) {
      out[k] += factor * x[k];
    }
  }

  /** {@code out = x + factor·out}. */
  static void scaleAndAdd(float factor, float[] x, float[] out, int from, int to) {
    for (int k = from; k < to; k++) {
      out[k] = x[k] + factor * out[k];
    }
  }

  /** {@code x += factor·p, r −= factor·q}. */
  static void step(float factor, float[] p, float[] x, float[] q, float[] r, int from, int to) {
    for (int k = from; k < to; k++) {
      x[k] += factor * p[k];
      r[k] -= factor * q[k];
    }
  }

  /** {@code largest = max(largest, |x|)}; not a number if a value is. */
  static void largest(float[] x, float[] largest, int from, int to) {
    for (int k = from; k < to; k++) {
      largest[k] = Math.max(largest[k], Math.abs(x[k]));
    }
  }

  /** {@code out = here + ½·before + share·after}. */
  static void gather(
      float[] before, float[] here, float[] after, float share, float[] out, int from, int to) {
    for (int k = from; k < to; k++) {
      out[k] = here[k] + 0.5f * before[k] + share * after[k];
    }
  }

  /** {@code out += mask·(share·here + other·after)}. */
  static void spread(
      float[] mask,
      float share,
      float[] here,
      float other,
      float[] after,
      float[] out,
      int from,
      int to) {
    for (int k = from; k < to; k++) {
      out[k] += mask[k] * (share * here[k] + other * after[k]);
    }
  }

  /** {@code out = 2·here + above + below}. */
  static void column(float[] above, float[] here, float[] below, float[] out, int from, int to) {
    for (int k = from; k < to; k++) {
      out[k] = 2 * here[k] + (above[k] + below[k]);
    }
  }

  /**
   * ROAD's operator: {@code out = mask·(diagonal·here − 2·column − (left + right))}.
   *
   * @param diagonal the point's own coefficient, and the four that {@code column} takes off
   * @param column {@link #column}
   * @param left the left neighbours' {@link #column}
   * @param right the right neighbours'
   */
  static void operator(
      float[] mask,
      float[] diagonal,
      float[] here,
      float[] column,
      float[] left,
      float[] right,
      float[] out,
      int from,
      int to) {
    for (int k = from; k < to; k++) {
      out[k] = mask[k] * (diagonal[k] * here[k] - 2 * column[k] - (left[k] + right[k]));
    }
  }

  /** {@code out = up·(above − here) + down·(below − here)}: exact but for one rounding. */
  static void differences(
      float up,
      float[] above,
      float[] here,
      float down,
      float[] below,
      float[] out,
      int from,
      int to) {
    for (int k = from; k < to; k++) {
      out[k] = up * (above[k] - here[k]) + down * (below[k] - here[k]);
    }
  }

  /** {@code out = weight·((left − here) + (right − here))}: as {@link #differences}. */
  static void sides(
      float weight, float[] left, float[] here, float[] right, float[] out, int from, int to) {
    for (int k = from; k < to; k++) {
      out[k] = weight * ((left[k] - here[k]) + (right[k] - here[k]));
    }
  }

  /** {@code out = mask·(out + 2·column + (left + right))}. */
  static void balance(
      float[] mask, float[] column, float[] left, float[] right, float[] out, int from, int to) {
    for (int k = from; k < to; k++) {
      out[k] = mask[k] * (out[k] + 2 * column[k] + (left[k] + right[k]));
    }
  }
}
