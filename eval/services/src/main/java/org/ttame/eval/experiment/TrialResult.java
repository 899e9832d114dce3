package org.ttame.eval.experiment;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.ttame.core.Text;
import org.ttame.eval.metric.MetricKey;

/**
 * What a trial came to.
 *
 * @param trial the trial
 * @param checkpoint the checkpoint measured; empty text where training diverged
 * @param images the images measured, in order
 * @param values for each key one value of an image, in that order; empty where training diverged
 * @param failure why there is nothing to measure; empty text where there is
 * @param seconds training and measuring took, as far as they ran in one go
 */
public record TrialResult(
    Trial trial,
    String checkpoint,
    List<String> images,
    Map<MetricKey, List<Double>> values,
    String failure,
    double seconds) {
  public TrialResult {
    images = List.copyOf(images);
    values = java.util.Collections.unmodifiableMap(new java.util.LinkedHashMap<>(values));
  }

  /** Whether training diverged. */
  public boolean diverged() {
    return !failure.isEmpty();
  }

  /**
   * One value of an image.
   *
   * @param key of those measured
   * @return a new array
   */
  public double[] column(MetricKey key) {
    List<Double> column = values.get(key);
    if (column == null) {
      throw new IllegalArgumentException(
          Text.format("%s was not measured of %s", key.column(), trial.name()));
    }
    return column.stream().mapToDouble(Double::doubleValue).toArray();
  }

  /**
   * The mean of a metric over the images.
   *
   * @param key of those measured
   * @return the mean; NaN without images
   */
  public double mean(MetricKey key) {
    return Arrays.stream(column(key)).average().orElse(Double.NaN);
  }
}
