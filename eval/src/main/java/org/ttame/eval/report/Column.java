package org.ttame.eval.report;

import java.util.List;
import java.util.Map;
import org.ttame.eval.metric.MetricKey;

/**
 * A metric as a column that people read.
 *
 * @param key the metric
 * @param title e.g. {@code AD(15%)}
 * @param lowerIsBetter which way is up
 */
record Column(MetricKey key, String title, boolean lowerIsBetter) {
  private static final Map<String, String> TITLES =
      Map.of("ad", "AD", "ic", "IC", "morf", "MoRF", "lerf", "LeRF");
  private static final List<String> LOWER_IS_BETTER = List.of("ad", "morf", "deletion");

  static Column of(MetricKey key) {
    String name = TITLES.getOrDefault(key.metric(), key.metric());
    String title = key.threshold().isEmpty() ? name : name + "(" + key.thresholdText() + "%)";
    return new Column(key, title, LOWER_IS_BETTER.contains(key.metric()));
  }

  /** The columns of the tables: of ROAD's numbers the means, since curves show the others. */
  static List<Column> shown(List<MetricKey> keys) {
    return keys.stream().filter(key -> !isCurve(key)).map(Column::of).toList();
  }

  /** Whether it is a point of a curve rather than a number of its own. */
  static boolean isCurve(MetricKey key) {
    boolean road = key.metric().equals("morf") || key.metric().equals("lerf");
    return road && key.threshold().isPresent();
  }

  /** The title and an arrow for the better direction. */
  Html heading() {
    String arrow = lowerIsBetter ? " ↓" : " ↑";
    return Html.text(title + arrow);
  }

  /** Whether a difference of this sign is to the good. */
  boolean isGood(double difference) {
    return lowerIsBetter ? difference < 0 : difference > 0;
  }
}
