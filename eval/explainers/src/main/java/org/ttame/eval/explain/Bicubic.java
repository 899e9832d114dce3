package org.ttame.eval.explain;

/**
 * Bicubic upsampling with half-pixel centres: PyTorch's {@code interpolate(mode="bicubic",
 * align_corners=False)}, Keys' kernel with a = −0.75, edge pixels repeated.
 */
final class Bicubic {
  private static final double A = -0.75;

  private Bicubic() {}

  /**
   * Upsamples a map of h·w values, row by row, to H·W; they may lie a little beyond its smallest
   * and largest.
   */
  static float[] upsample(double[] map, int height, int width, int rows, int columns) {
    double[] lines = new double[height * columns];
    for (int x = 0; x < columns; x++) {
      double[] taps = taps(width, columns, x);
      int from = (int) taps[4];
      for (int y = 0; y < height; y++) {
        double sum = 0;
        for (int t = 0; t < 4; t++) {
          sum += taps[t] * map[y * width + clamp(from + t, width)];
        }
        lines[y * columns + x] = sum;
      }
    }
    float[] large = new float[rows * columns];
    for (int y = 0; y < rows; y++) {
      double[] taps = taps(height, rows, y);
      int from = (int) taps[4];
      for (int x = 0; x < columns; x++) {
        double sum = 0;
        for (int t = 0; t < 4; t++) {
          sum += taps[t] * lines[clamp(from + t, height) * columns + x];
        }
        large[y * columns + x] = (float) sum;
      }
    }
    return large;
  }

  /** Four weights, then where the first of them lies. */
  private static double[] taps(int from, int to, int place) {
    double centre = (place + 0.5) * from / to - 0.5;
    double floor = Math.floor(centre);
    double t = centre - floor;
    return new double[] {far(1 + t), near(t), near(1 - t), far(2 - t), floor - 1};
  }

  /** The kernel at distances up to one. */
  private static double near(double d) {
    return ((A + 2) * d - (A + 3)) * d * d + 1;
  }

  /** And from one to two. */
  private static double far(double d) {
    return ((A * d - 5 * A) * d + 8 * A) * d - 4 * A;
  }

  private static int clamp(int place, int size) {
    return Math.min(Math.max(place, 0), size - 1);
  }
}
