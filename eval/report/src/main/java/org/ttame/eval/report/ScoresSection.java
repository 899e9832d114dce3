package org.ttame.eval.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.ttame.core.Text;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.EvaluationStatistics;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.output.PaperTable;
import org.ttame.eval.statistics.Interval;

/**
 * The tables: every method's means as the paper lays them out, and the differences between them.
 */
record ScoresSection(EvaluationResult result, EvaluationStatistics statistics, Verdict verdict) {
  private static final String FILE = "sections.html";

  Section section() {
    List<Html> parts = new ArrayList<>();
    parts.add(means());
    parts.add(
        note(
            "Best in bold, second best underlined; ↓ lower is better, ↑ higher is"
                + " better. Below each mean its interval. FP: forward passes through the"
                + " network per map, as counted; backward passes are counted separately,"
                + " see Provenance."));
    for (MethodResult method : result.methods()) {
      method
          .warnings()
          .forEach(
              (what, count) ->
                  parts.add(note(Text.format("%s: %,d %s.", method.title(), count, what))));
    }
    if (result.methods().size() > 1) {
      parts.add(Template.read(FILE, "heading").fill(Map.of("text", "Differences, image by image")));
      parts.add(differences());
      parts.add(
          note(
              "Green: "
                  + result.methods().get(0).title()
                  + " is better than the row's method and the interval excludes zero; red:"
                  + " worse; grey: no significant difference on these images."));
    }
    return Section.of("scores", "Scores", Html.join(parts));
  }

  private Html means() {
    List<Html> columns = Table.heads("method");
    verdict.columns().forEach(found -> columns.add(found.column().heading()));
    columns.add(Html.text("FP"));
    Table table =
        new Table(
            "Means of every method",
            Html.text(
                Text.format(
                    "Means in percent; the last row gives the number of images, of %,d in"
                        + " all.",
                    result.images())),
            columns);
    for (MethodResult method : result.methods()) {
      List<Table.Cell> cells = new ArrayList<>();
      for (Verdict.Found found : verdict.columns()) {
        Interval mean = statistics.mean(method.method(), found.column().key());
        cells.add(
            new Table.Cell(
                score(Numbers.mean(mean), Numbers.range(mean)), rank(found, Numbers.mean(mean))));
      }
      cells.add(Table.Cell.of(method.fp()));
      table.row(Html.name(method.title()), cells);
    }
    List<Table.Cell> images = new ArrayList<>();
    verdict
        .columns()
        .forEach(found -> images.add(Table.Cell.of(result.images(found.column().key()))));
    images.add(Table.Cell.of(""));
    table.row(Html.text(PaperTable.IMAGES), images);
    return table.markup();
  }

  /** Numbers that read the same share their rank, as in the tables of {@code PaperTable}. */
  private String rank(Verdict.Found found, String number) {
    if (found.ranked().size() < 2) {
      return "";
    }
    List<String> numbers =
        found.ranked().stream()
            .map(method -> Numbers.mean(statistics.mean(method, found.column().key())))
            .distinct()
            .toList();
    int rank = numbers.indexOf(number);
    return rank == 0 ? "best" : rank == 1 ? "second" : "";
  }

  private Html differences() {
    MethodResult first = result.methods().get(0);
    List<Html> columns = Table.heads("method");
    verdict.columns().forEach(found -> columns.add(found.column().heading()));
    Table table =
        new Table(
            first.title() + " minus each other method",
            Html.join(
                List.of(
                    Html.name(first.title()),
                    Html.text(" minus each other method, with its interval."))),
            columns);
    for (MethodResult method : result.methods().subList(1, result.methods().size())) {
      List<Table.Cell> cells = new ArrayList<>();
      for (Verdict.Found found : verdict.columns()) {
        Column column = found.column();
        Interval difference = statistics.difference(first.method(), method.method(), column.key());
        String kind =
            !difference.excludesZero()
                ? "open"
                : column.isGood(difference.mean()) ? "better" : "worse";
        cells.add(
            new Table.Cell(
                score(Numbers.difference(difference), Numbers.differenceRange(difference)), kind));
      }
      table.row(Html.name(method.title()), cells);
    }
    return table.markup();
  }

  /** In a narrow column the interval breaks before "to". */
  private static Html score(String value, String interval) {
    return Template.read(FILE, "score")
        .fill(Map.of("value", value, "interval", interval.replace(" to ", " to\u00a0")));
  }

  private static Html note(String text) {
    return Template.read(FILE, "note").fill(Map.of("text", text));
  }
}
