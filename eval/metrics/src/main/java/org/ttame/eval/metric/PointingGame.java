package org.ttame.eval.metric;

import java.util.List;
import java.util.Map;

/**
 * The pointing game (Zhang et al. 2016; Petsiuk et al. 2018): a map hits if its largest value lies
 * in a box of the class it explains. The per-image value is 100 or 0, so that their mean is the hit
 * rate in percent; higher is better.
 *
 * <p>The pixel is that of the map upsampled to the image, of equal ones the first row by row from
 * the top left, with no tolerance around the box. Images without a box of the explained class, as
 * where the classifier sees something that is not there, do not take part.
 */
public final class PointingGame implements Metric {
  @Override
  public List<MetricKey> keys() {
    return List.of(MetricKey.of("pointing"));
  }

  @Override
  public double[][] score(ScoringBatch batch) {
    int width = batch.images().width();
    double[][] values = new double[batch.images().size()][1];
    for (int b = 0; b < values.length; b++) {
      List<Box> boxes = batch.boxes(b);
      int peak = peak(batch.maps()[b]);
      boolean hit = boxes.stream().anyMatch(box -> box.contains(peak % width, peak / width));
      values[b][0] = boxes.isEmpty() ? Double.NaN : hit ? 100 : 0;
    }
    return values;
  }

  @Override
  public Map<String, String> parameters() {
    return Map.of("pointing_tolerance", "0");
  }

  private static int peak(float[] map) {
    int peak = 0;
    for (int i = 1; i < map.length; i++) {
      if (map[i] > map[peak]) {
        peak = i;
      }
    }
    return peak;
  }
}
