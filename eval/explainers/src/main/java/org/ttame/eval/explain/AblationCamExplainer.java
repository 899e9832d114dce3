package org.ttame.eval.explain;

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
public final class AblationCamExplainer extends CamExplainer {
  /** The name in tables and files. */
  public static final String NAME = ExplanationMethod.ABLATIONCAM.optionName();

  private final int batch;
  private final PassListener listener;

  /**
   * Ablation-CAM for a classifier.
   *
   * @param classifier stays the caller's
   * @param layer whose channels are left out; see {@link FrozenClassifier#camLayer}
   * @param batch channels a pass
   * @param listener is notified of each pass
   */
  public AblationCamExplainer(
      FrozenClassifier classifier, FeatureLayer layer, int batch, PassListener listener) {
    super(NAME, classifier, layer);
    if (batch < 1) {
      throw new IllegalArgumentException("A pass needs a channel or more, got " + batch);
    }
    this.batch = batch;
    this.listener = listener;
  }

  @Override
  public Map<String, String> settings() {
    Map<String, String> settings = super.settings();
    settings.put("ablation", "zero");
    return settings;
  }

  @Override
  protected Weighted weigh(INDArray images, int[] classes) {
    double[] scores = new double[classes.length];
    INDArray all;
    try (ClassifierOutput output = classifier().forwardBorrowed(images, List.of(layer()))) {
      all = output.features().get(0).dup('c');
      for (int b = 0; b < scores.length; b++) {
        scores[b] = output.score(b, classes[b]);
      }
    }
    float[][] activations = new float[classes.length][];
    double[][] weights = new double[classes.length][];
    try (all) {
      float[] values = LayerMaps.values(all);
      for (int b = 0; b < classes.length; b++) {
        activations[b] = ofImage(values, b, classes.length);
        weights[b] = weights(images.slice(b), all.slice(b), classes[b], scores[b]);
      }
    }
    return new Weighted(activations, weights);
  }

  private double[] weights(INDArray image, INDArray activations, int target, double score) {
    int channels = layer().channels();
    double[] weights = new double[channels];
    for (int first = 0; first < channels; first += batch) {
      int count = Math.min(batch, channels - first);
      try (INDArray images = copies(image, count);
          INDArray input = ablated(activations, first, count);
          ClassifierOutput output = classifier().withActivations(images, layer(), input)) {
        for (int m = 0; m < count; m++) {
          weights[first + m] = finite((score - output.score(m, target)) / score);
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
    long places = activations.length() / layer().channels();
    INDArray rows = copies.reshape('c', count * places, layer().channels());
    for (int m = 0; m < count; m++) {
      rows.get(
              NDArrayIndex.interval(m * places, (m + 1) * places),
              NDArrayIndex.point(first + (long) m))
          .assign(0);
    }
    return copies;
  }
}
