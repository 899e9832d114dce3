package org.ttame.eval.render;

import java.util.ArrayList;
import java.util.List;
import org.ttame.core.Text;

/** Curves over a common axis, with intervals as bands: one layout for files and for pages. */
public final class LinePlot implements Graphic {
  private static final double WIDTH = 468;

  /** Pages are read on phones, too: the same letters on fewer points are larger there. */
  private static final double PAGE_WIDTH = 360;

  private final String title;
  final String xTitle;
  final String yTitle;
  final XAxis axis;
  final List<Series> series = new ArrayList<>();
  final List<Marker> markers = new ArrayList<>();

  /** How the horizontal axis is divided. */
  public sealed interface XAxis {
    /** Whether a number has a place on it. */
    boolean has(double x);

    /** Even steps. */
    record Linear() implements XAxis {
      @Override
      public boolean has(double x) {
        return Double.isFinite(x);
      }
    }

    /** Decades. */
    record Logarithmic() implements XAxis {
      @Override
      public boolean has(double x) {
        return x > 0 && Double.isFinite(x);
      }
    }

    /**
     * Named places 0, 1, 2 ….
     *
     * @param names a name for each
     */
    record Named(List<String> names) implements XAxis {
      public Named {
        names = List.copyOf(names);
      }

      @Override
      public boolean has(double x) {
        return x >= 0 && x < names.size();
      }
    }
  }

  /**
   * A curve.
   *
   * @param name in the legend
   * @param x ascending; above 0 on a logarithmic axis
   * @param y where it is not finite the curve has a gap
   * @param low lower ends of intervals; empty for none
   * @param high upper ends
   * @param faint whether it stays behind the others, thin and grey
   */
  public record Series(
      String name,
      List<Double> x,
      List<Double> y,
      List<Double> low,
      List<Double> high,
      boolean faint) {
    public Series {
      x = List.copyOf(x);
      y = List.copyOf(y);
      low = List.copyOf(low);
      high = List.copyOf(high);
      if (x.size() != y.size() || x.isEmpty()) {
        throw new IllegalArgumentException(
            Text.format("A curve needs as many y as x, got %d and %d", y.size(), x.size()));
      }
      if (low.size() != high.size() || (!low.isEmpty() && low.size() != x.size())) {
        throw new IllegalArgumentException(
            Text.format(
                "A curve of %d points cannot have intervals with %d lower and %d upper ends",
                x.size(), low.size(), high.size()));
      }
    }

    /** A curve with intervals; none where {@code low} and {@code high} are empty. */
    public Series(
        String name, List<Double> x, List<Double> y, List<Double> low, List<Double> high) {
      this(name, x, y, low, high, false);
    }

    /** A curve without intervals. */
    public static Series of(String name, List<Double> x, List<Double> y) {
      return new Series(name, x, y, List.of(), List.of());
    }

    /** The same behind the others. */
    public Series behind() {
      return new Series(name, x, y, low, high, true);
    }
  }

  /** An upright line and what it says. */
  record Marker(double x, String label) {}

  /**
   * An empty plot.
   *
   * @param title the line over everything; empty for none
   * @param xTitle what x is, with its unit
   * @param yTitle what y is, with its unit
   * @param axis how x is divided
   */
  public LinePlot(String title, String xTitle, String yTitle, XAxis axis) {
    this.title = title;
    this.xTitle = xTitle;
    this.yTitle = yTitle;
    this.axis = axis;
  }

  /**
   * Adds a curve.
   *
   * @throws IllegalArgumentException if the axis has no place for one of its x
   */
  public void add(Series curve) {
    for (double x : curve.x()) {
      if (!axis.has(x)) {
        throw new IllegalArgumentException(
            Text.format("The axis \"%s\" has no place for %s", xTitle, x));
      }
    }
    series.add(curve);
  }

  /** Marks a place of x by an upright line. */
  public void mark(double x, String label) {
    markers.add(new Marker(x, label));
  }

  /** The title. */
  public String title() {
    return title;
  }

  @Override
  public double width() {
    return WIDTH;
  }

  @Override
  public double height() {
    return new PlotLayout(this, WIDTH, title).height();
  }

  @Override
  public void draw(Drawing drawing) {
    new PlotLayout(this, WIDTH, title).draw(drawing);
  }

  /**
   * The plot as an SVG element of a page, without its title; points say their numbers.
   *
   * @param label what screen readers call it
   */
  public String toElement(String label) {
    PlotLayout layout = new PlotLayout(this, PAGE_WIDTH, "");
    SvgDrawing drawing = new SvgDrawing(PAGE_WIDTH, layout.height(), true);
    layout.draw(drawing);
    return drawing.element(Typeface.get().printable(label));
  }
}
