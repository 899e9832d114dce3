package org.ttame.eval.road;

/**
 * ROAD's imputation written down as it is defined and solved without any art, in double precision:
 * (D − W)x = b over the removed pixels, by conjugate gradients to a residual of 1e-11.
 */
final class DirectImputation {
  private static final double EDGE = 1 / 6.0;
  private static final double DIAGONAL = 1 / 12.0;

  private final int side;
  private final boolean[] removed;

  DirectImputation(int side, boolean[] removed) {
    this.side = side;
    this.removed = removed;
  }

  /** All pixels of a channel, the removed ones imputed. */
  double[] solve(float[] image, int channels, int channel) {
    int n = removed.length;
    double[] known = new double[n];
    for (int i = 0; i < n; i++) {
      known[i] = removed[i] ? 0 : image[i * channels + channel];
    }
    // b − Ax for x = 0: what the kept neighbours give.
    double[] residual = apply(known);
    for (int i = 0; i < n; i++) {
      residual[i] = -residual[i];
    }
    double[] x = new double[n];
    double[] direction = residual.clone();
    double size = dot(residual, residual);
    while (Math.sqrt(size) > 1e-11) {
      double[] product = apply(direction);
      double step = size / dot(direction, product);
      for (int i = 0; i < n; i++) {
        x[i] += step * direction[i];
        residual[i] -= step * product[i];
      }
      double next = dot(residual, residual);
      for (int i = 0; i < n; i++) {
        direction[i] = residual[i] + next / size * direction[i];
      }
      size = next;
    }
    for (int i = 0; i < n; i++) {
      x[i] = removed[i] ? x[i] : known[i];
    }
    return x;
  }

  /** Rows of the removed pixels: the sum of a pixel's weights times it, less its neighbours. */
  private double[] apply(double[] x) {
    double[] result = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      if (!removed[i]) {
        continue;
      }
      int row = i / side;
      int column = i % side;
      for (int dy = -1; dy <= 1; dy++) {
        for (int dx = -1; dx <= 1; dx++) {
          boolean inside =
              row + dy >= 0 && row + dy < side && column + dx >= 0 && column + dx < side;
          if (inside && (dy != 0 || dx != 0)) {
            double weight = dy == 0 || dx == 0 ? EDGE : DIAGONAL;
            result[i] += weight * (x[i] - x[i + dy * side + dx]);
          }
        }
      }
    }
    return result;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }
}
