package org.ttame.eval.report;

import java.util.List;
import org.ttame.eval.metric.MetricKey;

/** A metric as a column that people read. */
record Column(MetricKey key) {
  /** The columns of the tables: of ROAD's numbers the means, since curves show the others. */
  static List<Column> shown(List<MetricKey> keys) {
    return keys.stream().filter(key -> !key.isCurvePoint()).map(Column::new).toList();
  }

  /** E.g. {@code AD(15%)}. */
  String title() {
    return key.title();
  }

  /** The title and an arrow for the better direction. */
  Html heading() {
    return Html.text(title() + (key.lowerIsBetter() ? " ↓" : " ↑"));
  }

  /** Whether a difference of this sign is to the good. */
  boolean isGood(double difference) {
    return key.lowerIsBetter() ? difference < 0 : difference > 0;
  }
}
