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
    int height = (int) images.size(1);
    int width = (int) images.size(2);
    int channels = (int) images.size(3);
    float[] values = images.dup('c').data().asFloat();
    float[][] maps = new float[classes.length][height * width];
    for (int b = 0; b < maps.length; b++) {
      float[] mean = new float[height * width];
      for (int p = 0; p < mean.length; p++) {
        int at = (b * mean.length + p) * channels;
        float sum = 0;
        for (int c = 0; c < channels; c++) {
          sum += values[at + c];
        }
        mean[p] = sum / channels;
      }
      for (int y = 1; y < height - 1; y++) {
        for (int x = 1; x < width - 1; x++) {
          int p = y * width + x;
          float dx = sobel(mean, p, width, 1);
          float dy = sobel(mean, p, 1, width);
          maps[b][p] = (float) Math.hypot(dx, dy);
        }
      }
    }
    return SaliencyMaps.minMax(height, width, maps);
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
}
