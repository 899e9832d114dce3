package org.ttame.eval.explain;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;

/**
 * Ablation-CAM (Desai and Ramaswamy 2020): relu(Σ_c w_c·A_c) with w_c = (y − y_c)/y, y the class's
 * logit and y_c that without channel c, its activations set to zero. C passes an image and one for
 * the activations; of the network before the layer only what bypasses it is computed.
 */
public final class AblationCamExplainer implements Explainer {
  /** The name in tables and files. */
  public static final String NAME = ExplanationMethod.ABLATIONCAM.optionName();

  private final FrozenClassifier classifier;
  private final FeatureLayer layer;
  private final int batch;
  private final PassListener listener;
  private final MapWarnings warnings = new MapWarnings();

  /**
   * Ablation-CAM for a classifier.
   *
   * @param classifier stays the caller's
   * @param layer whose channels are left out; see {@link FrozenClassifier#camLayer}
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
    float[][] maps = new float[classes.length][];
    double[] scores = new double[classes.length];
    INDArray all;
    try (ClassifierOutput output = classifier.glance(images, List.of(layer))) {
      all = output.features().get(0).dup('c');
      for (int b = 0; b < scores.length; b++) {
        scores[b] = output.score(b, classes[b]);
      }
    }
    try (all) {
      for (int b = 0; b < maps.length; b++) {
        INDArray activations = all.slice(b);
        double[] weights = weights(images.slice(b), activations, classes[b], scores[b]);
        maps[b] = map(LayerMaps.values(activations), weights);
      }
    }
    return LayerMaps.atImageSize(layer, classifier.inputSpec(), maps, warnings);
  }

  private double[] weights(INDArray image, INDArray activations, int target, double score) {
    int channels = layer.channels();
    double[] weights = new double[channels];
    for (int first = 0; first < channels; first += batch) {
      int count = Math.min(batch, channels - first);
      try (INDArray images = copies(image, count);
          INDArray input = ablated(activations, first, count);
          ClassifierOutput output = classifier.withActivations(images, layer, input)) {
        for (int m = 0; m < count; m++) {
          weights[first + m] = warnings.finite((score - output.score(m, target)) / score);
        }
      }
      listener.passed(first + (long) count, channels);
    }
    return weights;
  }

  /**
   * Copies in the array's own precision: what one channel changes is a difference of two scores.
   */
  private static INDArray copies(INDArray array, int count) {
    long[] shape = LongStream.concat(LongStream.of(count), LongStream.of(array.shape())).toArray();
    INDArray copies = Nd4j.create(array.dataType(), shape);
    for (int m = 0; m < count; m++) {
      copies.slice(m).assign(array);
    }
    return copies;
  }

  /** Copies of the activations, each without one channel. */
  private INDArray ablated(INDArray activations, int first, int count) {
    INDArray copies = copies(activations, count);
    long places = activations.length() / layer.channels();
    INDArray rows = copies.reshape('c', count * places, layer.channels());
    for (int m = 0; m < count; m++) {
      rows.get(
              NDArrayIndex.interval(m * places, (m + 1) * places),
              NDArrayIndex.point(first + (long) m))
          .assign(0);
    }
    return copies;
  }

  private float[] map(float[] activations, double[] weights) {
    int channels = layer.channels();
    int skipped = layer.prefixValues();
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
