package org.ttame.eval.output;

import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ttame.core.Text;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.EvaluationStatistics;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.metric.RemovalOrder;
import org.ttame.eval.render.LinePlot;
import org.ttame.eval.statistics.Interval;

/**
 * ROAD's curves as the paper draws them: what is left of the model truth's score over the share of
 * pixels removed, a curve a method with its intervals as bands, a plot an order.
 */
public final class RoadCurves {
  private RoadCurves() {}

  /**
   * Draws.
   *
   * @param statistics its intervals
   * @return {@code morf} and {@code lerf} with their plots; empty where ROAD was not measured at
   *     two percentages, or on no image
   */
  public static Map<String, LinePlot> of(EvaluationResult result, EvaluationStatistics statistics) {
    Map<String, LinePlot> plots = new LinkedHashMap<>();
    for (RemovalOrder order : RemovalOrder.values()) {
      List<MetricKey> points =
          result.keys().stream()
              .filter(key -> key.isCurvePoint() && key.metric().equals(order.optionName()))
              .toList();
      if (points.size() > 1 && result.images() > 0) {
        plots.put(order.optionName(), plot(order, points, result, statistics));
      }
    }
    return plots;
  }

  private static LinePlot plot(
      RemovalOrder order,
      List<MetricKey> points,
      EvaluationResult result,
      EvaluationStatistics statistics) {
    MetricKey mean = MetricKey.of(order.optionName());
    String title =
        Text.format(
            "%s of %d images, %s is better",
            mean.title(), result.images(), mean.lowerIsBetter() ? "lower" : "higher");
    LinePlot plot =
        new LinePlot(
            title,
            "pixels removed (%)",
            "score of the predicted class (%)",
            new LinePlot.XAxis.Linear());
    for (MethodResult method : result.methods()) {
      List<MetricKey> ascending =
          points.stream()
              .sorted(Comparator.comparing(key -> key.threshold().orElseThrow()))
              .toList();
      List<Interval> intervals =
          ascending.stream().map(key -> statistics.mean(method.method(), key)).toList();
      boolean sure = intervals.stream().noneMatch(interval -> Double.isNaN(interval.low()));
      plot.add(
          new LinePlot.Series(
              method.title(),
              ascending.stream().map(key -> key.threshold().orElseThrow()).toList(),
              intervals.stream().map(Interval::mean).toList(),
              sure ? intervals.stream().map(Interval::low).toList() : List.of(),
              sure ? intervals.stream().map(Interval::high).toList() : List.of()));
    }
    return plot;
  }
}
