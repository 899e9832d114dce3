package org.ttame.eval.metric;

import java.math.BigDecimal;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * Names a number that a metric gives.
 *
 * @param metric the metric, e.g. {@code ad}
 * @param threshold the percentage v it was taken at, where it has one
 */
public record MetricKey(String metric, OptionalDouble threshold) {
  private static final Map<String, String> TITLES =
      Map.of("ad", "AD", "ic", "IC", "morf", "MoRF", "lerf", "LeRF");
  private static final Set<String> LOWER_IS_BETTER = Set.of("ad", "morf", "deletion");

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

  /** What people call it: {@code AD(15%)}, {@code MoRF}. */
  public String title() {
    String name = TITLES.getOrDefault(metric, metric);
    return threshold.isEmpty() ? name : name + "(" + thresholdText() + "%)";
  }

  /** Whether less of it speaks for a map. */
  public boolean lowerIsBetter() {
    return LOWER_IS_BETTER.contains(metric);
  }

  /** Whether it is a point of ROAD's curves, which people see drawn: tables have their means. */
  public boolean isCurvePoint() {
    return (metric.equals("morf") || metric.equals("lerf")) && threshold.isPresent();
  }
}
