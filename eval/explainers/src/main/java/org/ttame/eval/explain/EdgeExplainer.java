package org.ttame.eval.explain;

import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A control that knows nothing of the classifier: the image's own edges, the length of the gradient
 * of its channels' mean by Sobel's operator. It looks like an explanation and is none; a sanity
 * check that it passes checks nothing.
 */
public final class EdgeExplainer implements Explainer {
  /** Its name in tables and files. */
  public static final String NAME = "edges";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Map<String, String> settings() {
    return Map.of("operator", "sobel");
  }

  @Override
  public SaliencyMaps explain(INDArray images, int[] classes, List<String> names) {
    int side = (int) images.size(1);
    float[] values = images.dup('c').data().asFloat();
    float[][] maps = new float[classes.length][side * side];
    for (int b = 0; b < maps.length; b++) {
      float[] mean = new float[side * side];
      for (int p = 0; p < mean.length; p++) {
        int at = (b * mean.length + p) * 3;
        mean[p] = (values[at] + values[at + 1] + values[at + 2]) / 3;
      }
      for (int y = 1; y < side - 1; y++) {
        for (int x = 1; x < side - 1; x++) {
          int p = y * side + x;
          float dx = sobel(mean, p, side, 1);
          float dy = sobel(mean, p, 1, side);
          maps[b][p] = (float) Math.hypot(dx, dy);
        }
      }
    }
    return SaliencyMaps.minMax(side, side, maps);
  }

  /** The difference along one step, weighted 1, 2, 1 across the other. */
  private static float sobel(float[] values, int p, int across, int along) {
    float sum = 0;
    for (int k = -1; k <= 1; k++) {
      float weight = k == 0 ? 2 : 1;
      sum += weight * (values[p + k * across + along] - values[p + k * across - along]);
    }
    return sum;
  }

  @Override
  public void close() {
    // Holds nothing.
  }
}
