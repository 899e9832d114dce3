package org.ttame.eval.figure;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.ttame.core.Text;
import org.ttame.eval.render.ColorMap;
import org.ttame.eval.render.FigureSheet;
import org.ttame.eval.render.Panel;
import org.ttame.eval.render.Thumbnail;
import org.ttame.eval.report.Html;
import org.ttame.eval.report.Section;
import org.ttame.eval.report.Template;

/** Figures as a part of a page: rows of pictures that break into smaller ones on a phone. */
public final class FigureSection {
  private static final String FILE = "figures.html";

  /** Enough colours for a gradient that looks like the scale itself. */
  private static final int STOPS = 9;

  private FigureSection() {}

  /**
   * A section.
   *
   * @param id where links lead to
   * @param title its heading
   * @param notes for each figure a line on its files, or an empty text
   */
  public static Section of(String id, String title, List<Figure> figures, List<Html> notes) {
    List<Html> all = new ArrayList<>();
    for (int i = 0; i < figures.size(); i++) {
      all.add(figure(figures.get(i), notes.get(i)));
    }
    return new Section(id, title, Html.join(all), List.of("figures.css"), List.of());
  }

  /** A line with links to files. */
  static Html links(List<String> files) {
    Template link = Template.read(FILE, "link");
    return Html.join(
        files.stream()
            .map(
                file ->
                    link.fill(
                        Map.of(
                            "file",
                            file,
                            "name",
                            file.substring(file.lastIndexOf('.') + 1).toUpperCase(Locale.ROOT))))
            .toList());
  }

  private static Html figure(Figure figure, Html note) {
    FigureSheet sheet = figure.sheet();
    List<Html> rows = new ArrayList<>();
    for (int r = 0; r < sheet.rows().size(); r++) {
      String above = sheet.headings().isEmpty() ? "" : sheet.headings().get(r);
      rows.add(row(sheet.columns(), above, sheet.rows().get(r)));
    }
    Html heading =
        figure.title().isEmpty()
            ? Html.NONE
            : Template.read(FILE, "heading").fill(Map.of("title", Html.name(figure.title())));
    return Template.read(FILE, "figure")
        .fill(
            Map.of(
                "heading",
                heading,
                "columns",
                sheet.columns().size(),
                "kind",
                sheet.headings().isEmpty() ? "" : " stacked",
                "rows",
                Html.join(rows),
                "scale",
                sheet.colors().map(FigureSection::scale).orElse(Html.NONE),
                "caption",
                figure.caption(),
                "note",
                note));
  }

  private static Html row(List<String> columns, String above, List<Optional<Panel>> row) {
    List<Html> panels = new ArrayList<>();
    if (!above.isEmpty()) {
      panels.add(Template.read(FILE, "above").fill(Map.of("text", Html.name(above))));
    }
    String about = above.isEmpty() ? about(row) : above;
    for (int c = 0; c < row.size(); c++) {
      String head = columns.get(c);
      panels.add(
          row.get(c)
              .map(panel -> panel(head, panel, about))
              .orElseGet(() -> Template.read(FILE, "blank").fill(Map.of())));
    }
    return Template.read(FILE, "row").fill(Map.of("panels", Html.join(panels)));
  }

  /** What a row shows: the first line under its first picture. */
  private static String about(List<Optional<Panel>> row) {
    return row.stream()
        .flatMap(Optional::stream)
        .flatMap(panel -> panel.lines().stream())
        .findFirst()
        .orElse("");
  }

  private static Html panel(String head, Panel panel, String about) {
    Template line = Template.read(FILE, "line");
    List<Html> lines =
        panel.lines().stream()
            .filter(text -> !text.isEmpty())
            .map(text -> line.fill(Map.of("text", Html.name(text))))
            .toList();
    String said = panel.lines().isEmpty() ? about : String.join(", ", panel.lines());
    return Template.read(FILE, "panel")
        .fill(
            Map.of(
                "picture", Thumbnail.photo(panel.picture()),
                "alt", head + ": " + said,
                "head", Html.name(head),
                "lines", Html.join(lines)));
  }

  private static Html scale(ColorMap colors) {
    String stops =
        java.util.stream.IntStream.range(0, STOPS)
            .mapToObj(i -> Text.format("#%06x", colors.rgb(i / (STOPS - 1.0))))
            .collect(Collectors.joining(","));
    return Template.read(FILE, "scale").fill(Map.of("colours", new Html(stops)));
  }
}
