package org.ttame.eval.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.ttame.core.Text;

/**
 * Curves with intervals as SVG inside a page, which gives them their colours, by day and by night.
 * Curves of the same colour differ in their dashes.
 */
final class CurvePlot {
  private static final String FILE = "curves.html";
  private static final int COLOURS = 8;
  private static final double LEFT = 44;
  private static final double RIGHT = 548;
  private static final double TOP = 14;
  private static final double BOTTOM = 292;
  private static final List<Double> STEPS = List.of(1.0, 2.0, 5.0, 10.0, 20.0, 25.0, 50.0);
  private static final int MOST_TICKS = 6;

  private final String label;
  private final String horizontal;
  private final String vertical;
  private final List<Curve> curves = new ArrayList<>();

  /**
   * A point of a curve.
   *
   * @param x where it stands
   * @param y how high
   * @param low where its interval begins
   * @param high where it ends
   */
  record Point(double x, double y, double low, double high) {}

  private record Curve(String name, List<Point> points) {}

  /**
   * An empty plot.
   *
   * @param label what screen readers call it
   * @param horizontal what x is
   * @param vertical what y is
   */
  CurvePlot(String label, String horizontal, String vertical) {
    this.label = label;
    this.horizontal = horizontal;
    this.vertical = vertical;
  }

  /** Adds a curve. */
  void add(String name, List<Point> points) {
    curves.add(new Curve(name, List.copyOf(points)));
  }

  /** The classes that give the curve of a number its colour and dashes. */
  static String style(int number) {
    return Text.format("series-%d dash-%d", number % COLOURS + 1, number / COLOURS % 3);
  }

  /** The picture. */
  Html svg() {
    List<Point> all = curves.stream().flatMap(curve -> curve.points().stream()).toList();
    Scale x = new Scale(0, 100, LEFT, RIGHT);
    double highest = all.stream().mapToDouble(Point::high).max().orElse(100);
    double step = step(Math.max(highest, 1));
    Scale y = new Scale(0, step * Math.ceil(Math.max(highest, 1) / step), BOTTOM, TOP);
    List<Html> marks = new ArrayList<>();
    for (int i = 0; i * step <= y.to() + step / 2; i++) {
      marks.add(tick("row", Map.of("at", at(y.of(i * step)), "text", number(i * step))));
    }
    for (int percent = 0; percent <= 100; percent += 20) {
      marks.add(tick("column", Map.of("at", at(x.of(percent)), "text", percent)));
    }
    List<Html> bands = new ArrayList<>();
    List<Html> lines = new ArrayList<>();
    for (int c = 0; c < curves.size(); c++) {
      Curve curve = curves.get(c);
      bands.add(
          Template.read(FILE, "band")
              .fill(Map.of("series", style(c), "points", band(curve.points(), x, y))));
      lines.add(line(curve, c, x, y));
    }
    return Template.read(FILE, "svg")
        .fill(
            Map.of(
                "label",
                label,
                "marks",
                Html.join(marks),
                "bands",
                Html.join(bands),
                "lines",
                Html.join(lines),
                "horizontal",
                horizontal,
                "vertical",
                vertical));
  }

  private static Html tick(String template, Map<String, ?> values) {
    return Template.read(FILE, template).fill(values);
  }

  private static Html line(Curve curve, int number, Scale x, Scale y) {
    Template point = Template.read(FILE, "point");
    List<Html> points =
        curve.points().stream()
            .map(
                p ->
                    point.fill(
                        Map.of(
                            "x", at(x.of(p.x())),
                            "y", at(y.of(p.y())),
                            "text",
                                Text.format(
                                    "%s at %s %%: %.2f (%.2f to %.2f)",
                                    curve.name(), number(p.x()), p.y(), p.low(), p.high()))))
            .toList();
    String path =
        curve.points().stream()
            .map(p -> at(x.of(p.x())) + "," + at(y.of(p.y())))
            .collect(Collectors.joining(" "));
    return Template.read(FILE, "line")
        .fill(Map.of("series", style(number), "path", path, "points", Html.join(points)));
  }

  /** There along the upper ends, back along the lower ones. */
  private static String band(List<Point> points, Scale x, Scale y) {
    int count = points.size();
    return IntStream.range(0, 2 * count)
        .mapToObj(
            i -> {
              Point p = points.get(i < count ? i : 2 * count - 1 - i);
              return at(x.of(p.x())) + "," + at(y.of(i < count ? p.high() : p.low()));
            })
        .collect(Collectors.joining(" "));
  }

  private static double step(double highest) {
    return STEPS.stream().filter(step -> highest / step <= MOST_TICKS).findFirst().orElse(50.0);
  }

  private static String at(double pixels) {
    return Text.format("%.1f", pixels);
  }

  private static String number(double value) {
    return value == Math.rint(value) ? Text.format("%.0f", value) : Double.toString(value);
  }

  /** From values to pixels. */
  private record Scale(double from, double to, double first, double last) {
    double of(double value) {
      return first + (value - from) / (to - from) * (last - first);
    }
  }
}
