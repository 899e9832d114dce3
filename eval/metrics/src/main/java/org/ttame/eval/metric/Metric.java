package org.ttame.eval.metric;

import java.util.List;
import java.util.Map;

/**
 * Measures explanation maps image by image. Every number a metric reports is the mean of its
 * per-image values, so that intervals and paired differences need nothing but those values.
 */
public sealed interface Metric permits AdIc, Road, InsertionDeletion, PointingGame, BoxEnergy {
  /** The numbers it gives of each image, in the order of {@link #score}. */
  List<MetricKey> keys();

  /**
   * Measures a batch.
   *
   * @param batch images and maps
   * @return for each image a value for each key; NaN where the metric does not apply to the image
   */
  double[][] score(ScoringBatch batch);

  /** The parameters that change what its numbers mean, for records. */
  default Map<String, String> parameters() {
    return Map.of();
  }
}
