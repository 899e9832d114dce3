package org.ttame.eval.render;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import org.ttame.core.Text;
import org.ttame.core.image.RgbImage;

/**
 * A figure for papers: a table of pictures as wide as a page of two columns, with heads over the
 * columns, lines under the pictures and the scale of the heatmaps' colours. A long table of few
 * columns is folded into two beside each other. One layout for PNG, SVG and PDF. Texts that do not
 * fit in two lines lose their middle; {@code report.html} has them whole.
 *
 * @param columns the heads
 * @param rows the pictures, row by row; a row may end early, and have places without a picture
 * @param colors of the heatmaps, for the scale; empty for figures without one
 */
public record FigureSheet(
    List<String> columns, List<List<Optional<Panel>>> rows, Optional<ColorMap> colors) {
  /** Points of 1/72 inch: the width of text in a paper of two columns. */
  private static final double WIDTH = 504;

  private static final double GAP = 6;
  private static final double FOLD_GAP = 20;
  private static final int FOLDED_COLUMNS = 4;
  private static final int FOLDED_ROWS = 4;
  private static final double LARGEST = 118;
  private static final double HEAD = 8.5;
  private static final double HEAD_LINE = 10.5;
  private static final double TEXT = 7;
  private static final double TEXT_LINE = 8.6;
  private static final double UNDER_PICTURE = 8;
  private static final double ROW_GAP = 6;
  private static final double SCALE_WIDTH = 96;
  private static final double SCALE_HEIGHT = 5;

  /** Pixels a point in the PNG: 216 to the inch. */
  private static final double RESOLUTION = 3;

  private static final int PAPER = 0xffffff;
  private static final int INK = 0x1a1a1a;
  private static final int FAINT = 0x595959;

  private static final String SCALE_TEXT =
      "explanation map, each scaled from its smallest value to its largest";

  /**
   * A surface whose pixels are {@code unit} to a point.
   *
   * @param surface what is drawn on
   * @param unit pixels a point
   */
  private record Pen(PlotSurface surface, double unit) {
    void label(String text, double x, double y, double size, int rgb) {
      surface.label(text, x * unit, y * unit, size * unit, rgb);
    }

    void picture(RgbImage picture, double x, double y, double width, double height) {
      surface.picture(picture, x * unit, y * unit, (x + width) * unit, (y + height) * unit);
    }
  }

  public FigureSheet {
    columns = List.copyOf(columns);
    rows = rows.stream().map(List::copyOf).toList();
    Objects.requireNonNull(colors, "colors");
    if (columns.isEmpty() || rows.isEmpty()) {
      throw new IllegalArgumentException("A figure needs a column and a row at least");
    }
    for (List<Optional<Panel>> row : rows) {
      if (row.size() > columns.size()) {
        throw new IllegalArgumentException(
            Text.format(
                "A row of %d pictures does not fit %d columns", row.size(), columns.size()));
      }
    }
  }

  /** How many pictures it shows. */
  public int pictures() {
    return (int) rows.stream().flatMap(List::stream).filter(Optional::isPresent).count();
  }

  /** The figure in pixels, three to a point. */
  public Canvas toCanvas() {
    Layout layout = layout();
    Canvas canvas =
        new Canvas(
            (int) Math.ceil(layout.width() * RESOLUTION),
            (int) Math.ceil(layout.height() * RESOLUTION),
            PAPER);
    layout.draw(new Pen(new CanvasSurface(canvas), RESOLUTION));
    return canvas;
  }

  /**
   * The figure as an SVG document.
   *
   * @param title its name
   * @param description its caption
   */
  public String toSvg(String title, String description) {
    Layout layout = layout();
    int width = (int) Math.ceil(layout.width());
    int height = (int) Math.ceil(layout.height());
    SvgSurface surface = new SvgSurface(width, height);
    surface.fill(0, 0, width, height, PAPER, 1);
    layout.draw(new Pen(surface, 1));
    return surface.document(printable(title), printable(description));
  }

  /**
   * The figure as a PDF of one page.
   *
   * @param title its name
   * @param description its caption
   * @return the bytes of the file
   */
  public byte[] toPdf(String title, String description) {
    Layout layout = layout();
    try (PdfSurface surface =
        new PdfSurface((int) Math.ceil(layout.width()), (int) Math.ceil(layout.height()))) {
      layout.draw(new Pen(surface, 1));
      return surface.document(printable(title), printable(description));
    }
  }

  private static String printable(String text) {
    return Typeface.get().printable(text);
  }

  /** As it is drawn: folded where it is long and narrow, and where a row may begin a table. */
  private Layout layout() {
    int count = columns.size();
    int half = (rows.size() + 1) / 2;
    while (half < rows.size() && !beginsTable(rows.get(half))) {
      half++;
    }
    if (count > FOLDED_COLUMNS || rows.size() < FOLDED_ROWS || half == rows.size()) {
      return new Layout(columns, rows, count, colors);
    }
    List<String> heads = new ArrayList<>(columns);
    heads.addAll(columns);
    List<List<Optional<Panel>>> folded = new ArrayList<>();
    for (int r = 0; r < half; r++) {
      List<Optional<Panel>> row = new ArrayList<>(rows.get(r));
      if (half + r < rows.size()) {
        row.addAll(Collections.nCopies(count - row.size(), Optional.empty()));
        row.addAll(rows.get(half + r));
      }
      folded.add(row);
    }
    return new Layout(heads, folded, count, colors);
  }

  /** A row without its first picture belongs to the one before. */
  private static boolean beginsTable(List<Optional<Panel>> row) {
    return !row.isEmpty() && row.get(0).isPresent();
  }

  /**
   * Everything at its place.
   *
   * @param columns the heads
   * @param rows the pictures
   * @param fold the column after which the second table begins
   * @param colors of the heatmaps
   */
  private record Layout(
      List<String> columns, List<List<Optional<Panel>>> rows, int fold, Optional<ColorMap> colors) {
    private double gaps() {
      return (columns.size() - 1) * GAP + (fold < columns.size() ? FOLD_GAP - GAP : 0);
    }

    private double side() {
      return Math.min(LARGEST, (WIDTH - gaps()) / columns.size());
    }

    /** A figure of few columns is narrower, but leaves room for the scale. */
    private double width() {
      double table = columns.size() * side() + gaps();
      return colors.isEmpty() ? table : Math.max(table, scaleWidth());
    }

    private double height() {
      double rowsHeight = IntStream.range(0, rows.size()).mapToDouble(this::rowHeight).sum();
      double scale = colors.isEmpty() ? 0 : ROW_GAP + SCALE_HEIGHT + 2;
      return top() + rowsHeight - ROW_GAP + scale + 2;
    }

    private List<String> head(int column) {
      return Typeface.get().wrapped(columns.get(column), HEAD, side());
    }

    private int headLines() {
      return IntStream.range(0, columns.size()).map(c -> head(c).size()).max().orElse(0);
    }

    private double top() {
      return headLines() * HEAD_LINE + 2;
    }

    private double rowHeight(int row) {
      int lines =
          IntStream.range(0, rows.get(row).size())
              .filter(c -> !isFreeBelow(row, c))
              .mapToObj(c -> rows.get(row).get(c))
              .flatMap(Optional::stream)
              .mapToInt(panel -> lines(panel).size())
              .max()
              .orElse(0);
      return pictureHeight(row) + lines * TEXT_LINE + (lines > 0 ? 2 : 0) + ROW_GAP;
    }

    /** Whether lines may go on beside the next row, since it has no picture there. */
    private boolean isFreeBelow(int row, int column) {
      return row + 1 < rows.size()
          && column < rows.get(row + 1).size()
          && rows.get(row + 1).get(column).isEmpty();
    }

    private double pictureHeight(int row) {
      return rows.get(row).stream()
          .flatMap(Optional::stream)
          .mapToDouble(this::height)
          .max()
          .orElse(0);
    }

    private double height(Panel panel) {
      return side() * panel.picture().height() / panel.picture().width();
    }

    private double left(int column) {
      return column * (side() + GAP) + (column < fold ? 0 : FOLD_GAP - GAP);
    }

    private void draw(Pen pen) {
      for (int c = 0; c < columns.size(); c++) {
        List<String> lines = head(c);
        // Heads stand on the pictures, however many lines the longest has.
        double y = top() - 4 - (lines.size() - 1) * HEAD_LINE;
        for (String line : lines) {
          pen.label(line, left(c), y, HEAD, INK);
          y += HEAD_LINE;
        }
      }
      double y = top();
      for (int r = 0; r < rows.size(); r++) {
        for (int c = 0; c < rows.get(r).size(); c++) {
          if (rows.get(r).get(c).isPresent()) {
            draw(pen, rows.get(r).get(c).get(), left(c), y, pictureHeight(r));
          }
        }
        y += rowHeight(r);
      }
      if (colors.isPresent()) {
        drawScale(pen, colors.get(), y);
      }
    }

    private void draw(Pen pen, Panel panel, double x, double y, double rowPicture) {
      pen.picture(panel.picture(), x, y, side(), height(panel));
      double line = y + rowPicture + UNDER_PICTURE;
      for (Line text : lines(panel)) {
        pen.label(text.text(), x, line, TEXT, text.color());
        line += TEXT_LINE;
      }
    }

    /** What stands under a picture: of each text no more than two lines. */
    private List<Line> lines(Panel panel) {
      Typeface typeface = Typeface.get();
      List<Line> lines = new ArrayList<>();
      for (String text : panel.lines()) {
        int color = lines.isEmpty() ? INK : FAINT;
        List<String> wrapped = typeface.wrapped(text, TEXT, side());
        lines.add(new Line(wrapped.get(0), color));
        if (wrapped.size() > 1) {
          String rest = String.join(" ", wrapped.subList(1, wrapped.size()));
          lines.add(new Line(typeface.fitted(rest, TEXT, side()), color));
        }
      }
      return lines;
    }

    private record Line(String text, int color) {}

    private double scaleWidth() {
      Typeface typeface = Typeface.get();
      return typeface.width("0", TEXT)
          + 4
          + SCALE_WIDTH
          + 4
          + typeface.width("1", TEXT)
          + GAP
          + typeface.width(SCALE_TEXT, TEXT);
    }

    /** A bar of the colours from 0 to 1 and what they mean. */
    private static void drawScale(Pen pen, ColorMap colors, double y) {
      Typeface typeface = Typeface.get();
      Canvas bar = new Canvas(colors.steps().size(), 1, PAPER);
      for (int i = 0; i < colors.steps().size(); i++) {
        bar.set(i, 0, colors.steps().get(i));
      }
      double line = y + SCALE_HEIGHT;
      double x = 0;
      pen.label("0", x, line, TEXT, FAINT);
      x += typeface.width("0", TEXT) + 4;
      pen.picture(bar.toImage(), x, y, SCALE_WIDTH, SCALE_HEIGHT);
      x += SCALE_WIDTH + 4;
      pen.label("1", x, line, TEXT, FAINT);
      x += typeface.width("1", TEXT) + GAP;
      pen.label(SCALE_TEXT, x, line, TEXT, FAINT);
    }
  }
}
