package org.ttame.eval.render;

import com.google.errorprone.annotations.FormatMethod;
import java.awt.Shape;
import java.awt.geom.PathIterator;
import java.util.Base64;
import java.util.Set;
import java.util.TreeSet;
import org.ttame.core.Text;
import org.ttame.core.image.PngWriter;
import org.ttame.core.image.RgbImage;

/**
 * Writes SVG 1.1: lines stay lines, text stays text. A file carries the letters that it uses as a
 * font of its own; inside a page, which gives it letters and colours, text keeps the widths it was
 * measured with.
 */
final class SvgDrawing implements Drawing {
  /** Families of the same widths, for readers that leave the file's own font aside. */
  private static final String SANS = "figure-sans, 'Liberation Sans', Arial, Helvetica, sans-serif";

  /** A letter for each kind of {@link PathIterator}'s pieces, and how many numbers follow it. */
  private static final String PIECES = "MLQCZ";

  private static final int[] COORDINATES = {2, 2, 4, 6, 0};

  private final StringBuilder body = new StringBuilder();
  private final Set<Integer> letters = new TreeSet<>();
  private final double width;
  private final double height;
  private final boolean inPage;

  /** An empty drawing, in points; as a part of a page it takes the page's colours. */
  SvgDrawing(double width, double height, boolean inPage) {
    this.width = width;
    this.height = height;
    this.inPage = inPage;
  }

  @Override
  public void fill(Shape shape, int rgb, double opacity) {
    append(
        "<path d=\"%s\" style=\"fill:%s\"%s/>",
        path(shape), color(rgb), opacity < 1 ? Text.format(" opacity=\"%.2f\"", opacity) : "");
  }

  @Override
  public void stroke(Shape path, double width, int rgb, float... dashes) {
    StringBuilder lengths = new StringBuilder();
    for (float dash : dashes) {
      lengths.append(lengths.isEmpty() ? " stroke-dasharray=\"" : " ").append(dash);
    }
    append(
        "<path d=\"%s\" style=\"fill:none;stroke:%s\" stroke-width=\"%.2f\""
            + " stroke-linejoin=\"round\"%s/>",
        path(path), color(rgb), width, lengths.isEmpty() ? "" : lengths.append('"'));
  }

  @Override
  public void dot(double x, double y, double radius, int rgb, String label) {
    append(
        "<circle cx=\"%.2f\" cy=\"%.2f\" r=\"%.2f\" style=\"fill:%s\"><title>%s</title></circle>",
        x, y, radius, color(rgb), xml(label));
  }

  @Override
  public void text(String text, double x, double y, double size, double angle, int rgb) {
    if (text.isBlank()) {
      return;
    }
    text.codePoints().forEach(letters::add);
    String turned =
        angle == 0 ? "" : Text.format(" transform=\"rotate(%.1f %.2f %.2f)\"", -angle, x, y);
    append(
        "<text x=\"%.2f\" y=\"%.2f\" font-size=\"%.2f\" textLength=\"%.2f\""
            + " lengthAdjust=\"spacingAndGlyphs\" style=\"fill:%s\"%s>%s</text>",
        x, y, size, Typeface.get().width(text, size), color(rgb), turned, xml(text));
  }

  @Override
  public void picture(RgbImage picture, double x, double y, double width, double height) {
    append(
        "<image x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" preserveAspectRatio=\"none\""
            + " xlink:href=\"data:image/png;base64,%s\"/>",
        x, y, width, height, base64(PngWriter.encode(picture)));
  }

  /** The file, with what programs show as its name and say of it. */
  String document(String title, String description) {
    return Text.format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\""
            + " width=\"%1$.0fpt\" height=\"%2$.0fpt\" viewBox=\"0 0 %1$.0f %2$.0f\""
            + " font-family=\"%3$s\">\n<title>%4$s</title>\n<desc>%5$s</desc>\n"
            + "<style>@font-face{font-family:figure-sans;"
            + "src:url(data:font/ttf;base64,%6$s)}</style>\n%7$s</svg>\n",
        Math.ceil(width),
        Math.ceil(height),
        SANS,
        xml(title),
        xml(description),
        base64(Typeface.get().subset(letters)),
        body);
  }

  /** The drawing as an element of a page; its label is what screen readers call it. */
  String element(String label) {
    return Text.format(
        "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"%s\">\n%s</svg>\n",
        Math.ceil(width), Math.ceil(height), xml(label).replace("\"", "&quot;"), body);
  }

  private String color(int rgb) {
    return inPage ? Palette.variable(rgb) : Text.format("#%06x", rgb);
  }

  private static String path(Shape shape) {
    StringBuilder path = new StringBuilder();
    double[] at = new double[6];
    for (PathIterator i = shape.getPathIterator(null); !i.isDone(); i.next()) {
      int piece = i.currentSegment(at);
      path.append(PIECES.charAt(piece));
      for (int k = 0; k < COORDINATES[piece]; k++) {
        path.append(Text.format(k == 0 ? "%.2f" : " %.2f", at[k]));
      }
    }
    return path.toString();
  }

  @FormatMethod
  private void append(String format, Object... values) {
    body.append(Text.format(format, values)).append('\n');
  }

  private static String base64(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }

  private static String xml(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }
}
