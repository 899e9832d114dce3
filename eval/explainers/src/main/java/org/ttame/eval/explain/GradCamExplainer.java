package org.ttame.eval.explain;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.LayerGradients;

/**
 * Grad-CAM and Grad-CAM++: relu(Σ_c w_c·A_c) of a layer's activations A, w_c from the gradients of
 * the class's logit there. One pass forwards and one backwards an image.
 *
 * <p>As their users' programs do, the map is scaled to [0,1], upsampled to the image (bilinear,
 * half-pixel centres), and scaled again. A map without a positive value becomes zeros.
 */
public final class GradCamExplainer implements Explainer {
  /** The name of Grad-CAM in tables and files. */
  public static final String GRADCAM = ExplanationMethod.GRADCAM.optionName();

  /** The name of Grad-CAM++. */
  public static final String GRADCAM_PLUS_PLUS = ExplanationMethod.GRADCAM_PLUS_PLUS.optionName();

  private final String name;
  private final GradientWeights weights;
  private final FrozenClassifier classifier;
  private final FeatureLayer layer;
  private final MapWarnings warnings = new MapWarnings();

  private GradCamExplainer(
      String name, GradientWeights weights, FrozenClassifier classifier, FeatureLayer layer) {
    this.name = name;
    this.weights = weights;
    this.classifier = classifier;
    this.layer = layer;
  }

  /**
   * Grad-CAM.
   *
   * @param classifier stays the caller's
   * @param layer whose activations are weighted; see {@link FrozenClassifier#camLayer}
   */
  public static GradCamExplainer gradCam(FrozenClassifier classifier, FeatureLayer layer) {
    return new GradCamExplainer(GRADCAM, GradientWeights.MEAN, classifier, layer);
  }

  /** Grad-CAM++, likewise. */
  public static GradCamExplainer plusPlus(FrozenClassifier classifier, FeatureLayer layer) {
    return new GradCamExplainer(GRADCAM_PLUS_PLUS, GradientWeights.PLUS_PLUS, classifier, layer);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Map<String, String> settings() {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("layer", layer.node());
    settings.put("target", "logit");
    return settings;
  }

  @Override
  public Map<String, Long> warnings() {
    return warnings.counts();
  }

  @Override
  public SaliencyMaps explain(INDArray images, int[] classes, List<String> names) {
    float[][] maps = new float[classes.length][];
    try (LayerGradients pass = classifier.logitGradients(images, classes, List.of(layer))) {
      float[] activations = LayerMaps.values(pass.features().get(0));
      float[] gradients = LayerMaps.values(pass.gradients().get(0));
      int length = activations.length / classes.length;
      int skipped = layer.prefixValues();
      for (int b = 0; b < maps.length; b++) {
        int from = b * length + skipped;
        maps[b] =
            map(
                java.util.Arrays.copyOfRange(activations, from, (b + 1) * length),
                java.util.Arrays.copyOfRange(gradients, from, (b + 1) * length));
      }
    }
    return LayerMaps.atImageSize(layer, classifier.inputSpec(), maps, warnings);
  }

  private float[] map(float[] activations, float[] gradients) {
    int channels = layer.channels();
    double[] sums = new double[layer.height() * layer.width()];
    for (int c = 0; c < channels; c++) {
      double weight = weights.weight(activations, gradients, c, channels);
      for (int p = 0; p < sums.length; p++) {
        sums[p] += weight * activations[p * channels + c];
      }
    }
    float[] map = new float[sums.length];
    for (int p = 0; p < map.length; p++) {
      map[p] = (float) Math.max(warnings.finite(sums[p]), 0);
    }
    return map;
  }

  @Override
  public void close() {
    // Holds nothing.
  }
}
