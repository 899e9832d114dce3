package org.ttame.eval.metric;

import java.math.BigDecimal;
import java.util.Objects;
import java.util.OptionalDouble;

/**
 * Names a number that a metric gives.
 *
 * @param metric the metric, e.g. {@code ad}
 * @param threshold the percentage v it was taken at, where it has one
 */
public record MetricKey(String metric, OptionalDouble threshold) {
  public MetricKey {
    Objects.requireNonNull(metric, "metric");
    Objects.requireNonNull(threshold, "threshold");
  }

  /** A metric without a threshold. */
  public static MetricKey of(String metric) {
    return new MetricKey(metric, OptionalDouble.empty());
  }

  /** A metric at a threshold, in percent. */
  public static MetricKey at(String metric, double threshold) {
    return new MetricKey(metric, OptionalDouble.of(threshold));
  }

  /** The threshold as people write it: {@code 15}, {@code 33.3}, or nothing. */
  public String thresholdText() {
    return threshold.isEmpty()
        ? ""
        : BigDecimal.valueOf(threshold.getAsDouble()).stripTrailingZeros().toPlainString();
  }

  /** The name of a column: {@code ad_15}, {@code pointing}. */
  public String column() {
    return threshold.isEmpty() ? metric : metric + "_" + thresholdText();
  }
}
