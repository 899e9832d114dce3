package org.ttame.eval.render;

import java.util.ArrayList;
import java.util.List;
import org.ttame.core.Text;

/**
 * Curves over a common axis, as pixels, SVG or PDF: one layout for all. Colours are those of Okabe
 * and Ito, which colour-blind readers tell apart.
 */
public final class LinePlot {
  private static final List<Integer> COLORS =
      List.of(0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7, 0xe69f00, 0x56b4e9, 0x000000);
  private static final int PAPER = 0xffffff;
  private static final int INK = 0x202020;
  private static final int GRID = 0xd8d8d8;
  private static final int MARGIN = 16;
  private static final int LINE = 26;
  private static final int AREA_WIDTH = 860;
  private static final int AREA_HEIGHT = 440;
  private static final int LEFT = 104;
  private static final int TICKS = 5;
  private static final double DASH = 10;
  private static final double GAP = 6;

  private final String title;
  private final String xTitle;
  private final XAxis axis;
  private final List<Series> series = new ArrayList<>();

  /** How the horizontal axis is divided. */
  public sealed interface XAxis {
    /** Even steps. */
    record Linear() implements XAxis {}

    /** Decades. */
    record Logarithmic() implements XAxis {}

    /**
     * Named places 0, 1, 2 ….
     *
     * @param names a name for each
     */
    record Named(List<String> names) implements XAxis {
      public Named {
        names = List.copyOf(names);
      }
    }
  }

  /**
   * A curve.
   *
   * @param name in the legend
   * @param x ascending
   * @param y finite
   * @param low lower ends of intervals; empty for none
   * @param high upper ends
   */
  public record Series(
      String name, List<Double> x, List<Double> y, List<Double> low, List<Double> high) {
    public Series {
      x = List.copyOf(x);
      y = List.copyOf(y);
      low = List.copyOf(low);
      high = List.copyOf(high);
      if (x.size() != y.size() || x.isEmpty() || low.size() != high.size()) {
        throw new IllegalArgumentException(
            Text.format("A curve needs as many y as x, got %d and %d", x.size(), y.size()));
      }
    }

    /** A curve without intervals. */
    public static Series of(String name, List<Double> x, List<Double> y) {
      return new Series(name, x, y, List.of(), List.of());
    }
  }

  /**
   * An empty plot.
   *
   * @param title the line over everything
   * @param xTitle the line under it
   * @param axis how x is divided
   */
  public LinePlot(String title, String xTitle, XAxis axis) {
    this.title = title;
    this.xTitle = xTitle;
    this.axis = axis;
  }

  /** Adds a curve. */
  public void add(Series curve) {
    series.add(curve);
  }

  /**
   * Draws it.
   *
   * @return the picture
   * @throws IllegalStateException if there is no curve
   */
  public Canvas toCanvas() {
    Canvas canvas = new Canvas(width(), height(), PAPER);
    draw(new CanvasSurface(canvas));
    return canvas;
  }

  /** The same as an SVG document. */
  public String toSvg() {
    SvgSurface surface = new SvgSurface(width(), height());
    surface.fill(0, 0, width(), height(), PAPER, 1);
    draw(surface);
    return surface.document();
  }

  /** The same as the bytes of a PDF file of one page. */
  public byte[] toPdf() {
    try (PdfSurface surface = new PdfSurface(width(), height())) {
      draw(surface);
      return surface.document(Typeface.get().printable(title), "");
    }
  }

  private static int width() {
    return LEFT + AREA_WIDTH + MARGIN;
  }

  private int height() {
    return top() + AREA_HEIGHT + under() + LINE + MARGIN;
  }

  private int top() {
    return MARGIN + LINE * (1 + series.size()) + MARGIN / 2;
  }

  /** Room for what stands at the ticks of x. */
  private int under() {
    if (axis instanceof XAxis.Named named) {
      int longest = named.names().stream().mapToInt(String::length).max().orElse(0);
      return longest * PlotSurface.ADVANCE + MARGIN;
    }
    return LINE + MARGIN / 2;
  }

  private void draw(PlotSurface surface) {
    if (series.isEmpty()) {
      throw new IllegalStateException("A plot without curves cannot be drawn");
    }
    Range x = xRange();
    Range y = yRange();
    surface.text(title, MARGIN, MARGIN, INK);
    for (int i = 0; i < series.size(); i++) {
      double at = MARGIN + LINE * (i + 1.0);
      draw(surface, new double[] {MARGIN, MARGIN + 28}, new double[] {at + 7, at + 7}, 3, i);
      surface.text(series.get(i).name(), MARGIN + 40, at, INK);
    }
    drawYTicks(surface, y);
    drawXTicks(surface, x);
    surface.text(xTitle, LEFT, top() + AREA_HEIGHT + under(), INK);
    for (int i = 0; i < series.size(); i++) {
      Series curve = series.get(i);
      double[] px = curve.x().stream().mapToDouble(v -> pixelX(v, x)).toArray();
      if (!curve.low().isEmpty()) {
        surface.band(px, pixelsY(curve.low(), y), pixelsY(curve.high(), y), color(i), 0.2);
      }
      draw(surface, px, pixelsY(curve.y(), y), 2, i);
    }
  }

  /** A curve of a colour that was used before is dashed. */
  private static void draw(
      PlotSurface surface, double[] x, double[] y, double thickness, int number) {
    if (number < COLORS.size()) {
      surface.line(x, y, thickness, color(number));
      return;
    }
    double gone = 0;
    for (int i = 0; i + 1 < x.length; i++) {
      double length = Math.hypot(x[i + 1] - x[i], y[i + 1] - y[i]);
      for (double at = 0; at < length; ) {
        double phase = (gone + at) % (DASH + GAP);
        double end = Math.min(length, at + (phase < DASH ? DASH : DASH + GAP) - phase);
        if (phase < DASH) {
          double[] share = {at / length, end / length};
          surface.line(
              between(x[i], x[i + 1], share),
              between(y[i], y[i + 1], share),
              thickness,
              color(number));
        }
        // Never stand still for want of digits.
        at = Math.max(end, Math.nextUp(at) + 1e-6);
      }
      gone += length;
    }
  }

  private static double[] between(double from, double to, double[] shares) {
    return new double[] {from + shares[0] * (to - from), from + shares[1] * (to - from)};
  }

  private void drawYTicks(PlotSurface surface, Range y) {
    double step = step(y.high() - y.low());
    for (double v = Math.ceil(y.low() / step) * step; v <= y.high() + step * 1e-9; v += step) {
      double at = pixelY(v, y);
      surface.line(new double[] {LEFT, LEFT + AREA_WIDTH}, new double[] {at, at}, 1, GRID);
      String text = tick(v, step);
      surface.text(text, LEFT - MARGIN / 2.0 - text.length() * PlotSurface.ADVANCE, at - 7, INK);
    }
  }

  private void drawXTicks(PlotSurface surface, Range x) {
    int bottom = top() + AREA_HEIGHT;
    if (axis instanceof XAxis.Named named) {
      for (int i = 0; i < named.names().size(); i++) {
        double at = pixelX(i, x);
        String name = named.names().get(i);
        surface.line(new double[] {at, at}, new double[] {top(), bottom}, 1, GRID);
        surface.textUp(
            name, at - 7, bottom + MARGIN / 2.0 + name.length() * PlotSurface.ADVANCE, INK);
      }
      return;
    }
    if (axis instanceof XAxis.Linear) {
      double step = step(x.high() - x.low());
      for (double v = Math.ceil(x.low() / step) * step; v <= x.high() + step * 1e-9; v += step) {
        double at = pixelX(v, x);
        String text = tick(v, step);
        surface.line(new double[] {at, at}, new double[] {top(), bottom}, 1, GRID);
        surface.text(
            text, at - text.length() * PlotSurface.ADVANCE / 2.0, bottom + MARGIN / 2.0, INK);
      }
      return;
    }
    for (int decade = (int) Math.ceil(x.low()); decade <= Math.floor(x.high()); decade++) {
      double at = pixelX(Math.pow(10, decade), x);
      surface.line(new double[] {at, at}, new double[] {top(), bottom}, 1, GRID);
      surface.text("1e" + decade, at - 2.0 * PlotSurface.ADVANCE, bottom + MARGIN / 2.0, INK);
    }
  }

  private static String tick(double value, double step) {
    String text = Text.format("%.4g", Math.abs(value) < step * 1e-6 ? 0.0 : value);
    return text.contains("e") || !text.contains(".") ? text : text.replaceAll("\\.?0+$", "");
  }

  private Range xRange() {
    if (axis instanceof XAxis.Named named) {
      return new Range(0, Math.max(1, named.names().size() - 1));
    }
    double low = series.stream().mapToDouble(s -> s.x().get(0)).min().orElseThrow();
    double high = series.stream().mapToDouble(s -> s.x().get(s.x().size() - 1)).max().orElseThrow();
    return axis instanceof XAxis.Linear
        ? Range.of(low, high)
        : Range.of(Math.log10(low), Math.log10(high));
  }

  private Range yRange() {
    List<Double> all = new ArrayList<>();
    for (Series curve : series) {
      all.addAll(curve.y());
      all.addAll(curve.low());
      all.addAll(curve.high());
    }
    double low = all.stream().mapToDouble(v -> v).min().orElseThrow();
    double high = all.stream().mapToDouble(v -> v).max().orElseThrow();
    Range range = Range.of(low, high);
    double room = (range.high() - range.low()) * 0.04;
    return new Range(range.low() - room, range.high() + room);
  }

  private double pixelX(double value, Range x) {
    double v = axis instanceof XAxis.Logarithmic ? Math.log10(value) : value;
    return LEFT + AREA_WIDTH * (v - x.low()) / (x.high() - x.low());
  }

  private double pixelY(double value, Range y) {
    return top() + AREA_HEIGHT * (y.high() - value) / (y.high() - y.low());
  }

  private double[] pixelsY(List<Double> values, Range y) {
    return values.stream().mapToDouble(v -> pixelY(v, y)).toArray();
  }

  /** A round number of which a handful cover the span. */
  private static double step(double span) {
    double rough = span / TICKS;
    double power = Math.pow(10, Math.floor(Math.log10(rough)));
    double share = rough / power;
    return power * (share < 1.5 ? 1 : share < 3.5 ? 2 : share < 7.5 ? 5 : 10);
  }

  private static int color(int index) {
    return COLORS.get(index % COLORS.size());
  }

  /** From a value to a larger one. */
  private record Range(double low, double high) {
    static Range of(double low, double high) {
      return high > low ? new Range(low, high) : new Range(low - 0.5, high + 0.5);
    }
  }
}
