package org.ttame.eval.render;

import java.awt.geom.AffineTransform;
import org.ttame.core.image.RgbImage;

/** Draws a plot or a figure into pixels; lines and letters are smoothed at their edges. */
final class CanvasSurface implements PlotSurface {
  private static final int SCALE = 2;

  /** Points of a picture that are read for a pixel, across and down. */
  private static final int SAMPLES = 4;

  private final Canvas canvas;

  CanvasSurface(Canvas canvas) {
    this.canvas = canvas;
  }

  @Override
  public void fill(double x0, double y0, double x1, double y1, int rgb, double opacity) {
    for (int y = (int) Math.round(y0); y < Math.round(y1); y++) {
      for (int x = (int) Math.round(x0); x < Math.round(x1); x++) {
        blend(x, y, rgb, opacity);
      }
    }
  }

  @Override
  public void band(double[] x, double[] low, double[] high, int rgb, double opacity) {
    for (int i = 0; i + 1 < x.length; i++) {
      for (int px = (int) Math.round(x[i]); px < Math.round(x[i + 1]); px++) {
        double share = Math.max(0, Math.min(1, (px - x[i]) / (x[i + 1] - x[i])));
        double a = low[i] + share * (low[i + 1] - low[i]);
        double b = high[i] + share * (high[i + 1] - high[i]);
        fill(px, Math.min(a, b), px + 1.0, Math.max(a, b), rgb, opacity);
      }
    }
  }

  @Override
  public void line(double[] x, double[] y, double thickness, int rgb) {
    for (int i = 0; i + 1 < x.length; i++) {
      segment(x[i], y[i], x[i + 1], y[i + 1], thickness / 2, rgb);
    }
  }

  private void segment(double x0, double y0, double x1, double y1, double radius, int rgb) {
    double dx = x1 - x0;
    double dy = y1 - y0;
    double length = dx * dx + dy * dy;
    for (int y = (int) Math.floor(Math.min(y0, y1) - radius - 1);
        y <= Math.ceil(Math.max(y0, y1) + radius + 1);
        y++) {
      for (int x = (int) Math.floor(Math.min(x0, x1) - radius - 1);
          x <= Math.ceil(Math.max(x0, x1) + radius + 1);
          x++) {
        double along = length == 0 ? 0 : ((x + 0.5 - x0) * dx + (y + 0.5 - y0) * dy) / length;
        double nearest = Math.max(0, Math.min(1, along));
        double distance = Math.hypot(x + 0.5 - x0 - nearest * dx, y + 0.5 - y0 - nearest * dy);
        blend(x, y, rgb, Math.max(0, Math.min(1, radius + 0.5 - distance)));
      }
    }
  }

  @Override
  public void text(String text, double x, double y, int rgb) {
    canvas.text(text, (int) Math.round(x), (int) Math.round(y), SCALE, rgb);
  }

  @Override
  public void textUp(String text, double x, double y, int rgb) {
    int length = Math.max(1, text.length() * ADVANCE);
    int height = SCALE * BitmapFont.HEIGHT;
    int paper = rgb ^ 0xffffff;
    Canvas flat = new Canvas(length, height, paper);
    flat.text(text, 0, 0, SCALE, rgb);
    for (int fy = 0; fy < height; fy++) {
      for (int fx = 0; fx < length; fx++) {
        if (flat.rgb(fx, fy) == rgb) {
          canvas.set((int) Math.round(x) + fy, (int) Math.round(y) - fx, rgb);
        }
      }
    }
  }

  @Override
  public void label(String text, double x, double y, double size, int rgb) {
    Typeface typeface = Typeface.get();
    double scale = size / typeface.unitsPerEm();
    double at = x;
    for (int point : text.codePoints().toArray()) {
      AffineTransform placed = new AffineTransform(scale, 0, 0, -scale, at, y);
      new GlyphRaster(typeface.outline(point), placed)
          .draw((px, py, share) -> blend(px, py, rgb, share));
      at += typeface.advance(point) * scale;
    }
  }

  @Override
  public void picture(RgbImage picture, double x0, double y0, double x1, double y1) {
    int left = (int) Math.round(x0);
    int top = (int) Math.round(y0);
    int width = (int) Math.round(x1) - left;
    int height = (int) Math.round(y1) - top;
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        canvas.set(left + x, top + y, sample(picture, x, y, width, height));
      }
    }
  }

  /** The mean of a few points of the picture that a pixel covers: no stairs where sizes differ. */
  private static int sample(RgbImage picture, int x, int y, int width, int height) {
    double[] sum = new double[3];
    for (int row = 0; row < SAMPLES; row++) {
      double v = (y + (row + 0.5) / SAMPLES) / height;
      for (int column = 0; column < SAMPLES; column++) {
        double u = (x + (column + 0.5) / SAMPLES) / width;
        int rgb = picture.rgb((int) (u * picture.width()), (int) (v * picture.height()));
        sum[0] += rgb >> 16 & 255;
        sum[1] += rgb >> 8 & 255;
        sum[2] += rgb & 255;
      }
    }
    int result = 0;
    for (double channel : sum) {
      result = (result << 8) | (int) Math.round(channel / (SAMPLES * SAMPLES));
    }
    return result;
  }

  private void blend(int x, int y, int rgb, double opacity) {
    if (opacity <= 0 || x < 0 || y < 0 || x >= canvas.width() || y >= canvas.height()) {
      return;
    }
    int under = canvas.rgb(x, y);
    int result = 0;
    for (int shift = 16; shift >= 0; shift -= 8) {
      double value = (1 - opacity) * (under >> shift & 255) + opacity * (rgb >> shift & 255);
      result |= (int) Math.round(value) << shift;
    }
    canvas.set(x, y, result);
  }
}
