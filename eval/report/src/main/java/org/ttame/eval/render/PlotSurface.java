package org.ttame.eval.render;

import org.ttame.core.image.RgbImage;

/** What a plot or a figure is drawn on; coordinates in pixels from the top left. */
sealed interface PlotSurface permits CanvasSurface, SvgSurface, PdfSurface {
  /** Pixels between characters of {@link #text}. */
  int ADVANCE = 2 * BitmapFont.ADVANCE;

  /** Height of capital letters of {@link #text}. */
  int LETTER = 14;

  /** Fills the rectangle from (x0, y0) to (x1, y1). */
  void fill(double x0, double y0, double x1, double y1, int rgb, double opacity);

  /** Fills the area between two lines over the same x. */
  void band(double[] x, double[] low, double[] high, int rgb, double opacity);

  /** Draws a line through points, {@code thickness} pixels thick. */
  void line(double[] x, double[] y, double thickness, int rgb);

  /** Writes from (x, y), the top left of the first letter. */
  void text(String text, double x, double y, int rgb);

  /** Writes upwards from (x, y), the bottom left of the first letter as it is turned. */
  void textUp(String text, double x, double y, int rgb);

  /**
   * Writes in {@link Typeface} from (x, y), the left end of the line that letters stand on.
   *
   * @param text only what the typeface has, see {@link Typeface#printable}
   * @param size of the typeface in pixels
   */
  void label(String text, double x, double y, double size, int rgb);

  /** Draws a picture into the rectangle from (x0, y0) to (x1, y1), its pixels as squares. */
  void picture(RgbImage picture, double x0, double y0, double x1, double y1);
}
