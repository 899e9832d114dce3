package org.ttame.eval.sanity;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import org.ttame.core.image.ImageSize;
import org.ttame.eval.metric.RankCorrelation;

/** The three measures of how alike two maps are, and the order they are kept in. */
public enum MapSimilarity {
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

  /** The name in files. */
  public String column() {
    return name().toLowerCase(java.util.Locale.ROOT);
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
}
