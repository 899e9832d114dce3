package org.ttame.eval.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.ttame.core.Text;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.EvaluationStatistics;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.statistics.Interval;

/** MoRF and LeRF against the percentage removed, a curve a method with its intervals. */
final class CurvesSection {
  private static final String FILE = "curves.html";

  private final EvaluationResult result;
  private final EvaluationStatistics statistics;

  CurvesSection(EvaluationResult result, EvaluationStatistics statistics) {
    this.result = result;
    this.statistics = statistics;
  }

  /** The curves, or nothing if none were measured. */
  Optional<Section> section() {
    Map<String, List<MetricKey>> curves = new LinkedHashMap<>();
    result.keys().stream()
        .filter(MetricKey::isCurvePoint)
        .forEach(key -> curves.computeIfAbsent(key.metric(), m -> new ArrayList<>()).add(key));
    curves.values().removeIf(keys -> keys.size() < 2);
    if (curves.isEmpty()) {
      return Optional.empty();
    }
    Template plot = Template.read(FILE, "plot");
    List<Html> plots = new ArrayList<>();
    List<Html> tables = new ArrayList<>();
    curves.forEach(
        (metric, keys) -> {
          String title = MetricKey.of(metric).title();
          String better = keys.get(0).lowerIsBetter() ? "lower" : "higher";
          plots.add(
              plot.fill(
                  Map.of(
                      "title", Text.format("%s: %s is better", title, better),
                      "svg", plot(title, keys).svg())));
          tables.add(table(title, keys));
        });
    Html body =
        Template.read(FILE, "curves")
            .fill(
                Map.of(
                    "plots", Html.join(plots),
                    "legend", legend(),
                    "tables", Html.join(tables)));
    return Optional.of(new Section("curves", "Curves", body, List.of("curves.css"), List.of()));
  }

  private CurvePlot plot(String title, List<MetricKey> keys) {
    CurvePlot plot = new CurvePlot(title + " by method", "percent of pixels removed", "percent");
    for (MethodResult method : result.methods()) {
      List<CurvePlot.Point> points = new ArrayList<>();
      for (MetricKey key : keys) {
        Interval mean = statistics.mean(method.method(), key);
        if (!Double.isNaN(mean.mean())) {
          points.add(
              new CurvePlot.Point(
                  key.threshold().orElseThrow(),
                  mean.mean(),
                  Double.isNaN(mean.low()) ? mean.mean() : mean.low(),
                  Double.isNaN(mean.high()) ? mean.mean() : mean.high()));
        }
      }
      plot.add(method.title(), points);
    }
    return plot;
  }

  private Html legend() {
    Template entry = Template.read(FILE, "legend");
    List<Html> all = new ArrayList<>();
    for (int m = 0; m < result.methods().size(); m++) {
      all.add(
          entry.fill(
              Map.of(
                  "series",
                  CurvePlot.style(m),
                  "name",
                  Html.name(result.methods().get(m).title()))));
    }
    return Html.join(all);
  }

  private Html table(String title, List<MetricKey> keys) {
    List<Html> heads = new ArrayList<>(List.of(Html.text("method")));
    keys.forEach(key -> heads.add(Html.text(key.thresholdText() + " %")));
    Table table =
        new Table(
            title + " by percentage removed", Html.text(title + " by percentage removed"), heads);
    for (MethodResult method : result.methods()) {
      table.row(
          Html.name(method.title()),
          keys.stream()
              .map(key -> Table.Cell.of(Numbers.mean(statistics.mean(method.method(), key))))
              .toList());
    }
    return table.markup();
  }
}
