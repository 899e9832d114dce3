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
 * A table of pictures, as wide as a page of two columns unless it has many: a title, heads over the
 * columns, a heading over each row, lines under the pictures and the scale of the heatmaps'
 * colours. A long table of few columns, without title and headings, is folded into two beside each
 * other. Texts that do not fit their lines lose their middle; pages have them whole.
 *
 * @param title the line over everything; empty for none
 * @param columns the heads
 * @param headings a line over each row; empty for none
 * @param rows the pictures, row by row; a row may end early, and have places without a picture
 * @param colors of the heatmaps, for the scale; empty for figures without one
 */
public record FigureSheet(
    String title,
    List<String> columns,
    List<String> headings,
    List<List<Optional<Panel>>> rows,
    Optional<ColorMap> colors)
    implements Graphic {
  /** The width of text in a paper of two columns. */
  private static final double WIDTH = 504;

  private static final double MARGIN = 6;
  private static final double GAP = 6;
  private static final double FOLD_GAP = 20;
  private static final int FOLDED_COLUMNS = 4;
  private static final int FOLDED_ROWS = 4;
  private static final double LARGEST = 118;
  private static final double SMALLEST = 52;
  private static final double TITLE = 10;
  private static final double TITLE_LINE = 16;
  private static final double HEAD = 8.5;
  private static final double HEAD_LINE = 10.5;
  private static final int HEAD_LINES = 3;
  private static final double TEXT = 7;
  private static final double TEXT_LINE = 8.6;
  private static final int TEXT_LINES = 2;
  private static final double UNDER_PICTURE = 8;
  private static final double ROW_GAP = 6;
  private static final double SCALE_WIDTH = 96;
  private static final double SCALE_HEIGHT = 5;

  private static final String SCALE_TEXT =
      "explanation map, each scaled from its smallest value to its largest";

  public FigureSheet {
    Objects.requireNonNull(title, "title");
    columns = List.copyOf(columns);
    headings = List.copyOf(headings);
    rows = rows.stream().map(List::copyOf).toList();
    Objects.requireNonNull(colors, "colors");
    if (columns.isEmpty() || rows.isEmpty()) {
      throw new IllegalArgumentException("A figure needs a column and a row at least");
    }
    if (!headings.isEmpty() && headings.size() != rows.size()) {
      throw new IllegalArgumentException(
          Text.format("%d rows cannot have %d headings", rows.size(), headings.size()));
    }
    for (List<Optional<Panel>> row : rows) {
      if (row.size() > columns.size()) {
        throw new IllegalArgumentException(
            Text.format(
                "A row of %d pictures does not fit %d columns", row.size(), columns.size()));
      }
    }
  }

  /** A sheet without title and headings. */
  public FigureSheet(
      List<String> columns, List<List<Optional<Panel>>> rows, Optional<ColorMap> colors) {
    this("", columns, List.of(), rows, colors);
  }

  /** How many pictures it shows. */
  public int pictures() {
    return (int) rows.stream().flatMap(List::stream).filter(Optional::isPresent).count();
  }

  @Override
  public double width() {
    return layout().width();
  }

  @Override
  public double height() {
    return layout().height();
  }

  @Override
  public void draw(Drawing drawing) {
    layout().draw(drawing);
  }

  /** As it is drawn: folded where it is long and narrow, and where a row may begin a table. */
  private Layout layout() {
    int count = columns.size();
    int half = (rows.size() + 1) / 2;
    while (half < rows.size() && !beginsTable(rows.get(half))) {
      half++;
    }
    if (count > FOLDED_COLUMNS
        || rows.size() < FOLDED_ROWS
        || half == rows.size()
        || !title.isEmpty()
        || !headings.isEmpty()) {
      return new Layout(this, count);
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
    return new Layout(new FigureSheet(title, heads, List.of(), folded, colors), count);
  }

  /** A row without its first picture belongs to the one before. */
  private static boolean beginsTable(List<Optional<Panel>> row) {
    return !row.isEmpty() && row.get(0).isPresent();
  }

  /** Everything at its place; after column {@code fold} the second table begins. */
  private record Layout(FigureSheet sheet, int fold) {
    private int columns() {
      return sheet.columns().size();
    }

    private double gaps() {
      return (columns() - 1) * GAP + (fold < columns() ? FOLD_GAP - GAP : 0);
    }

    private double side() {
      double room = (WIDTH - 2 * MARGIN - gaps()) / columns();
      return Math.max(SMALLEST, Math.min(LARGEST, room));
    }

    /** A figure of few columns is narrower, but leaves room for the scale. */
    private double width() {
      double table = columns() * side() + gaps();
      return 2 * MARGIN + (sheet.colors().isEmpty() ? table : Math.max(table, scaleWidth()));
    }

    private double height() {
      double rows = IntStream.range(0, sheet.rows().size()).mapToDouble(this::rowHeight).sum();
      double scale = sheet.colors().isEmpty() ? 0 : ROW_GAP + SCALE_HEIGHT + 2;
      return top() + rows - ROW_GAP + scale + MARGIN;
    }

    private List<String> head(int column) {
      return Typeface.get().wrapped(sheet.columns().get(column), HEAD, side(), HEAD_LINES);
    }

    /** Where the first row begins, and heads end. */
    private double top() {
      int lines = IntStream.range(0, columns()).map(c -> head(c).size()).max().orElse(0);
      return MARGIN + (sheet.title().isEmpty() ? 0 : TITLE_LINE) + lines * HEAD_LINE + 2;
    }

    private double heading() {
      return sheet.headings().isEmpty() ? 0 : HEAD_LINE + 2;
    }

    private double rowHeight(int row) {
      double text =
          IntStream.range(0, sheet.rows().get(row).size())
              .mapToDouble(c -> textHeight(row, c))
              .max()
              .orElse(0);
      return heading() + pictureHeight(row) + text + ROW_GAP;
    }

    /** What lines need under a picture; they may go on beside the next row where it has none. */
    private double textHeight(int row, int column) {
      int lines = sheet.rows().get(row).get(column).map(panel -> lines(panel).size()).orElse(0);
      double text = lines == 0 ? 0 : lines * TEXT_LINE + 2;
      boolean free =
          sheet.headings().isEmpty()
              && row + 1 < sheet.rows().size()
              && column < sheet.rows().get(row + 1).size()
              && sheet.rows().get(row + 1).get(column).isEmpty();
      return free ? Math.max(0, text - pictureHeight(row + 1)) : text;
    }

    private double pictureHeight(int row) {
      return sheet.rows().get(row).stream()
          .flatMap(Optional::stream)
          .mapToDouble(this::height)
          .max()
          .orElse(0);
    }

    private double height(Panel panel) {
      return side() * panel.picture().height() / panel.picture().width();
    }

    private double left(int column) {
      return MARGIN + column * (side() + GAP) + (column < fold ? 0 : FOLD_GAP - GAP);
    }

    private void draw(Drawing drawing) {
      Typeface typeface = Typeface.get();
      String title = typeface.fitted(sheet.title(), TITLE, width() - 2 * MARGIN);
      drawing.text(title, MARGIN, MARGIN + TITLE, TITLE, 0, Palette.INK);
      for (int c = 0; c < columns(); c++) {
        List<String> lines = head(c);
        // Heads stand on the pictures, however many lines the longest has.
        double y = top() - 4 - (lines.size() - 1) * HEAD_LINE;
        for (String line : lines) {
          drawing.text(line, left(c), y, HEAD, 0, Palette.INK);
          y += HEAD_LINE;
        }
      }
      double y = top();
      for (int r = 0; r < sheet.rows().size(); r++) {
        List<Optional<Panel>> row = sheet.rows().get(r);
        if (!sheet.headings().isEmpty()) {
          // Over the first picture that is there, and as far as the row goes.
          int first =
              IntStream.range(0, row.size())
                  .filter(c -> row.get(c).isPresent())
                  .findFirst()
                  .orElse(0);
          double room = width() - MARGIN - left(first);
          String text = typeface.fitted(sheet.headings().get(r), HEAD, room);
          drawing.text(text, left(first), y + HEAD, HEAD, 0, Palette.FAINT);
        }
        for (int c = 0; c < row.size(); c++) {
          if (row.get(c).isPresent()) {
            draw(drawing, row.get(c).get(), left(c), y + heading(), pictureHeight(r));
          }
        }
        y += rowHeight(r);
      }
      if (sheet.colors().isPresent()) {
        drawScale(drawing, sheet.colors().get(), y);
      }
    }

    private void draw(Drawing drawing, Panel panel, double x, double y, double rowPicture) {
      drawing.picture(panel.picture(), x, y, side(), height(panel));
      double line = y + rowPicture + UNDER_PICTURE;
      for (Line text : lines(panel)) {
        drawing.text(text.text(), x, line, TEXT, 0, text.color());
        line += TEXT_LINE;
      }
    }

    /** What stands under a picture. */
    private List<Line> lines(Panel panel) {
      List<Line> lines = new ArrayList<>();
      for (String text : panel.lines()) {
        int color = lines.isEmpty() ? Palette.INK : Palette.FAINT;
        Typeface.get()
            .wrapped(text, TEXT, side(), TEXT_LINES)
            .forEach(line -> lines.add(new Line(line, color)));
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
    private static void drawScale(Drawing drawing, ColorMap colors, double y) {
      Typeface typeface = Typeface.get();
      RgbImage bar = RgbImage.of(colors.steps().size(), 1, (x, row) -> colors.steps().get(x));
      double line = y + SCALE_HEIGHT;
      double x = MARGIN;
      drawing.text("0", x, line, TEXT, 0, Palette.FAINT);
      x += typeface.width("0", TEXT) + 4;
      drawing.picture(bar, x, y, SCALE_WIDTH, SCALE_HEIGHT);
      x += SCALE_WIDTH + 4;
      drawing.text("1", x, line, TEXT, 0, Palette.FAINT);
      x += typeface.width("1", TEXT) + GAP;
      drawing.text(SCALE_TEXT, x, line, TEXT, 0, Palette.FAINT);
    }
  }
}
