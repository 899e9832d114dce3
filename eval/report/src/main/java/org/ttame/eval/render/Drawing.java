package org.ttame.eval.render;

import java.awt.Shape;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Rectangle2D;
import org.ttame.core.image.RgbImage;

/**
 * What plots and sheets are drawn on. Lengths are points of 1/72 inch from the top left corner,
 * colours {@code 0xRRGGBB}.
 */
interface Drawing {
  /** Fills a shape. */
  void fill(Shape shape, int rgb, double opacity);

  /** Draws a line; lengths of dashes and gaps come in turn, none for a solid line. */
  void stroke(Shape path, double width, int rgb, float... dashes);

  /**
   * Writes a line of text.
   *
   * @param text only what the typeface has, see {@link Typeface#printable}
   * @param x left end of its baseline
   * @param y height of that end
   * @param size of the typeface
   * @param angle degrees by which the baseline rises
   * @param rgb its colour
   */
  void text(String text, double x, double y, double size, double angle, int rgb);

  /** Draws a picture into a rectangle, its pixels as squares. */
  void picture(RgbImage picture, double x, double y, double width, double height);

  /** Fills a rectangle. */
  default void fill(double x, double y, double width, double height, int rgb) {
    fill(new Rectangle2D.Double(x, y, width, height), rgb, 1);
  }

  /** Draws a point of a curve; its label is said where a reader can point at it. */
  default void dot(double x, double y, double radius, int rgb, String label) {
    fill(new Ellipse2D.Double(x - radius, y - radius, 2 * radius, 2 * radius), rgb, 1);
  }
}
