package org.ttame.eval.explain;

import java.util.List;
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
public final class ScoreCamExplainer extends CamExplainer {
  /** The name in tables and files. */
  public static final String NAME = ExplanationMethod.SCORECAM.optionName();

  private static final float EPSILON = 1e-8f;

  private final MaskedPasses passes;
  private final BilinearPlane plane;
  private final PassListener listener;

  /**
   * Score-CAM for a classifier.
   *
   * @param classifier stays the caller's
   * @param layer whose activations are weighted; see {@link FrozenClassifier#camLayer}
   * @param batch masks a pass
   * @param listener is notified of each pass
   */
  public ScoreCamExplainer(
      FrozenClassifier classifier, FeatureLayer layer, int batch, PassListener listener) {
    super(NAME, classifier, layer);
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
  protected Weighted weigh(INDArray images, int[] classes) {
    float[][] activations = new float[classes.length][];
    try (ClassifierOutput output = classifier().forwardBorrowed(images, List.of(layer()))) {
      float[] all = LayerMaps.values(output.features().get(0));
      for (int b = 0; b < classes.length; b++) {
        activations[b] = ofImage(all, b, classes.length);
      }
    }
    double[][] weights = new double[classes.length][];
    for (int b = 0; b < classes.length; b++) {
      weights[b] =
          weights(LayerMaps.image(images, b), channelByChannel(activations[b]), classes[b]);
    }
    return new Weighted(activations, weights);
  }

  /** C maps of h·w values, one after the other. */
  private float[] channelByChannel(float[] activations) {
    int channels = layer().channels();
    int pixels = activations.length / channels;
    float[] result = new float[activations.length];
    for (int p = 0; p < pixels; p++) {
      for (int c = 0; c < channels; c++) {
        result[c * pixels + p] = activations[p * channels + c];
      }
    }
    return result;
  }

  /** The softmax over channels of the class's logit under each one's mask. */
  private double[] weights(float[] image, float[] masks, int target) {
    int channels = layer().channels();
    int pixels = masks.length / channels;
    double[] scores = new double[channels];
    passes.run(
        image,
        channels,
        (c, out, from) -> mask(masks, c * pixels, out, from),
        (first, count, used, output) -> {
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
        warn(MapWarning.NOT_FINITE);
      }
      scores[c] = finite ? Math.exp(scores[c] - largest) : 0;
      total += scores[c];
    }
    for (int c = 0; c < channels && total > 0; c++) {
      scores[c] /= total;
    }
    return scores;
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
      warn(MapWarning.FLAT_CHANNEL);
    }
    float scale = high > low ? 1 / (high - low + EPSILON) : 0;
    for (int i = to; i < end; i++) {
      out[i] = (out[i] - low) * scale;
    }
  }

  private int pixels() {
    return classifier().inputSpec().pixels();
  }

  /** Where the image's pixels lie among an activation map's when their corners' centres meet. */
  private static double[] places(int length, int cells) {
    double[] places = new double[length];
    for (int i = 1; i < length; i++) {
      places[i] = (double) i * (cells - 1) / (length - 1);
    }
    return places;
  }
}
