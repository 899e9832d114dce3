package org.ttame.eval.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.EvaluationStatistics;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.output.RoadCurves;

/** MoRF and LeRF against the percentage removed, a curve a method with its intervals. */
record CurvesSection(EvaluationResult result, EvaluationStatistics statistics) {
  private static final String FILE = "curves.html";

  /** The curves, or nothing if none were measured. */
  Optional<Section> section() {
    Template figure = Template.read(FILE, "plot");
    List<Html> plots = new ArrayList<>();
    List<Html> tables = new ArrayList<>();
    RoadCurves.of(result, statistics)
        .forEach(
            (metric, plot) -> {
              String title = MetricKey.of(metric).title();
              Html svg = new Html(plot.toElement(title + " by method"));
              plots.add(figure.fill(Map.of("title", plot.title(), "svg", svg)));
              List<MetricKey> points =
                  result.keys().stream()
                      .filter(key -> key.isCurvePoint() && key.metric().equals(metric))
                      .toList();
              tables.add(table(title, points));
            });
    if (plots.isEmpty()) {
      return Optional.empty();
    }
    Html body =
        Template.read(FILE, "curves")
            .fill(Map.of("plots", Html.join(plots), "tables", Html.join(tables)));
    return Optional.of(Section.of("curves", "Curves", body));
  }

  private Html table(String title, List<MetricKey> keys) {
    List<Html> heads = Table.heads("method");
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
