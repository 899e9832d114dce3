package org.ttame.eval.render;

import org.ttame.core.Text;

/**
 * Lays an explanation map in colours over an image: each pixel is {@code (1 − opacity)·image +
 * opacity·colour(map)}. The image gives up its own colours as the heatmap comes in, all of them at
 * half opacity, so that a colour in the picture means a value of the map and nothing else; its
 * saturation is {@code 1 − 2·opacity}, at least 0, towards its luma (ITU-R BT.601).
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
   * @param image the image
   * @param map one value in [0,1] for each of its pixels, row by row
   * @return a new picture
   * @throws IllegalArgumentException if their sizes differ
   */
  public Canvas draw(Canvas image, float[] map) {
    if (map.length != image.width() * image.height()) {
      throw new IllegalArgumentException(
          Text.format(
              "A map of %d values cannot cover an image of %d×%d pixels",
              map.length, image.width(), image.height()));
    }
    Canvas result = new Canvas(image.width(), image.height(), 0);
    for (int y = 0; y < image.height(); y++) {
      for (int x = 0; x < image.width(); x++) {
        result.set(x, y, blend(image.rgb(x, y), colors.rgb(map[y * image.width() + x])));
      }
    }
    return result;
  }

  private int blend(int image, int heat) {
    double luma = 0.299 * (image >> 16 & 255) + 0.587 * (image >> 8 & 255) + 0.114 * (image & 255);
    double saturation = Math.max(0, 1 - 2 * opacity);
    int result = 0;
    for (int shift = 16; shift >= 0; shift -= 8) {
      double under = saturation * (image >> shift & 255) + (1 - saturation) * luma;
      double value = (1 - opacity) * under + opacity * (heat >> shift & 255);
      result |= (int) Math.round(value) << shift;
    }
    return result;
  }
}
