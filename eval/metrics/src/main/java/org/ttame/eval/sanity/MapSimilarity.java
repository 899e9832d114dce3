package org.ttame.eval.sanity;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import org.ttame.core.Named;
import org.ttame.core.Text;
import org.ttame.core.image.ImageSize;
import org.ttame.eval.metric.RankCorrelation;

/** The three measures of how alike two maps are, and the order they are kept in. */
public enum MapSimilarity implements Named {
  /** Spearman's rank correlation over pixels. */
  SPEARMAN("Spearman rank correlation"),
  /** Structural similarity. */
  SSIM("Structural similarity (SSIM)"),
  /** Pearson's correlation of histograms of oriented gradients. */
  HOG("Pearson correlation of HOG");

  private final String words;

  MapSimilarity(String words) {
    this.words = words;
  }

  /** For people. */
  public String words() {
    return words;
  }

  /**
   * All measures of two maps.
   *
   * @param a H·W values in [0,1], row by row
   * @param b as many
   * @param size H and W
   * @return a value for each measure: 1 for equal maps, constant ones, too, since they did not
   *     change; where only one is constant, 0 for {@link #SPEARMAN} and {@link #HOG}
   */
  public static Map<MapSimilarity, Double> between(float[] a, float[] b, ImageSize size) {
    Map<MapSimilarity, Double> all = new EnumMap<>(MapSimilarity.class);
    if (Arrays.equals(a, b)) {
      for (MapSimilarity measure : values()) {
        all.put(measure, 1.0);
      }
      return all;
    }
    all.put(SPEARMAN, RankCorrelation.between(RankCorrelation.ranks(a), RankCorrelation.ranks(b)));
    all.put(SSIM, StructuralSimilarity.between(a, b, size));
    all.put(HOG, HogDescriptor.correlation(HogDescriptor.of(a, size), HogDescriptor.of(b, size)));
    return all;
  }

  /**
   * Mean structural similarity (SSIM) of two maps with values in [0,1], as Wang et al. (2004) have
   * it: Gaussian windows of deviation 1.5 cut at 11×11, K1 = 0.01, K2 = 0.03, range 1, averaged
   * over the windows that lie inside.
   */
  static final class StructuralSimilarity {
    private static final int RADIUS = 5;
    private static final double DEVIATION = 1.5;
    private static final double C1 = 0.01 * 0.01;
    private static final double C2 = 0.03 * 0.03;
    private static final double[] WINDOW = window();

    private StructuralSimilarity() {}

    /**
     * Compares.
     *
     * @param a H·W values, row by row
     * @param b as many
     * @param size H and W, each at least 11
     * @return from −1 to 1; 1 for equal maps
     * @throws IllegalArgumentException if a size does not fit
     */
    public static double between(float[] a, float[] b, ImageSize size) {
      int least = 2 * RADIUS + 1;
      if (Math.min(size.height(), size.width()) < least
          || a.length != size.pixels()
          || b.length != a.length) {
        throw new IllegalArgumentException(
            Text.format(
                "SSIM needs two maps of one size, 11×11 or more, got %d and %d values for %s",
                a.length, b.length, size));
      }
      int n = a.length;
      double[] aa = new double[n];
      double[] bb = new double[n];
      double[] ab = new double[n];
      double[] x = new double[n];
      double[] y = new double[n];
      for (int i = 0; i < n; i++) {
        x[i] = a[i];
        y[i] = b[i];
        aa[i] = x[i] * x[i];
        bb[i] = y[i] * y[i];
        ab[i] = x[i] * y[i];
      }
      double[] ux = filter(x, size);
      double[] uy = filter(y, size);
      double[] uxx = filter(aa, size);
      double[] uyy = filter(bb, size);
      double[] uxy = filter(ab, size);
      double sum = 0;
      for (int i = 0; i < ux.length; i++) {
        double vx = uxx[i] - ux[i] * ux[i];
        double vy = uyy[i] - uy[i] * uy[i];
        double vxy = uxy[i] - ux[i] * uy[i];
        sum +=
            (2 * ux[i] * uy[i] + C1)
                * (2 * vxy + C2)
                / ((ux[i] * ux[i] + uy[i] * uy[i] + C1) * (vx + vy + C2));
      }
      return sum / ux.length;
    }

    /** Weighted means of the windows inside, rows first. */
    private static double[] filter(double[] values, ImageSize size) {
      int across = size.width() - 2 * RADIUS;
      int down = size.height() - 2 * RADIUS;
      double[] rows = new double[size.height() * across];
      for (int y = 0; y < size.height(); y++) {
        for (int x = 0; x < across; x++) {
          double sum = 0;
          for (int k = 0; k < WINDOW.length; k++) {
            sum += WINDOW[k] * values[y * size.width() + x + k];
          }
          rows[y * across + x] = sum;
        }
      }
      double[] result = new double[down * across];
      for (int y = 0; y < down; y++) {
        for (int k = 0; k < WINDOW.length; k++) {
          for (int x = 0; x < across; x++) {
            result[y * across + x] += WINDOW[k] * rows[(y + k) * across + x];
          }
        }
      }
      return result;
    }

    private static double[] window() {
      double[] window = new double[2 * RADIUS + 1];
      double sum = 0;
      for (int i = 0; i < window.length; i++) {
        double d = i - RADIUS;
        window[i] = Math.exp(-d * d / (2 * DEVIATION * DEVIATION));
        sum += window[i];
      }
      for (int i = 0; i < window.length; i++) {
        window[i] /= sum;
      }
      return window;
    }
  }
}
