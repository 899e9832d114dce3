package org.ttame.eval.explain;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.InputSpec;

/**
 * Score-CAM (Wang et al. 2020): relu(Σ_c w_c·A_c), w the softmax over channels of the class's logit
 * under each channel's own map as a mask: upsampled (align_corners), scaled to [0,1], times the
 * image. C passes an image and one for the activations. Channels that are constant mask everything
 * away.
 */
public final class ScoreCamExplainer implements Explainer {
  /** The name in tables and files. */
  public static final String NAME = ExplanationMethod.SCORECAM.optionName();

  private static final float EPSILON = 1e-8f;

  private final FrozenClassifier classifier;
  private final FeatureLayer layer;
  private final MaskedPasses passes;
  private final BilinearPlane plane;
  private final PassListener listener;
  private final MapWarnings warnings = new MapWarnings();

  /**
   * Score-CAM for a classifier.
   *
   * @param classifier stays the caller's
   * @param layer whose activations are weighted; see {@link FrozenClassifier#camLayer}
   * @param batch masks a pass
   * @param listener hears of each pass
   */
  public ScoreCamExplainer(
      FrozenClassifier classifier, FeatureLayer layer, int batch, PassListener listener) {
    this.classifier = classifier;
    this.layer = layer;
    this.passes = new MaskedPasses(classifier, batch);
    this.listener = listener;
    InputSpec spec = classifier.inputSpec();
    plane =
        new BilinearPlane(
            layer.height(),
            layer.width(),
            places(spec.height(), layer.height()),
            places(spec.width(), layer.width()));
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
    return settings;
  }

  @Override
  public Map<String, Long> warnings() {
    return warnings.counts();
  }

  @Override
  public SaliencyMaps explain(INDArray images, int[] classes, List<String> names) {
    float[][] channels = activations(images, classes.length);
    float[][] maps = new float[classes.length][];
    for (int b = 0; b < maps.length; b++) {
      maps[b] = map(LayerMaps.image(images, b), channels[b], classes[b]);
    }
    return LayerMaps.atImageSize(layer, classifier.inputSpec(), maps, warnings);
  }

  /** For each image C maps of h·w values, one after the other. */
  private float[][] activations(INDArray images, int count) {
    int channels = layer.channels();
    int pixels = layer.height() * layer.width();
    int skipped = layer.prefixValues();
    float[] all;
    try (ClassifierOutput output = classifier.glance(images, List.of(layer))) {
      all = LayerMaps.values(output.features().get(0));
    }
    int length = all.length / count;
    float[][] result = new float[count][channels * pixels];
    for (int b = 0; b < count; b++) {
      for (int p = 0; p < pixels; p++) {
        for (int c = 0; c < channels; c++) {
          result[b][c * pixels + p] = all[b * length + skipped + p * channels + c];
        }
      }
    }
    return result;
  }

  private float[] map(float[] image, float[] activations, int target) {
    int channels = layer.channels();
    int pixels = layer.height() * layer.width();
    double[] scores = new double[channels];
    passes.run(
        image,
        channels,
        (c, out, from) -> mask(activations, c * pixels, out, from),
        (first, count, masks, output) -> {
          for (int m = 0; m < count; m++) {
            scores[first + m] = output.score(m, target);
          }
        },
        listener);
    double largest = Double.NEGATIVE_INFINITY;
    for (double score : scores) {
      largest = Double.isFinite(score) ? Math.max(largest, score) : largest;
    }
    double total = 0;
    for (int c = 0; c < channels; c++) {
      boolean finite = Double.isFinite(scores[c]);
      if (!finite) {
        warnings.count(MapWarning.NOT_FINITE);
      }
      scores[c] = finite ? Math.exp(scores[c] - largest) : 0;
      total += scores[c];
    }
    float[] map = new float[pixels];
    for (int p = 0; p < pixels && total > 0; p++) {
      double sum = 0;
      for (int c = 0; c < channels; c++) {
        sum += scores[c] / total * activations[c * pixels + p];
      }
      map[p] = (float) Math.max(warnings.finite(sum), 0);
    }
    return map;
  }

  /** Scaled to [0,1] at the image's size. */
  private void mask(float[] activations, int from, float[] out, int to) {
    plane.read(activations, from, out, to);
    int end = to + pixels();
    float low = Float.POSITIVE_INFINITY;
    float high = Float.NEGATIVE_INFINITY;
    for (int i = to; i < end; i++) {
      low = Math.min(low, out[i]);
      high = Math.max(high, out[i]);
    }
    if (!(high > low)) {
      warnings.count(MapWarning.FLAT_CHANNEL);
    }
    float scale = high > low ? 1 / (high - low + EPSILON) : 0;
    for (int i = to; i < end; i++) {
      out[i] = (out[i] - low) * scale;
    }
  }

  private int pixels() {
    return classifier.inputSpec().pixels();
  }

  /** Where the image's pixels lie among an activation map's when their corners' centres meet. */
  private static double[] places(int length, int cells) {
    double[] places = new double[length];
    for (int i = 1; i < length; i++) {
      places[i] = (double) i * (cells - 1) / (length - 1);
    }
    return places;
  }

  @Override
  public void close() {
    // Holds nothing.
  }
}
