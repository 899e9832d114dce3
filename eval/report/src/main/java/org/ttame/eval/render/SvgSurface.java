package org.ttame.eval.render;

import com.google.errorprone.annotations.FormatMethod;
import java.util.Base64;
import org.ttame.core.Text;
import org.ttame.core.image.PngWriter;
import org.ttame.core.image.RgbImage;

/** Writes a plot or a figure as SVG 1.1: lines stay lines, text stays text. */
final class SvgSurface implements PlotSurface {
  /** Families of the same widths, so that lines fit where they were measured to fit. */
  private static final String SANS = "Liberation Sans, Arial, Helvetica, sans-serif";

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
      points.append(Text.format("%.1f,%.1f ", x[i], low[i]));
    }
    for (int i = x.length - 1; i >= 0; i--) {
      points.append(Text.format("%.1f,%.1f ", x[i], high[i]));
    }
    append(
        "<polygon points=\"%s\" fill=\"#%06x\" fill-opacity=\"%.2f\"/>",
        points.toString().strip(), rgb, opacity);
  }

  @Override
  public void line(double[] x, double[] y, double thickness, int rgb) {
    StringBuilder points = new StringBuilder();
    for (int i = 0; i < x.length; i++) {
      points.append(Text.format("%.1f,%.1f ", x[i], y[i]));
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

  @Override
  public void label(String text, double x, double y, double size, int rgb) {
    append(
        "<text x=\"%.2f\" y=\"%.2f\" font-family=\"%s\" font-size=\"%.2f\" fill=\"#%06x\">%s</text>",
        x, y, SANS, size, rgb, xml(text));
  }

  @Override
  public void picture(RgbImage picture, double x0, double y0, double x1, double y1) {
    append(
        "<image x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" preserveAspectRatio=\"none\""
            + " xlink:href=\"data:image/png;base64,%s\"/>",
        x0, y0, x1 - x0, y1 - y0, Base64.getEncoder().encodeToString(PngWriter.encode(picture)));
  }

  /** The document. */
  String document() {
    return document("");
  }

  /**
   * The document.
   *
   * @param title what programs show as its name
   * @param description what they say of it
   */
  String document(String title, String description) {
    return document(
        Text.format("<title>%s</title>%n<desc>%s</desc>%n", xml(title), xml(description)));
  }

  private String document(String about) {
    return Text.format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\""
            + " width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\""
            + " font-family=\"monospace\" font-size=\"20\">%n%s%s</svg>%n",
        width, height, width, height, about, body);
  }

  @FormatMethod
  private void append(String format, Object... values) {
    body.append(Text.format(format, values)).append('\n');
  }

  private static String xml(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }
}
