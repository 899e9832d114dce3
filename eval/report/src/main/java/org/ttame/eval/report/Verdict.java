package org.ttame.eval.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.ttame.core.Text;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.EvaluationStatistics;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.statistics.Interval;

/**
 * Which differences are real: in every column the method of the best mean against every other,
 * image by image. A difference counts as real where its interval excludes zero.
 *
 * @param columns what was found, in order
 */
record Verdict(List<Found> columns) {
  /**
   * A column's outcome.
   *
   * @param column the column
   * @param ranked the methods that have a number, best first
   * @param tied those that cannot be told apart from the first
   */
  record Found(Column column, List<String> ranked, List<String> tied) {
    boolean isSettled() {
      return ranked.size() > 1 && tied.isEmpty();
    }
  }

  static Verdict of(EvaluationResult result, EvaluationStatistics statistics) {
    List<Found> found = new ArrayList<>();
    for (Column column : Column.shown(result.keys())) {
      Map<String, Double> means = new LinkedHashMap<>();
      for (MethodResult method : result.methods()) {
        Interval mean = statistics.mean(method.method(), column.key());
        if (!Double.isNaN(mean.mean())) {
          means.put(method.method(), column.key().lowerIsBetter() ? mean.mean() : -mean.mean());
        }
      }
      List<String> ranked =
          means.keySet().stream().sorted(Comparator.comparing(means::get)).toList();
      List<String> tied =
          ranked.stream()
              .skip(1)
              .filter(
                  method ->
                      !statistics.difference(ranked.get(0), method, column.key()).excludesZero())
              .toList();
      found.add(new Found(column, ranked, tied));
    }
    return new Verdict(List.copyOf(found));
  }

  /** The outcome in sentences: who wins where, then what stays open. */
  Html sentences() {
    Template sentence = Template.read("sections.html", "verdict");
    List<Html> all = new ArrayList<>();
    Map<String, List<Found>> winners =
        columns.stream()
            .filter(Found::isSettled)
            .collect(
                Collectors.groupingBy(
                    found -> found.ranked().get(0), LinkedHashMap::new, Collectors.toList()));
    winners.forEach(
        (winner, where) ->
            all.add(
                sentence.fill(
                    Map.of(
                        "kind",
                        Html.NONE,
                        "sentence",
                        Html.join(
                            List.of(
                                Html.name(ExplanationMethod.title(winner)),
                                Html.text(
                                    Text.format(
                                        " is better than every other method in %s%s.",
                                        titles(where), share(where)))))))));
    columns.stream()
        .filter(found -> found.ranked().size() > 1 && !found.isSettled())
        .forEach(
            found ->
                all.add(
                    sentence.fill(
                        Map.of("kind", new Html(" class=\"open\""), "sentence", open(found)))));
    if (all.isEmpty()) {
      all.add(
          sentence.fill(
              Map.of(
                  "kind",
                  new Html(" class=\"open\""),
                  "sentence",
                  "There is nothing to compare: only one method has numbers.")));
    }
    return Html.join(all);
  }

  private static Html open(Found found) {
    return Html.join(
        List.of(
            Html.text("In " + found.column().title() + " "),
            Html.name(ExplanationMethod.title(found.ranked().get(0))),
            Html.text(" has the best mean, but is not significantly better than "),
            Html.join(
                java.util.stream.IntStream.range(0, found.tied().size())
                    .mapToObj(
                        i ->
                            Html.join(
                                List.of(
                                    Html.text(separator(i, found.tied().size())),
                                    Html.name(ExplanationMethod.title(found.tied().get(i))))))
                    .toList()),
            Html.text(".")));
  }

  private String share(List<Found> where) {
    return where.size() == columns.size() && where.size() > 1
        ? ", which are all columns"
        : where.size() == 1 ? "" : Text.format(", %d of %d columns", where.size(), columns.size());
  }

  private static String titles(List<Found> found) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < found.size(); i++) {
      text.append(separator(i, found.size())).append(found.get(i).column().title());
    }
    return text.toString();
  }

  private static String separator(int i, int count) {
    return i == 0 ? "" : i == count - 1 ? " and " : ", ";
  }
}
