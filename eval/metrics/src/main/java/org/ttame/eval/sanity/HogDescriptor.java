package org.ttame.eval.sanity;

import org.ttame.core.Text;
import org.ttame.core.image.ImageSize;

/**
 * Histograms of oriented gradients (Dalal and Triggs, 2005) of a map, and how two maps' correlate:
 * whether they have the same edges.
 *
 * <p>Central differences, nine unsigned orientations without interpolation, blocks of 3×3 cells,
 * each normalised to length 1, cut at 0.2 and normalised again: what scikit-image computes.
 */
public final class HogDescriptor {
  private static final int ORIENTATIONS = 9;
  private static final int BLOCK = 3;
  private static final double EPSILON = 1e-5;
  private static final double CUT = 0.2;

  /** A map is about so many cells wide: 16 pixels each at side 224, as in Adebayo et al. */
  private static final int CELLS = 14;

  private HogDescriptor() {}

  /**
   * The width of a cell for maps of a size: an even number, so that cells tile the map.
   *
   * @param size H and W; the smaller of them counts
   * @return pixels, at least 2
   */
  public static int cell(ImageSize size) {
    return Math.max(2, 2 * Math.round(Math.min(size.height(), size.width()) / (2f * CELLS)));
  }

  /**
   * Describes a map.
   *
   * @param map H·W values, row by row
   * @param size H and W, each at least three cells
   * @return the descriptor
   */
  public static double[] of(float[] map, ImageSize size) {
    int cell = cell(size);
    int cells = size.width() / cell;
    int rows = size.height() / cell;
    if (map.length != size.pixels() || Math.min(cells, rows) < BLOCK) {
      throw new IllegalArgumentException(
          Text.format(
              "A descriptor needs a map of three cells or more each way, got %d values for %s",
              map.length, size));
    }
    double[] histograms = histograms(map, size, cell);
    int blocks = cells - BLOCK + 1;
    int down = rows - BLOCK + 1;
    double[] descriptor = new double[down * blocks * BLOCK * BLOCK * ORIENTATIONS];
    int at = 0;
    for (int y = 0; y < down; y++) {
      for (int x = 0; x < blocks; x++) {
        int from = at;
        for (int cy = y; cy < y + BLOCK; cy++) {
          int row = (cy * cells + x) * ORIENTATIONS;
          System.arraycopy(histograms, row, descriptor, at, BLOCK * ORIENTATIONS);
          at += BLOCK * ORIENTATIONS;
        }
        normalise(descriptor, from, at);
        for (int i = from; i < at; i++) {
          descriptor[i] = Math.min(descriptor[i], CUT);
        }
        normalise(descriptor, from, at);
      }
    }
    return descriptor;
  }

  /**
   * Pearson's correlation of two descriptors.
   *
   * @param a one
   * @param b another of the same length
   * @return from −1 to 1; 0 where either map has no edges at all
   */
  public static double correlation(double[] a, double[] b) {
    double meanA = java.util.Arrays.stream(a).average().orElseThrow();
    double meanB = java.util.Arrays.stream(b).average().orElseThrow();
    double products = 0;
    double squaresA = 0;
    double squaresB = 0;
    for (int i = 0; i < a.length; i++) {
      products += (a[i] - meanA) * (b[i] - meanB);
      squaresA += (a[i] - meanA) * (a[i] - meanA);
      squaresB += (b[i] - meanB) * (b[i] - meanB);
    }
    return squaresA == 0 || squaresB == 0 ? 0 : products / Math.sqrt(squaresA * squaresB);
  }

  private static double[] histograms(float[] map, ImageSize size, int cell) {
    int width = size.width();
    int cells = width / cell;
    int rows = size.height() / cell;
    double[] histograms = new double[rows * cells * ORIENTATIONS];
    double bins = 180.0 / ORIENTATIONS;
    for (int y = 0; y < rows * cell; y++) {
      for (int x = 0; x < cells * cell; x++) {
        boolean edgeRow = y == 0 || y == size.height() - 1;
        boolean edgeColumn = x == 0 || x == width - 1;
        double dy = edgeRow ? 0 : (double) map[(y + 1) * width + x] - map[(y - 1) * width + x];
        double dx = edgeColumn ? 0 : (double) map[y * width + x + 1] - map[y * width + x - 1];
        double degrees = Math.toDegrees(Math.atan2(dy, dx));
        double unsigned = degrees < 0 ? degrees + 180 : degrees;
        // 180° is 0°.
        int bin = (int) (unsigned / bins) % ORIENTATIONS;
        histograms[(y / cell * cells + x / cell) * ORIENTATIONS + bin] +=
            Math.hypot(dx, dy) / (cell * cell);
      }
    }
    return histograms;
  }

  private static void normalise(double[] values, int from, int to) {
    double sum = EPSILON * EPSILON;
    for (int i = from; i < to; i++) {
      sum += values[i] * values[i];
    }
    double length = Math.sqrt(sum);
    for (int i = from; i < to; i++) {
      values[i] /= length;
    }
  }
}
