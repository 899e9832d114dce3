package org.ttame.eval.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.ttame.core.Text;

/**
 * A table with a heading for every row and column; it scrolls within itself where the page is
 * narrower.
 */
public final class Table {
  private static final String FILE = "table.html";

  private final String label;
  private final Html caption;
  private final String kind;
  private final List<Html> columns;
  private final List<Html> rows = new ArrayList<>();

  /**
   * A cell.
   *
   * @param content what it shows
   * @param kind how it looks, a class of the style sheet; empty for an ordinary one
   */
  public record Cell(Html content, String kind) {
    /** An ordinary cell. */
    public static Cell of(String text) {
      return new Cell(Html.text(text), "");
    }

    private Html markup() {
      return Template.read(FILE, "cell").fill(Map.of("kind", attribute(kind), "content", content));
    }
  }

  /**
   * An empty table.
   *
   * @param label what screen readers call it
   * @param caption the line over it
   * @param columns the headings, that of the row headings first
   */
  public Table(String label, Html caption, List<Html> columns) {
    this(label, caption, "", columns);
  }

  private Table(String label, Html caption, String kind, List<Html> columns) {
    this.label = label;
    this.caption = caption;
    this.kind = kind;
    this.columns = List.copyOf(columns);
  }

  /**
   * A table of terms and what is known of each.
   *
   * @param label what screen readers call it
   * @param caption the line over it
   * @param pairs terms in order
   * @return its markup
   */
  public static Html pairs(String label, String caption, Map<String, ?> pairs) {
    Table table = new Table(label, Html.text(caption), "pairs", heads("what", "value"));
    pairs.forEach(
        (term, value) ->
            table.row(Html.text(term), List.of(new Cell(Html.name(String.valueOf(value)), ""))));
    return table.markup();
  }

  /** Headings of columns, that of the row headings first; more may be added. */
  public static List<Html> heads(String... texts) {
    return Stream.of(texts).map(Html::text).collect(Collectors.toCollection(ArrayList::new));
  }

  /**
   * Adds a row.
   *
   * @param head its heading
   * @param cells as many as there are columns besides the headings'
   * @throws IllegalArgumentException if there are not
   */
  public void row(Html head, List<Cell> cells) {
    if (cells.size() != columns.size() - 1) {
      throw new IllegalArgumentException(
          Text.format(
              "A row of a table of %d columns has a heading and %d cells, got %d",
              columns.size(), columns.size() - 1, cells.size()));
    }
    List<Html> markup = cells.stream().map(Cell::markup).toList();
    rows.add(Template.read(FILE, "row").fill(Map.of("head", head, "cells", Html.join(markup))));
  }

  /** The table as markup. */
  public Html markup() {
    Template head = Template.read(FILE, "head");
    List<Html> heads =
        columns.stream().map(column -> head.fill(Map.of("content", column))).toList();
    return Template.read(FILE, "table")
        .fill(
            Map.of(
                "label", label,
                "kind", attribute(kind),
                "caption", caption,
                "head", Html.join(heads),
                "body", Html.join(rows)));
  }

  private static Html attribute(String kind) {
    return kind.isEmpty() ? Html.NONE : new Html(" class=\"" + Html.text(kind).markup() + "\"");
  }
}
