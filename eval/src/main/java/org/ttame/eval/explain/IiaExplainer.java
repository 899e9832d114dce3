package org.ttame.eval.explain;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.LayerGradients;

/**
 * Iterated Integrated Attributions (Barkan et al. 2023) of a convolutional network, in the form its
 * published program reduces to: Σ_i Σ_c relu(A_c(x_i))·∂y/∂A_c(x_i) with x_i = (i/10)·x, i = 0…10,
 * A a layer's activations and y the class's logit. Eleven passes forwards and backwards an image.
 *
 * <p>The map is scaled to [0,1], upsampled to the image (bilinear, half-pixel centres) and scaled
 * again.
 */
public final class IiaExplainer implements Explainer {
  /** The name in tables and files. */
  public static final String NAME = "iia";

  private static final int STEPS = 10;

  private final FrozenClassifier classifier;
  private final FeatureLayer layer;
  private final MapWarnings warnings = new MapWarnings();

  /**
   * IIA for a convolutional network.
   *
   * @param classifier stays the caller's
   * @param layer whose activations are integrated over; see {@link CamLayers}
   * @throws IllegalArgumentException if the layer gives tokens
   */
  public IiaExplainer(FrozenClassifier classifier, FeatureLayer layer) {
    if (layer.kind() == FeatureKind.TOKENS) {
      throw new IllegalArgumentException(
          ("IIA explains convolutional networks here: layer %s of %s gives tokens, for which the"
                  + " method integrates over attention matrices instead; take another method")
              .formatted(layer.node(), classifier.name()));
    }
    this.classifier = classifier;
    this.layer = layer;
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
    settings.put("form", "released");
    settings.put("inputs", String.valueOf(STEPS + 1));
    return settings;
  }

  @Override
  public Map<String, Long> warnings() {
    return warnings.counts();
  }

  @Override
  public SaliencyMaps explain(INDArray images, int[] classes, List<String> names) {
    int pixels = layer.height() * layer.width();
    double[] sums = new double[classes.length * pixels];
    for (int i = 0; i <= STEPS; i++) {
      try (INDArray part = images.mul(i / (double) STEPS);
          LayerGradients pass = classifier.logitGradients(part, classes, List.of(layer))) {
        add(
            LayerMaps.values(pass.features().get(0)),
            LayerMaps.values(pass.gradients().get(0)),
            sums);
      }
    }
    float[][] maps = new float[classes.length][pixels];
    for (int b = 0; b < maps.length; b++) {
      for (int p = 0; p < pixels; p++) {
        maps[b][p] = (float) sums[b * pixels + p];
      }
    }
    int side = classifier.inputSpec().side();
    return LayerMaps.atImageSize(layer, side, maps, warnings);
  }

  /** Channels come last, so that each run of C values is one pixel of one image. */
  private void add(float[] activations, float[] gradients, double[] sums) {
    int channels = layer.channels();
    for (int p = 0, at = 0; p < sums.length; p++) {
      for (int c = 0; c < channels; c++, at++) {
        sums[p] += Math.max(activations[at], 0) * (double) gradients[at];
      }
    }
  }

  @Override
  public void close() {
    // Holds nothing.
  }
}
