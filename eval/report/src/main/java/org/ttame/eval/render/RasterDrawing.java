package org.ttame.eval.render;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.Shape;
import java.awt.geom.AffineTransform;
import java.awt.image.BufferedImage;
import org.ttame.core.image.RgbImage;

/**
 * Draws pixels by Java 2D. Letters are outlines of {@link Typeface}, so that no font of the system
 * is looked for, and none is needed.
 */
final class RasterDrawing implements Drawing {
  /** Points of a picture that are read for a pixel, across and down. */
  private static final int SAMPLES = 4;

  private final BufferedImage image;
  private final Graphics2D graphics;
  private final double scale;

  /** An empty picture of so many points, and pixels to a point. */
  RasterDrawing(double width, double height, double scale) {
    this.scale = scale;
    image =
        new BufferedImage(
            (int) Math.ceil(width * scale),
            (int) Math.ceil(height * scale),
            BufferedImage.TYPE_INT_RGB);
    graphics = image.createGraphics();
    graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    graphics.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
    graphics.scale(scale, scale);
  }

  @Override
  public void fill(Shape shape, int rgb, double opacity) {
    graphics.setColor(new Color(rgb | (int) Math.round(255 * opacity) << 24, true));
    graphics.fill(shape);
  }

  @Override
  public void stroke(Shape path, double width, int rgb, float... dashes) {
    graphics.setColor(new Color(rgb));
    graphics.setStroke(
        new BasicStroke(
            (float) width,
            BasicStroke.CAP_BUTT,
            BasicStroke.JOIN_ROUND,
            1,
            dashes.length > 0 ? dashes : null,
            0));
    graphics.draw(path);
  }

  @Override
  public void text(String text, double x, double y, double size, double angle, int rgb) {
    Typeface typeface = Typeface.get();
    AffineTransform placed = AffineTransform.getTranslateInstance(x, y);
    placed.rotate(Math.toRadians(-angle));
    placed.scale(size / typeface.unitsPerEm(), -size / typeface.unitsPerEm());
    for (int point : text.codePoints().toArray()) {
      fill(placed.createTransformedShape(typeface.outline(point)), rgb, 1);
      placed.translate(typeface.advance(point), 0);
    }
  }

  @Override
  public void picture(RgbImage picture, double x, double y, double width, double height) {
    int left = (int) Math.round(x * scale);
    int top = (int) Math.round(y * scale);
    int columns = Math.min(image.getWidth(), (int) Math.round((x + width) * scale)) - left;
    int rows = Math.min(image.getHeight(), (int) Math.round((y + height) * scale)) - top;
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        image.setRGB(left + column, top + row, sample(picture, column, row, columns, rows));
      }
    }
  }

  /** The mean of a few points of the picture that a pixel covers: no stairs where sizes differ. */
  private static int sample(RgbImage picture, int x, int y, int width, int height) {
    int red = 0;
    int green = 0;
    int blue = 0;
    for (int row = 0; row < SAMPLES; row++) {
      int v = (int) ((y + (row + 0.5) / SAMPLES) / height * picture.height());
      for (int column = 0; column < SAMPLES; column++) {
        int u = (int) ((x + (column + 0.5) / SAMPLES) / width * picture.width());
        int rgb = picture.rgb(u, v);
        red += rgb >> 16 & 255;
        green += rgb >> 8 & 255;
        blue += rgb & 255;
      }
    }
    return mean(red) << 16 | mean(green) << 8 | mean(blue);
  }

  private static int mean(int sum) {
    int count = SAMPLES * SAMPLES;
    return (sum + count / 2) / count;
  }

  /** The picture; nothing can be drawn afterwards. */
  RgbImage toImage() {
    graphics.dispose();
    return RgbImage.of(image.getWidth(), image.getHeight(), image::getRGB);
  }
}
