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
 * image by image. A difference counts as real where its interval excludes zero and both means read
 * differently; means that read the same are a tie.
 *
 * @param columns what was found, in order
 */
record Verdict(List<Found> columns) {
  /**
   * A column's outcome.
   *
   * @param column the column
   * @param ranked the methods that have a number, best first
   * @param equal the first and those whose mean reads the same
   * @param open further ones that cannot be told apart from the first
   */
  record Found(Column column, List<String> ranked, List<String> equal, List<String> open) {
    boolean isSettled() {
      return ranked.size() > 1 && equal.size() == 1 && open.isEmpty();
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
      String best = ranked.isEmpty() ? "" : reading(statistics, ranked.get(0), column);
      List<String> equal =
          ranked.stream()
              .filter(method -> reading(statistics, method, column).equals(best))
              .toList();
      List<String> open =
          ranked.stream()
              .filter(method -> !equal.contains(method))
              .filter(method -> !isBetter(statistics, ranked.get(0), method, column))
              .toList();
      found.add(new Found(column, ranked, equal, open));
    }
    return new Verdict(List.copyOf(found));
  }

  private static String reading(EvaluationStatistics statistics, String method, Column column) {
    return Numbers.mean(statistics.mean(method, column.key()));
  }

  private static boolean isBetter(
      EvaluationStatistics statistics, String method, String other, Column column) {
    Interval difference = statistics.difference(method, other, column.key());
    return difference.excludesZero() && column.isGood(difference.mean());
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
                        Map.of(
                            "kind",
                            new Html(" class=\"open\""),
                            "sentence",
                            openSentence(found)))));
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

  private static Html openSentence(Found found) {
    List<Html> parts = new ArrayList<>();
    parts.add(Html.text("In " + found.column().title() + " "));
    parts.add(names(found.equal()));
    boolean shared = found.equal().size() > 1;
    parts.add(Html.text(shared ? " tie for the best mean" : " has the best mean"));
    if (!found.open().isEmpty()) {
      String but = shared ? ", and are" : ", but is";
      parts.add(Html.text(but + " not significantly better than "));
      parts.add(names(found.open()));
    }
    parts.add(Html.text("."));
    return Html.join(parts);
  }

  private static Html names(List<String> methods) {
    List<Html> names = new ArrayList<>();
    for (int i = 0; i < methods.size(); i++) {
      names.add(Html.text(separator(i, methods.size())));
      names.add(Html.name(ExplanationMethod.title(methods.get(i))));
    }
    return Html.join(names);
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
