package org.ttame.eval.road;

/**
 * Loops over parts of rows, {@code from} included, {@code to} not. In each loop every array is read
 * and written at the same index, and nowhere else: HotSpot's compiler then takes eight or sixteen
 * points at a time. With a neighbour's index ({@code x[k + 1]}, or a row's start added) it does
 * not, since it cannot rule out that two of the arrays are one; three times slower. Nor does it
 * where there are more than seven arrays. Where a neighbour in the same row is needed, {@link
 * #shift} copies the row to where the neighbours stand.
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

  /** {@code out = a − b}. */
  static void difference(float[] a, float[] b, float[] out, int from, int to) {
    for (int k = from; k < to; k++) {
      out[k] = a[k] - b[k];
    }
  }

  /** {@code x = a·(b + x)}. */
  static void addAndMultiply(float[] a, float[] b, float[] x, int from, int to) {
    for (int k = from; k < to; k++) {
      x[k] = a[k] * (b[k] + x[k]);
    }
  }

  /** {@code out += a·x}. */
  static void addProduct(float[] a, float[] x, float[] out, int from, int to) {
    for (int k = from; k < to; k++) {
      out[k] += a[k] * x[k];
    }
  }

  /** {@code out += a·(x + y)/2}. */
  static void addProductOfMean(float[] a, float[] x, float[] y, float[] out, int from, int to) {
    for (int k = from; k < to; k++) {
      out[k] += a[k] * (0.5f * (x[k] + y[k]));
    }
  }

  /** {@code out = −(a·x + b·y + c·z)}. */
  static void negatedProducts(
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
      out[k] = -(a[k] * x[k] + b[k] * y[k] + c[k] * z[k]);
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

  /** {@code out += a·x + b·y}. */
  static void addScaled(float a, float[] x, float b, float[] y, float[] out, int from, int to) {
    for (int k = from; k < to; k++) {
      out[k] += a * x[k] + b * y[k];
    }
  }

  /** {@code out = a·x + b·y + c·z}. */
  static void combine(
      float a, float[] x, float b, float[] y, float c, float[] z, float[] out, int from, int to) {
    for (int k = from; k < to; k++) {
      out[k] = a * x[k] + b * y[k] + c * z[k];
    }
  }

  /** {@code out += factor·(|a| + |b| + |c|)}. */
  static void addSizes(
      float factor, float[] a, float[] b, float[] c, float[] out, int from, int to) {
    for (int k = from; k < to; k++) {
      out[k] += factor * (Math.abs(a[k]) + Math.abs(b[k]) + Math.abs(c[k]));
    }
  }

  /** {@code out = x + factor·out}. */
  static void scaleAndAdd(float factor, float[] x, float[] out, int from, int to) {
    for (int k = from; k < to; k++) {
      out[k] = x[k] + factor * out[k];
    }
  }

  /** {@code x += factor·p, r −= factor·q}, and {@code z} = {@link MaskedGrid#WEIGHT}·mask·r. */
  static void step(
      float factor,
      float[] p,
      float[] x,
      float[] q,
      float[] r,
      float[] mask,
      float[] z,
      int from,
      int to) {
    for (int k = from; k < to; k++) {
      x[k] += factor * p[k];
      float rest = r[k] - factor * q[k];
      r[k] = rest;
      z[k] = MaskedGrid.WEIGHT * (mask[k] * rest);
    }
  }

  /** {@code products += r·z, largest = max(largest, |z|)}; not a number if a value is. */
  static void measure(float[] r, float[] z, float[] products, float[] largest, int from, int to) {
    for (int k = from; k < to; k++) {
      products[k] += r[k] * z[k];
      largest[k] = Math.max(largest[k], Math.abs(z[k]));
    }
  }

  /** {@code out = here + (before + after)/2}. */
  static void gather(float[] before, float[] here, float[] after, float[] out, int from, int to) {
    for (int k = from; k < to; k++) {
      out[k] = here[k] + 0.5f * (before[k] + after[k]);
    }
  }

  /** {@code out = 2·here + above + below}. */
  static void column(float[] above, float[] here, float[] below, float[] out, int from, int to) {
    for (int k = from; k < to; k++) {
      out[k] = 2 * here[k] + (above[k] + below[k]);
    }
  }

  /**
   * ROAD's neighbours: {@code out = mask·(2·column + (left + right) + own·here)}.
   *
   * @param own how often the point itself is to be added to what {@link #column} has of it
   * @param left the left neighbours' {@link #column}
   * @param right the right neighbours'
   */
  static void neighbours(
      float own,
      float[] mask,
      float[] here,
      float[] column,
      float[] left,
      float[] right,
      float[] out,
      int from,
      int to) {
    for (int k = from; k < to; k++) {
      out[k] = mask[k] * (2 * column[k] + (left[k] + right[k]) + own * here[k]);
    }
  }

  /** A sweep of Jacobi's method, {@code out = factor·mask·(b + }{@link #neighbours}{@code )}. */
  static void relax(
      float factor,
      float[] mask,
      float[] b,
      float own,
      float[] here,
      float[] column,
      float[] left,
      float[] right,
      float[] out,
      int from,
      int to) {
    for (int k = from; k < to; k++) {
      float sum = 2 * column[k] + (left[k] + right[k]) + own * here[k];
      out[k] = factor * (mask[k] * (b[k] + sum));
    }
  }

  /**
   * ROAD's operator: {@code out = own·here − (2·column + (left + right))}, and {@code products +=
   * here·out}.
   */
  static void operator(
      float own,
      float[] here,
      float[] column,
      float[] left,
      float[] right,
      float[] out,
      float[] products,
      int from,
      int to) {
    for (int k = from; k < to; k++) {
      float value = own * here[k] - 2 * column[k] - (left[k] + right[k]);
      out[k] = value;
      products[k] += here[k] * value;
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
