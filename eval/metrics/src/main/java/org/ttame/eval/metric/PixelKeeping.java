package org.ttame.eval.metric;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Arrays;
import org.ttame.core.Named;

/**
 * The threshold function φ_v of Eq. 20: keeps the top v % of a map's pixels with their soft values
 * and sets the others to zero.
 */
public enum PixelKeeping implements Named {
  /**
   * Keeps exactly ⌈v·n/100⌉ of n pixels. Of pixels with the same value the one with the lower
   * index, row by row from the top left, is kept first.
   */
  EXACT {
    @Override
    public float[] keep(float[] map, double percent) {
      int kept = count(percent, map.length);
      if (kept == map.length) {
        return map.clone();
      }
      float[] sorted = sorted(map);
      float threshold = sorted[map.length - kept];
      int ties = kept;
      for (int i = map.length - 1; i >= 0 && sorted[i] > threshold; i--) {
        ties--;
      }
      float[] result = new float[map.length];
      for (int i = 0; i < map.length; i++) {
        if (map[i] > threshold) {
          result[i] = map[i];
        } else if (map[i] == threshold && ties > 0) {
          result[i] = map[i];
          ties--;
        }
      }
      return result;
    }
  },

  /**
   * Keeps every pixel that is not below the (1 − v/100) quantile of the map, interpolated linearly
   * in single precision as {@code torch.quantile} does: ties at the threshold are all kept, so a
   * map with many equal values keeps more than v %. What the released evaluation does.
   */
  QUANTILE {
    @Override
    public float[] keep(float[] map, double percent) {
      checkPercent(percent);
      float threshold = quantile(sorted(map), (float) (1 - percent / 100));
      float[] result = new float[map.length];
      for (int i = 0; i < map.length; i++) {
        result[i] = map[i] >= threshold ? map[i] : 0;
      }
      return result;
    }
  };

  /**
   * Applies φ_v to a map.
   *
   * @param map the values of n pixels, row by row; any finite values, not changed
   * @param percent v, in (0, 100]
   * @return n values: the kept ones as they were, zero elsewhere
   * @throws IllegalArgumentException if v is outside its range, or the map is empty or not finite
   */
  public abstract float[] keep(float[] map, double percent);

  /**
   * How many pixels are v % of n: ⌈v·n/100⌉, in decimal arithmetic, so that 14.3 % of 1000 are 143.
   *
   * @param percent v, in (0, 100]
   * @param pixels n
   * @return the count, from 1 to n
   * @throws IllegalArgumentException if v is outside its range
   */
  public static int count(double percent, int pixels) {
    checkPercent(percent);
    return BigDecimal.valueOf(percent)
        .multiply(BigDecimal.valueOf(pixels))
        .divide(BigDecimal.valueOf(100), 0, RoundingMode.CEILING)
        .intValueExact();
  }

  private static void checkPercent(double percent) {
    if (!(percent > 0 && percent <= 100)) {
      throw new IllegalArgumentException(
          "A threshold is a percentage above 0 and up to 100, got " + percent);
    }
  }

  private static float[] sorted(float[] map) {
    if (map.length == 0) {
      throw new IllegalArgumentException("A map without pixels has none to keep");
    }
    float[] sorted = map.clone();
    Arrays.sort(sorted);
    // The order of Arrays.sort puts NaN last and −∞ first.
    if (!Float.isFinite(sorted[0]) || !Float.isFinite(sorted[sorted.length - 1])) {
      throw new IllegalArgumentException(
          "A map's values must be finite to be ranked, this one has "
              + (Float.isFinite(sorted[0]) ? sorted[sorted.length - 1] : sorted[0]));
    }
    return sorted;
  }

  /**
   * Single precision throughout, and torch.lerp's two branches: the threshold is compared with ≥.
   */
  private static float quantile(float[] sorted, float q) {
    float rank = q * (sorted.length - 1);
    int below = (int) Math.floor(rank);
    float low = sorted[below];
    float high = sorted[(int) Math.ceil(rank)];
    float weight = rank - below;
    return weight < 0.5f ? low + weight * (high - low) : high - (high - low) * (1 - weight);
  }
}
