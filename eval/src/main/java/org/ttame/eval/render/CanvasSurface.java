package org.ttame.eval.render;

/** Draws a plot into pixels; lines are smoothed at their edges. */
final class CanvasSurface implements PlotSurface {
  private static final int SCALE = 2;

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
