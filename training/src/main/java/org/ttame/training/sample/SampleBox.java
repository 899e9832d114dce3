package org.ttame.training.sample;

import org.ttame.core.Text;

/**
 * Where an item of a sample scene is.
 *
 * @param scene the scene's name in its split's image list, e.g. {@code 000002.jpg}
 * @param items how many items the scene has, 1 or 2
 * @param label the item's class
 * @param x0 left edge in pixels of the scene
 * @param y0 upper edge
 * @param x1 right edge, exclusive
 * @param y1 lower edge, exclusive
 */
public record SampleBox(String scene, int items, int label, int x0, int y0, int x1, int y1) {
  public SampleBox {
    if (x0 < 0 || y0 < 0 || x1 <= x0 || y1 <= y0) {
      throw new IllegalArgumentException(
          Text.format("A box from (%d, %d) to (%d, %d) holds nothing", x0, y0, x1, y1));
    }
  }
}
