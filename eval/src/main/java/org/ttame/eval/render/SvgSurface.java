package org.ttame.eval.render;

import java.util.Locale;

/** Writes a plot as SVG 1.1: lines stay lines, text stays text. */
final class SvgSurface implements PlotSurface {
  private final StringBuilder body = new StringBuilder();
  private final int width;
  private final int height;

  SvgSurface(int width, int height) {
    this.width = width;
    this.height = height;
  }

  @Override
  public void fill(double x0, double y0, double x1, double y1, int rgb, double opacity) {
    append(
        "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"#%06x\""
            + " fill-opacity=\"%.2f\"/>",
        x0, y0, x1 - x0, y1 - y0, rgb, opacity);
  }

  @Override
  public void band(double[] x, double[] low, double[] high, int rgb, double opacity) {
    StringBuilder points = new StringBuilder();
    for (int i = 0; i < x.length; i++) {
      points.append(String.format(Locale.ROOT, "%.1f,%.1f ", x[i], low[i]));
    }
    for (int i = x.length - 1; i >= 0; i--) {
      points.append(String.format(Locale.ROOT, "%.1f,%.1f ", x[i], high[i]));
    }
    append(
        "<polygon points=\"%s\" fill=\"#%06x\" fill-opacity=\"%.2f\"/>",
        points.toString().strip(), rgb, opacity);
  }

  @Override
  public void line(double[] x, double[] y, double thickness, int rgb) {
    StringBuilder points = new StringBuilder();
    for (int i = 0; i < x.length; i++) {
      points.append(String.format(Locale.ROOT, "%.1f,%.1f ", x[i], y[i]));
    }
    append(
        "<polyline points=\"%s\" fill=\"none\" stroke=\"#%06x\" stroke-width=\"%.1f\"/>",
        points.toString().strip(), rgb, thickness);
  }

  @Override
  public void text(String text, double x, double y, int rgb) {
    append("<text x=\"%.1f\" y=\"%.1f\" fill=\"#%06x\">%s</text>", x, y + LETTER, rgb, xml(text));
  }

  @Override
  public void textUp(String text, double x, double y, int rgb) {
    append(
        "<text transform=\"translate(%.1f %.1f) rotate(-90)\" fill=\"#%06x\">%s</text>",
        x + LETTER, y, rgb, xml(text));
  }

  /** The document. */
  String document() {
    return String.format(
        Locale.ROOT,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\""
            + " font-family=\"monospace\" font-size=\"20\">%n%s</svg>%n",
        width,
        height,
        width,
        height,
        body);
  }

  private void append(String format, Object... values) {
    body.append(String.format(Locale.ROOT, format, values)).append('\n');
  }

  private static String xml(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }
}
