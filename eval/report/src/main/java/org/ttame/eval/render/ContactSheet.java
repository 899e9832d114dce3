package org.ttame.eval.render;

import java.util.ArrayList;
import java.util.List;
import org.ttame.core.Text;

/**
 * A table of pictures: a row an image, a column a method, titles over the columns and lines of text
 * under each picture. All pictures have the same size; captions that do not fit their column go on
 * in the next line, titles and words that do not are cut and end in two dots.
 */
public final class ContactSheet {
  private static final int MARGIN = 12;
  private static final int GAP = 10;
  private static final int SCALE = 2;
  private static final int LINE = SCALE * (BitmapFont.HEIGHT + 2);
  private static final int PAPER = 0xffffff;
  private static final int INK = 0x202020;
  private static final int FAINT = 0x606060;
  private static final int UNDER_PICTURE = 6;

  private final String title;
  private final List<String> columns;
  private final List<List<Cell>> rows = new ArrayList<>();

  /**
   * A picture and the text under it.
   *
   * @param picture the picture
   * @param caption its texts, each beginning a line, the first one darker
   */
  public record Cell(Canvas picture, List<String> caption) {
    public Cell {
      caption = List.copyOf(caption);
    }
  }

  /**
   * An empty sheet.
   *
   * @param title the line over everything
   * @param columns the columns' titles
   */
  public ContactSheet(String title, List<String> columns) {
    this.title = title;
    this.columns = List.copyOf(columns);
  }

  /**
   * Adds a row.
   *
   * @param cells one for each column
   * @throws IllegalArgumentException if their number is not that of the columns, or a picture's
   *     size is not that of the others
   */
  public void add(List<Cell> cells) {
    if (cells.size() != columns.size()) {
      throw new IllegalArgumentException(
          Text.format("A row of this sheet has %d cells, got %d", columns.size(), cells.size()));
    }
    Canvas first = rows.isEmpty() ? cells.get(0).picture() : rows.get(0).get(0).picture();
    for (Cell cell : cells) {
      Canvas picture = cell.picture();
      if (picture.width() != first.width() || picture.height() != first.height()) {
        throw new IllegalArgumentException(
            Text.format(
                "The pictures of this sheet are %d×%d pixels large, got one of %d×%d",
                first.width(), first.height(), picture.width(), picture.height()));
      }
    }
    rows.add(List.copyOf(cells));
  }

  /** How many rows it has. */
  public int rows() {
    return rows.size();
  }

  /**
   * Draws the sheet.
   *
   * @return the picture
   * @throws IllegalStateException if it has no rows
   */
  public Canvas draw() {
    if (rows.isEmpty()) {
      throw new IllegalStateException("A contact sheet without rows cannot be drawn");
    }
    int cellWidth = rows.get(0).get(0).picture().width();
    int cellHeight = rows.get(0).get(0).picture().height();
    int lines =
        rows.stream().flatMap(List::stream).mapToInt(cell -> lines(cell).size()).max().orElse(0);
    int rowHeight = cellHeight + UNDER_PICTURE + lines * LINE + GAP;
    int width = 2 * MARGIN + columns.size() * cellWidth + (columns.size() - 1) * GAP;
    int top = MARGIN + 2 * LINE + UNDER_PICTURE;
    Canvas sheet = new Canvas(width, top + rows.size() * rowHeight + MARGIN - GAP, PAPER);
    sheet.text(cut(title, width - 2 * MARGIN), MARGIN, MARGIN, SCALE, INK);
    for (int c = 0; c < columns.size(); c++) {
      int x = MARGIN + c * (cellWidth + GAP);
      sheet.text(cut(columns.get(c), cellWidth), x, MARGIN + LINE + UNDER_PICTURE, SCALE, INK);
      for (int r = 0; r < rows.size(); r++) {
        draw(sheet, rows.get(r).get(c), x, top + r * rowHeight);
      }
    }
    return sheet;
  }

  private static void draw(Canvas sheet, Cell cell, int x, int y) {
    sheet.draw(cell.picture(), x, y);
    int line = y + cell.picture().height() + UNDER_PICTURE;
    int first = cell.caption().isEmpty() ? 0 : wrap(cell.caption().get(0), cell).size();
    for (String text : lines(cell)) {
      sheet.text(text, x, line, SCALE, first-- > 0 ? INK : FAINT);
      line += LINE;
    }
  }

  private static List<String> lines(Cell cell) {
    return cell.caption().stream().flatMap(text -> wrap(text, cell).stream()).toList();
  }

  /** Breaks a text at spaces into lines as wide as the picture. */
  private static List<String> wrap(String text, Cell cell) {
    int width = cell.picture().width();
    List<String> lines = new ArrayList<>();
    String line = "";
    for (String word : BitmapFont.printable(text).split(" ", -1)) {
      String longer = line.isEmpty() ? word : line + " " + word;
      if (!line.isEmpty() && longer.length() > fitting(width)) {
        lines.add(cut(line, width));
        line = word;
      } else {
        line = longer;
      }
    }
    lines.add(cut(line, width));
    return lines;
  }

  private static String cut(String text, int width) {
    String printable = BitmapFont.printable(text);
    int fitting = fitting(width);
    return printable.length() <= fitting ? printable : printable.substring(0, fitting - 2) + "..";
  }

  private static int fitting(int width) {
    // The last character needs no gap after it.
    return Math.max(2, (width / SCALE + 1) / BitmapFont.ADVANCE);
  }
}
