package org.ttame.eval.explain;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;

/**
 * Ablation-CAM (Desai and Ramaswamy 2020): relu(Σ_c w_c·A_c) with w_c = (y − y_c)/y, y the class's
 * logit and y_c that without channel c, its activations set to zero. C passes an image and one for
 * the activations; of the network before the layer only what bypasses it is computed.
 */
public final class AblationCamExplainer implements Explainer {
  /** The name in tables and files. */
  public static final String NAME = "ablationcam";

  private final FrozenClassifier classifier;
  private final FeatureLayer layer;
  private final int batch;
  private final PassListener listener;
  private final MapWarnings warnings = new MapWarnings();

  /**
   * Ablation-CAM for a classifier.
   *
   * @param classifier stays the caller's
   * @param layer whose channels are left out; see {@link CamLayers}
   * @param batch channels a pass
   * @param listener hears of each pass
   */
  public AblationCamExplainer(
      FrozenClassifier classifier, FeatureLayer layer, int batch, PassListener listener) {
    if (batch < 1) {
      throw new IllegalArgumentException("A pass needs a channel or more, got " + batch);
    }
    this.classifier = classifier;
    this.layer = layer;
    this.batch = batch;
    this.listener = listener;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Map<String, String> settings() {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("layer", layer.node());
    settings.put("target", "logit");
    settings.put("ablation", "zero");
    return settings;
  }

  @Override
  public Map<String, Long> warnings() {
    return warnings.counts();
  }

  @Override
  public SaliencyMaps explain(INDArray images, int[] classes, List<String> names) {
    int side = classifier.inputSpec().side();
    float[] all;
    double[] scores = new double[classes.length];
    try (ClassifierOutput output = classifier.glance(images, List.of(layer))) {
      all = LayerMaps.values(output.features().get(0));
      for (int b = 0; b < scores.length; b++) {
        scores[b] = output.logits().getDouble(b, classes[b]);
      }
    }
    int length = all.length / classes.length;
    float[][] maps = new float[classes.length][];
    for (int b = 0; b < maps.length; b++) {
      float[] activations = java.util.Arrays.copyOfRange(all, b * length, (b + 1) * length);
      double[] weights = weights(LayerMaps.image(images, b), activations, classes[b], scores[b]);
      maps[b] = map(activations, weights);
    }
    return LayerMaps.atImageSize(layer, side, maps, warnings);
  }

  private double[] weights(float[] image, float[] activations, int target, double score) {
    int channels = layer.channels();
    double[] weights = new double[channels];
    for (int first = 0; first < channels; first += batch) {
      int count = Math.min(batch, channels - first);
      try (INDArray copies = repeated(image, count);
          INDArray input = ablated(activations, first, count);
          ClassifierOutput output = classifier.withActivations(copies, layer, input)) {
        for (int m = 0; m < count; m++) {
          weights[first + m] =
              warnings.finite((score - output.logits().getDouble(m, target)) / score);
        }
      }
      listener.passed(first + (long) count, channels);
    }
    return weights;
  }

  private INDArray repeated(float[] image, int count) {
    int side = classifier.inputSpec().side();
    float[] values = new float[count * image.length];
    for (int m = 0; m < count; m++) {
      System.arraycopy(image, 0, values, m * image.length, image.length);
    }
    return Nd4j.create(values, new long[] {count, side, side, 3}, 'c');
  }

  /** Copies of the activations, each without one channel. */
  private INDArray ablated(float[] activations, int first, int count) {
    int channels = layer.channels();
    float[] values = new float[count * activations.length];
    for (int m = 0; m < count; m++) {
      int from = m * activations.length;
      System.arraycopy(activations, 0, values, from, activations.length);
      for (int i = from + first + m; i < from + activations.length; i += channels) {
        values[i] = 0;
      }
    }
    long[] shape =
        layer.kind() == FeatureKind.TOKENS
            ? new long[] {count, activations.length / channels, channels}
            : new long[] {count, layer.height(), layer.width(), channels};
    return Nd4j.create(values, shape, 'c');
  }

  private float[] map(float[] activations, double[] weights) {
    int channels = layer.channels();
    int skipped = layer.kind() == FeatureKind.TOKENS ? channels : 0;
    float[] map = new float[layer.height() * layer.width()];
    for (int p = 0; p < map.length; p++) {
      double sum = 0;
      for (int c = 0; c < channels; c++) {
        sum += weights[c] * activations[skipped + p * channels + c];
      }
      map[p] = (float) Math.max(warnings.finite(sum), 0);
    }
    return map;
  }

  @Override
  public void close() {
    // Holds nothing.
  }
}
