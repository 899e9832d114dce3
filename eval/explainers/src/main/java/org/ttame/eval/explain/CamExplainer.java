package org.ttame.eval.explain;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;

/**
 * A class activation map: relu(Σ_c w_c·A_c) of a layer's activations A. What tells the methods
 * apart is where the weights w_c come from, {@link #weigh}; a method of your own needs no more.
 *
 * <p>As their users' programs do, the map is scaled to [0,1], upsampled to the image (bilinear,
 * half-pixel centres), and scaled again. A map without a positive value becomes zeros.
 */
public abstract class CamExplainer extends CountingExplainer {
  private final FrozenClassifier classifier;
  private final FeatureLayer layer;

  /**
   * A method for a classifier.
   *
   * @param name in tables and files, without spaces
   * @param classifier stays the caller's
   * @param layer whose activations are weighted; see {@link FrozenClassifier#camLayer}
   */
  protected CamExplainer(String name, FrozenClassifier classifier, FeatureLayer layer) {
    super(name);
    this.classifier = Objects.requireNonNull(classifier, "classifier");
    this.layer = Objects.requireNonNull(layer, "layer");
  }

  /**
   * Activations and their weights.
   *
   * @param activations for each image h·w·C values, the channels of a place side by side; no prefix
   *     tokens
   * @param weights for each image C values
   */
  @SuppressWarnings("ArrayRecordComponent") // passed on, never compared
  protected record Weighted(float[][] activations, double[][] weights) {}

  /**
   * Weighs the layer's channels.
   *
   * @param images standardised, {@code [B, H, W, C]}; stays the caller's
   * @param classes the class to explain in each of the B images
   */
  protected abstract Weighted weigh(INDArray images, int[] classes);

  /** The classifier. */
  protected final FrozenClassifier classifier() {
    return classifier;
  }

  /** The layer whose channels are weighted. */
  protected final FeatureLayer layer() {
    return layer;
  }

  /** Counts something that went wrong without stopping the work. */
  protected final void warn(MapWarning warning) {
    warnings.count(warning);
  }

  /** The value, or 0 and a warning where it is no finite number. */
  protected final double finite(double value) {
    return warnings.finite(value);
  }

  /**
   * One image's values of a layer.
   *
   * @param values of all images, {@code [B, …, C]}
   * @param images B
   * @return h·w·C values, without prefix tokens
   */
  protected final float[] ofImage(float[] values, int image, int images) {
    int length = values.length / images;
    return Arrays.copyOfRange(values, image * length + layer.prefixValues(), (image + 1) * length);
  }

  @Override
  public Map<String, String> settings() {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("layer", layer.node());
    settings.put("target", "logit");
    return settings;
  }

  @Override
  public final SaliencyMaps explain(INDArray images, int[] classes, List<String> names) {
    Weighted weighted = weigh(images, classes);
    float[][] maps = new float[classes.length][];
    for (int b = 0; b < maps.length; b++) {
      maps[b] = map(weighted.activations()[b], weighted.weights()[b]);
    }
    return LayerMaps.atImageSize(layer, classifier.inputSpec(), maps, warnings);
  }

  private float[] map(float[] activations, double[] weights) {
    float[] map = new float[layer.height() * layer.width()];
    for (int p = 0; p < map.length; p++) {
      double sum = 0;
      for (int c = 0; c < weights.length; c++) {
        sum += weights[c] * activations[p * weights.length + c];
      }
      map[p] = (float) Math.max(warnings.finite(sum), 0);
    }
    return map;
  }
}
