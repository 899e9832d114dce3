package org.ttame.eval.experiment;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.ttame.core.Text;
import org.ttame.core.storage.AtomicFile;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.output.Csv;
import org.ttame.eval.output.MetricsFiles;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.render.LinePlot;
import org.ttame.eval.report.Html;
import org.ttame.eval.report.ResultPage;
import org.ttame.eval.report.ResultPage.Sentence;
import org.ttame.eval.report.Table;
import org.ttame.eval.report.Table.Cell;

/**
 * {@code search.json} and {@code search.csv}: every trial of a search and the one it selects. Each
 * is written whole or not at all.
 */
public final class SearchFiles {
  /** The record's name. */
  public static final String JSON = "search.json";

  private static final int FORMAT = 1;

  /** How a trial is selected, for people. */
  public static final String RULE =
      "smallest AD(15) - IC(15) on the validation images after the last epoch, of equal ones the"
          + " first";

  private static final MetricKey AD = MetricKey.at("ad", 15);
  private static final MetricKey IC = MetricKey.at("ic", 15);

  private SearchFiles() {}

  /**
   * AD(15) − IC(15) of a trial.
   *
   * @param result of a trial that did not diverge
   */
  public static double score(TrialResult result) {
    return result.mean(AD) - result.mean(IC);
  }

  /**
   * Selects.
   *
   * @param results of all trials, in order
   * @return the best one; empty where all diverged
   */
  public static Optional<TrialResult> best(List<TrialResult> results) {
    return results.stream()
        .filter(result -> !result.diverged() && !Double.isNaN(score(result)))
        .min(Comparator.comparingDouble(SearchFiles::score));
  }

  /**
   * Writes the files.
   *
   * @param results of all trials, in order
   * @return all of it on one page
   */
  public static Path write(Path folder, List<TrialResult> results, Provenance provenance)
      throws IOException {
    StringBuilder csv =
        new StringBuilder(Csv.row(List.of("trial", "ad_15", "ic_15", "score", "failure")));
    List<Object> trials = new ArrayList<>();
    for (TrialResult result : results) {
      boolean lost = result.diverged();
      csv.append(
          Csv.row(
              List.of(
                  result.trial().name(),
                  lost ? "" : Csv.number(result.mean(AD)),
                  lost ? "" : Csv.number(result.mean(IC)),
                  lost ? "" : Csv.number(score(result)),
                  result.failure())));
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("trial", result.trial().name());
      entry.put("settings", new java.util.TreeMap<>(result.trial().options().toProperties()));
      entry.put("ad15", lost ? null : result.mean(AD));
      entry.put("ic15", lost ? null : result.mean(IC));
      entry.put("score", lost ? null : score(result));
      entry.put("failure", result.failure());
      entry.put("images", result.images().size());
      entry.put("seconds", result.seconds());
      trials.add(entry);
    }
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("format", FORMAT);
    root.put("rule", RULE);
    root.put("best", best(results).map(result -> result.trial().name()).orElse(null));
    root.put("trials", trials);
    root.put("provenance", provenance.toMap());
    AtomicFile.writeText(folder.resolve("search.csv"), csv.toString());
    AtomicFile.writeText(folder.resolve(JSON), MetricsFiles.text(root));
    return page(results, provenance)
        .write(
            folder,
            provenance,
            "The numbers are in search.json and search.csv beside this page, each training is a run"
                + " in trials.");
  }

  private static ResultPage page(List<TrialResult> results, Provenance provenance) {
    Optional<TrialResult> best = best(results);
    Table table =
        new Table(
            "Trials",
            Html.text("Means over the validation images; the selected one in bold."),
            Table.heads("trial", "AD(15%) ↓", "IC(15%) ↑", "AD − IC ↓", "images", "minutes"));
    List<TrialResult> drawn =
        results.stream().filter(one -> !one.diverged() && !Double.isNaN(score(one))).toList();
    for (TrialResult result : results) {
      boolean lost = result.diverged();
      String kind = best.filter(result::equals).isPresent() ? "best" : "";
      table.row(
          Html.name(result.trial().name()),
          List.of(
              new Cell(Html.text(lost ? "diverged" : number(result.mean(AD))), kind),
              new Cell(Html.text(lost ? "-" : number(result.mean(IC))), kind),
              new Cell(Html.text(lost ? "-" : number(score(result))), kind),
              Cell.of(Integer.toString(result.images().size())),
              Cell.of(Text.format("%.1f", result.seconds() / 60))));
    }
    String classifier = provenance.backbone().getOrDefault("name", "a classifier");
    ResultPage page =
        new ResultPage(
                "Search on " + classifier,
                Text.format("%d trainings, each a run of its own.", results.size()))
            .add(
                "best",
                "Selected",
                ResultPage.sentences(
                    List.of(
                        best.map(
                                result ->
                                    new Sentence(
                                        Text.format(
                                            "%s: AD(15%%) − IC(15%%) = %.2f",
                                            result.trial().name(), score(result)),
                                        true))
                            .orElse(new Sentence("Every training diverged.", false)))),
                ResultPage.note("Selected by the " + RULE + "."))
            .add("trials", "Trials", table.markup());
    if (drawn.size() > 1) {
      LinePlot both = plot(drawn, "AD(15%) and IC(15%) by trial");
      both.add(series("AD(15%)", drawn, result -> result.mean(AD)));
      both.add(series("IC(15%)", drawn, result -> result.mean(IC)));
      LinePlot score = plot(drawn, "AD(15%) − IC(15%) by trial, lower is better");
      score.add(series("AD(15%) − IC(15%)", drawn, SearchFiles::score));
      page.plots("scores", "Scores", List.of(score, both), "Trials in the order of the table.");
    }
    return page;
  }

  private static LinePlot plot(List<TrialResult> drawn, String title) {
    List<String> names = drawn.stream().map(result -> result.trial().name()).toList();
    return new LinePlot(title, "trial", "percent", new LinePlot.XAxis.Named(names));
  }

  private static LinePlot.Series series(
      String name, List<TrialResult> drawn, ToDoubleFunction<TrialResult> value) {
    return LinePlot.Series.of(
        name,
        IntStream.range(0, drawn.size()).mapToObj(i -> (double) i).toList(),
        drawn.stream().map(value::applyAsDouble).toList());
  }

  private static String number(double value) {
    return Text.format("%.2f", value);
  }
}
