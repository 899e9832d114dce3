package org.ttame.eval.render;

import org.ttame.core.Text;
import org.ttame.core.image.RgbImage;

/**
 * Lays an explanation map in colours over an image, which keeps its own: each pixel is {@code (1 −
 * opacity)·image + opacity·colour(map)}.
 *
 * @param colors the colour map
 * @param opacity from 0, the image alone, to 1, the heatmap alone
 */
public record HeatmapOverlay(ColorMap colors, double opacity) {
  /** The share of the heatmap unless told otherwise. */
  public static final double DEFAULT_OPACITY = 0.5;

  public HeatmapOverlay {
    if (!(opacity >= 0 && opacity <= 1)) {
      throw new IllegalArgumentException("An opacity lies between 0 and 1, got " + opacity);
    }
  }

  /** Viridis at half opacity. */
  public static HeatmapOverlay defaults() {
    return new HeatmapOverlay(ColorMap.VIRIDIS, DEFAULT_OPACITY);
  }

  /**
   * Draws a map over an image.
   *
   * @param map one value in [0,1] for each of its pixels, row by row
   * @return a new picture
   * @throws IllegalArgumentException if their sizes differ
   */
  public RgbImage draw(RgbImage image, float[] map) {
    if (map.length != image.width() * image.height()) {
      throw new IllegalArgumentException(
          Text.format(
              "A map of %d values cannot cover an image of %d×%d pixels",
              map.length, image.width(), image.height()));
    }
    return RgbImage.of(
        image.width(),
        image.height(),
        (x, y) -> blend(image.rgb(x, y), map[y * image.width() + x]));
  }

  /** A pixel under the colour of a value in [0,1]. */
  int blend(int image, float value) {
    int heat = colors.rgb(value);
    int result = 0;
    for (int shift = 16; shift >= 0; shift -= 8) {
      double mixed = (1 - opacity) * (image >> shift & 255) + opacity * (heat >> shift & 255);
      result |= (int) Math.round(mixed) << shift;
    }
    return result;
  }
}
