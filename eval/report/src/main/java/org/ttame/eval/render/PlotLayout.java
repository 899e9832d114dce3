package org.ttame.eval.render;

import java.awt.Shape;
import java.awt.geom.Line2D;
import java.awt.geom.Path2D;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ttame.core.Text;
import org.ttame.eval.render.LinePlot.Marker;
import org.ttame.eval.render.LinePlot.Series;
import org.ttame.eval.render.LinePlot.XAxis;
import org.ttame.eval.render.PlotScale.Tick;

/** Everything of a {@link LinePlot} at its place on a width. */
final class PlotLayout {
  private static final double ASPECT = 0.52;
  private static final double MARGIN = 10;
  private static final double GAP = 5;
  private static final double TITLE = 11;
  private static final double LABEL = 9;
  private static final double TICK = 8;
  private static final double LEADING = 1.4;
  private static final double SAMPLE = 18;
  private static final double LONGEST_TICK = 92;
  private static final double LONGEST_NAME = 150;
  private static final double SLANT = 45;
  private static final int MOST_POINTS = 12;
  private static final int MOST_DOTS = 25;
  private static final float[] DASHES = {5, 3};
  private static final float[] DOTS = {2, 2};
  private static final float[] SOLID = {};

  private final LinePlot plot;
  private final XAxis axis;
  private final List<Series> series;
  private final double width;
  private final String head;
  private final PlotScale x;
  private final PlotScale y;
  private final List<Tick> rows;
  private final List<Tick> columns;
  private final List<List<Integer>> legend = new ArrayList<>();
  private final boolean slanted;
  private final double left;
  private final double right;
  private final double top;
  private final double bottom;

  PlotLayout(LinePlot plot, double width, String title) {
    this.plot = plot;
    axis = plot.axis;
    series = plot.series;
    if (series.isEmpty()) {
      throw new IllegalStateException("A plot without curves cannot be drawn");
    }
    this.width = width;
    head = fitted(title, TITLE, width - 2 * MARGIN);
    x = xScale();
    y =
        PlotScale.of(
                series.stream()
                    .flatMap(s -> Stream.of(s.y(), s.low(), s.high()).flatMap(List::stream))
                    .mapToDouble(v -> v))
            .widened(0.04);
    rows = y.round();
    double widest = rows.stream().mapToDouble(t -> wide(t.text(), TICK)).max().orElse(0);
    left = MARGIN + LABEL + GAP + widest + GAP;
    fillLegend();
    double named = legend.size() * LABEL * LEADING;
    top = MARGIN + (head.isEmpty() ? 0 : TITLE * LEADING) + named + GAP + TICK / 2;
    bottom = top + ASPECT * width;
    double end = width - MARGIN - GAP;
    List<Tick> all = columns(end - left);
    slanted =
        axis instanceof XAxis.Named
            && all.stream().mapToDouble(t -> wide(t.text(), TICK) + 2 * GAP).max().orElse(0)
                > (end - left) / Math.max(1, all.size() - 1);
    double last =
        slanted || all.isEmpty() ? 0 : wide(all.get(all.size() - 1).text(), TICK) / 2 - GAP;
    right = end - Math.max(0, last);
    columns = slanted ? thinned(all) : all;
  }

  private PlotScale xScale() {
    if (axis instanceof XAxis.Named named) {
      return new PlotScale(-0.25, Math.max(1, named.names().size() - 1) + 0.25);
    }
    DoubleStream all = series.stream().flatMap(s -> s.x().stream()).mapToDouble(v -> v);
    if (axis instanceof XAxis.Logarithmic) {
      return PlotScale.of(all.map(Math::log10));
    }
    return PlotScale.of(all).widened(0.02);
  }

  /** Entries in lines, as many in each as there is room for. */
  private void fillLegend() {
    double used = width;
    for (int s = 0; s < series.size(); s++) {
      double entry = SAMPLE + GAP + wide(name(s), LABEL) + 3 * GAP;
      if (used + entry > width - MARGIN + 3 * GAP) {
        legend.add(new ArrayList<>());
        used = MARGIN;
      }
      legend.get(legend.size() - 1).add(s);
      used += entry;
    }
  }

  private String name(int number) {
    return fitted(series.get(number).name(), LABEL, LONGEST_NAME);
  }

  private List<Tick> columns(double room) {
    if (axis instanceof XAxis.Named named) {
      return IntStream.range(0, named.names().size())
          .mapToObj(i -> new Tick(i, fitted(named.names().get(i), TICK, longest(room))))
          .toList();
    }
    List<Tick> all = axis instanceof XAxis.Linear ? measured() : x.decades();
    for (int every = 1; ; every++) {
      List<Tick> some = every(all, every);
      if (apart(some, room)) {
        return some;
      }
    }
  }

  private static List<Tick> every(List<Tick> ticks, int every) {
    return IntStream.range(0, ticks.size())
        .filter(i -> i % every == 0)
        .mapToObj(ticks::get)
        .toList();
  }

  /** Slanted names may begin no farther left than the axis' own title. */
  private double longest(double room) {
    double first = left + room * x.share(0) - MARGIN;
    return Math.min(LONGEST_TICK, first / Math.cos(Math.toRadians(SLANT)) - TICK);
  }

  private boolean apart(List<Tick> ticks, double room) {
    for (int i = 1; i < ticks.size(); i++) {
      double distance =
          room * (ticks.get(i).value() - ticks.get(i - 1).value()) / (x.high() - x.low());
      double half = wide(ticks.get(i - 1).text(), TICK) + wide(ticks.get(i).text(), TICK);
      if (distance < half / 2 + GAP) {
        return false;
      }
    }
    return true;
  }

  /** Every name, every other, every third: as many as stand clear of each other. */
  private List<Tick> thinned(List<Tick> names) {
    double distance = (right - left) / (x.high() - x.low());
    double needed = TICK * LEADING / Math.sin(Math.toRadians(SLANT));
    return every(names, Math.max(1, (int) Math.ceil(needed / distance)));
  }

  /** Where the points of the curves are, if they are few; round numbers otherwise. */
  private List<Tick> measured() {
    double[] points =
        series.stream()
            .flatMap(s -> s.x().stream())
            .mapToDouble(v -> v)
            .distinct()
            .sorted()
            .toArray();
    return points.length > MOST_POINTS ? x.round() : x.at(points);
  }

  double height() {
    double names =
        slanted
            ? columns.stream().mapToDouble(t -> wide(t.text(), TICK)).max().orElse(0)
                    * Math.sin(Math.toRadians(SLANT))
                + TICK
            : TICK;
    return bottom + GAP + names + GAP + LABEL * LEADING + MARGIN;
  }

  private double atX(double value) {
    double place = axis instanceof XAxis.Logarithmic ? Math.log10(value) : value;
    return left + (right - left) * x.share(place);
  }

  private double atY(double value) {
    return bottom - (bottom - top) * y.share(value);
  }

  void draw(Drawing drawing) {
    drawing.text(head, MARGIN, MARGIN + TITLE, TITLE, 0, Palette.INK);
    drawLegend(drawing);
    drawAxes(drawing);
    for (int s = 0; s < series.size(); s++) {
      band(drawing, series.get(s), color(s));
    }
    for (boolean faint : List.of(true, false)) {
      for (int s = 0; s < series.size(); s++) {
        if (series.get(s).faint() == faint) {
          curve(drawing, s);
        }
      }
    }
    for (int m = 0; m < plot.markers.size(); m++) {
      mark(drawing, plot.markers.get(m), m);
    }
  }

  private void drawLegend(Drawing drawing) {
    double line = MARGIN + (head.isEmpty() ? 0 : TITLE * LEADING) + LABEL;
    for (List<Integer> entries : legend) {
      double at = MARGIN;
      for (int s : entries) {
        double middle = line - LABEL / 3;
        stroke(drawing, new Line2D.Double(at, middle, at + SAMPLE, middle), s);
        at += SAMPLE + GAP;
        drawing.text(name(s), at, line, LABEL, 0, Palette.INK);
        at += wide(name(s), LABEL) + 3 * GAP;
      }
      line += LABEL * LEADING;
    }
  }

  private void drawAxes(Drawing drawing) {
    for (Tick tick : rows) {
      double at = atY(tick.value());
      rule(drawing, left, at, right, at, Palette.GRID);
      drawing.text(
          tick.text(),
          left - GAP - wide(tick.text(), TICK),
          at + TICK * 0.35,
          TICK,
          0,
          Palette.FAINT);
    }
    for (Tick tick : columns) {
      double at = left + (right - left) * x.share(tick.value());
      double length = wide(tick.text(), TICK);
      rule(drawing, at, top, at, bottom, Palette.GRID);
      if (slanted) {
        double along = Math.cos(Math.toRadians(SLANT)) * length;
        double down = bottom + GAP + TICK * 0.8 + along;
        drawing.text(tick.text(), at + TICK * 0.35 - along, down, TICK, SLANT, Palette.FAINT);
      } else {
        double line = bottom + GAP + TICK * 0.8;
        drawing.text(tick.text(), at - length / 2, line, TICK, 0, Palette.FAINT);
      }
    }
    rule(drawing, left, bottom, right, bottom, Palette.FAINT);
    double middle = (left + right) / 2;
    String across = fitted(plot.xTitle, LABEL, right - left);
    drawing.text(
        across,
        middle - wide(across, LABEL) / 2,
        height() - MARGIN - LABEL * 0.25,
        LABEL,
        0,
        Palette.INK);
    String up = fitted(plot.yTitle, LABEL, bottom - top);
    double below = (top + bottom) / 2 + wide(up, LABEL) / 2;
    drawing.text(up, MARGIN + LABEL * 0.75, below, LABEL, 90, Palette.INK);
  }

  private void rule(Drawing drawing, double x0, double y0, double x1, double y1, int rgb) {
    drawing.stroke(new Line2D.Double(x0, y0, x1, y1), 0.6, rgb);
  }

  private void stroke(Drawing drawing, Shape path, int number) {
    if (series.get(number).faint()) {
      drawing.stroke(path, 0.8, Palette.PALE);
    } else {
      drawing.stroke(path, 1.6, color(number), dashes(number));
    }
  }

  private void band(Drawing drawing, Series curve, int rgb) {
    Path2D area = new Path2D.Double();
    List<Integer> points = new ArrayList<>();
    for (int i = 0; i < curve.low().size(); i++) {
      if (Double.isFinite(curve.low().get(i)) && Double.isFinite(curve.high().get(i))) {
        points.add(i);
      }
    }
    if (points.size() < 2) {
      return;
    }
    points.forEach(i -> extend(area, atX(curve.x().get(i)), atY(curve.low().get(i))));
    Collections.reverse(points);
    points.forEach(i -> extend(area, atX(curve.x().get(i)), atY(curve.high().get(i))));
    area.closePath();
    drawing.fill(area, rgb, 0.16);
  }

  private static void extend(Path2D path, double x, double y) {
    if (path.getCurrentPoint() == null) {
      path.moveTo(x, y);
    } else {
      path.lineTo(x, y);
    }
  }

  private void curve(Drawing drawing, int number) {
    Series curve = series.get(number);
    Path2D path = new Path2D.Double();
    boolean begun = false;
    for (int i = 0; i < curve.x().size(); i++) {
      boolean there = Double.isFinite(curve.y().get(i));
      if (there && begun) {
        path.lineTo(atX(curve.x().get(i)), atY(curve.y().get(i)));
      } else if (there) {
        path.moveTo(atX(curve.x().get(i)), atY(curve.y().get(i)));
      }
      begun = there;
    }
    stroke(drawing, path, number);
    for (int i = 0; i < curve.x().size() && curve.x().size() <= MOST_DOTS; i++) {
      if (Double.isFinite(curve.y().get(i))) {
        double at = atX(curve.x().get(i));
        int rgb = curve.faint() ? Palette.PALE : color(number);
        drawing.dot(at, atY(curve.y().get(i)), 2.2, rgb, said(curve, i));
      }
    }
  }

  /** A point's numbers in words. */
  private String said(Series curve, int i) {
    String place =
        axis instanceof XAxis.Named named
            ? named.names().get((int) Math.round(curve.x().get(i)))
            : Text.format("%.4g", curve.x().get(i));
    String interval =
        curve.low().isEmpty()
            ? ""
            : Text.format(" (%.4g to %.4g)", curve.low().get(i), curve.high().get(i));
    return Typeface.get()
        .printable(
            Text.format("%s at %s: %.4g%s", curve.name(), place, curve.y().get(i), interval));
  }

  private void mark(Drawing drawing, Marker marker, int number) {
    double at = atX(marker.x());
    drawing.stroke(new Line2D.Double(at, top, at, bottom), 1, Palette.INK, DASHES);
    double beside = Math.max(right - at, at - left) - 2 * GAP;
    String text = fitted(marker.label(), LABEL, beside);
    double from = right - at >= at - left ? at + GAP : at - GAP - wide(text, LABEL);
    double line = top + LABEL * (1 + LEADING * number);
    drawing.fill(from - 1, line - LABEL, wide(text, LABEL) + 2, LABEL * LEADING, Palette.PAPER);
    drawing.text(text, from, line, LABEL, 0, Palette.INK);
  }

  private static int color(int number) {
    return Palette.CURVES.get(number % Palette.CURVES.size());
  }

  /** A colour that was used before is dashed. */
  private static float[] dashes(int number) {
    return switch (number / Palette.CURVES.size() % 3) {
      case 0 -> SOLID;
      case 1 -> DASHES;
      default -> DOTS;
    };
  }

  private static String fitted(String text, double size, double width) {
    return Typeface.get().fitted(text, size, width);
  }

  private static double wide(String text, double size) {
    return Typeface.get().width(text, size);
  }
}
