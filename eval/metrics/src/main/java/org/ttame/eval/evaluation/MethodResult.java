package org.ttame.eval.evaluation;

import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ttame.core.Text;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.metric.MetricKey;

/**
 * What an evaluation found of one method.
 *
 * @param method its name
 * @param settings the settings that change its maps
 * @param keys the numbers measured, in the order of a record's values
 * @param records what was measured, image by image
 * @param seconds time spent explaining, without the metrics' own passes
 * @param warnings what went wrong without stopping the work, how often, by a sentence that lacks
 *     only the number before it
 */
public record MethodResult(
    String method,
    Map<String, String> settings,
    List<MetricKey> keys,
    List<ImageRecord> records,
    double seconds,
    Map<String, Long> warnings) {
  public MethodResult {
    keys = List.copyOf(keys);
    // Those of a store are in a file because they do not fit into the heap.
    records = records instanceof RecordStore.View ? records : List.copyOf(records);
    warnings = Collections.unmodifiableMap(new LinkedHashMap<>(warnings));
  }

  /** A method of which nothing is to be warned. */
  public MethodResult(
      String method,
      Map<String, String> settings,
      List<MetricKey> keys,
      List<ImageRecord> records,
      double seconds) {
    this(method, settings, keys, records, seconds, Map.of());
  }

  /**
   * The mean of a metric over the images it applies to.
   *
   * @param mean NaN if it applies to none
   * @param images how many those are
   */
  public record Summary(double mean, int images) {}

  /**
   * Summarises a metric.
   *
   * @param key one of {@link #keys}
   * @return its mean over the images it applies to
   * @throws IllegalArgumentException if it was not measured
   */
  public Summary summary(MetricKey key) {
    int column = keys.indexOf(key);
    if (column < 0) {
      throw new IllegalArgumentException(
          Text.format(
              "%s was not measured; there are %s",
              key.column(), keys.stream().map(MetricKey::column).toList()));
    }
    double[] values =
        records.stream()
            .mapToDouble(record -> record.values()[column])
            .filter(value -> !Double.isNaN(value))
            .toArray();
    return new Summary(Arrays.stream(values).average().orElse(Double.NaN), values.length);
  }

  /** What people call it, on every page and in every table but those for programs. */
  public String title() {
    return ExplanationMethod.title(method);
  }

  /** {@link #forwardPasses} as every table prints FP: {@code 1}, {@code 2.50} or {@code -}. */
  public String fp() {
    return passes(forwardPasses());
  }

  /** {@link #backwardPasses}, printed likewise. */
  public String bp() {
    return passes(backwardPasses());
  }

  private static String passes(double passes) {
    if (Double.isNaN(passes)) {
      return "-";
    }
    return Text.format(passes == Math.rint(passes) ? "%.0f" : "%.2f", passes);
  }

  /** FP: forward passes an explanation took, on average; NaN without images. */
  public double forwardPasses() {
    return records.stream().mapToDouble(ImageRecord::forwardPasses).average().orElse(Double.NaN);
  }

  /** Gradient passes an explanation took, on average; NaN without images. */
  public double backwardPasses() {
    return records.stream().mapToDouble(ImageRecord::backwardPasses).average().orElse(Double.NaN);
  }
}
