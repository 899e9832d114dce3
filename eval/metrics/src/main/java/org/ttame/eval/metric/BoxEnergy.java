package org.ttame.eval.metric;

import java.util.List;

/**
 * The share of a map's sum, in percent, that lies in the boxes of the class it explains (the
 * energy-based pointing game of Wang et al. 2020, Score-CAM); higher is better. A map of zeros has
 * 0. Images without a box of the explained class do not take part.
 */
public final class BoxEnergy implements Metric {
  @Override
  public List<MetricKey> keys() {
    return List.of(MetricKey.of("energy"));
  }

  @Override
  public double[][] score(ScoringBatch batch) {
    double[][] values = new double[batch.images().size()][1];
    for (int b = 0; b < values.length; b++) {
      List<Box> boxes = batch.boxes(b);
      values[b][0] =
          boxes.isEmpty() ? Double.NaN : share(batch.maps()[b], batch.images().width(), boxes);
    }
    return values;
  }

  private static double share(float[] map, int width, List<Box> boxes) {
    double inside = 0;
    double all = 0;
    for (int i = 0; i < map.length; i++) {
      int column = i % width;
      int row = i / width;
      all += map[i];
      if (boxes.stream().anyMatch(box -> box.contains(column, row))) {
        inside += map[i];
      }
    }
    return all == 0 ? 0 : 100 * inside / all;
  }
}
