package org.ttame.eval.metric;

import org.ttame.core.Text;

/**
 * Where an object of a class lies in a classifier's input image, in pixels from the top left;
 * edges, not pixel centres. A box may reach outside the image.
 *
 * @param classIndex the object's class
 * @param x0 left edge
 * @param y0 top edge
 * @param x1 right edge
 * @param y1 bottom edge
 */
public record Box(int classIndex, double x0, double y0, double x1, double y1) {
  public Box {
    if (!(x0 < x1 && y0 < y1)) {
      throw new IllegalArgumentException(
          Text.format(
              "A box needs x0 < x1 and y0 < y1, got x %s to %s, y %s to %s", x0, x1, y0, y1));
    }
    if (classIndex < 0) {
      throw new IllegalArgumentException("A class index is not negative, got " + classIndex);
    }
  }

  /**
   * Whether any pixel's centre of an image lies in the box, so that a map could find it.
   *
   * @param height of the image
   * @param width of the image
   */
  public boolean isInSight(int height, int width) {
    return reaches(x0, x1, width) && reaches(y0, y1, height);
  }

  private static boolean reaches(double from, double to, int length) {
    double first = Math.ceil(Math.max(from, 0) - 0.5);
    return first < length && first + 0.5 < to;
  }

  /** Whether the centre of the pixel in this column and row lies in the box. */
  public boolean contains(int column, int row) {
    double x = column + 0.5;
    double y = row + 0.5;
    return x >= x0 && x < x1 && y >= y0 && y < y1;
  }
}
