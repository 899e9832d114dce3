package org.ttame.eval.explain;

import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.LayerGradients;

/**
 * Grad-CAM and Grad-CAM++: a channel's weight comes from the gradients of the class's logit there.
 * One pass forwards and one backwards an image.
 */
public final class GradCamExplainer extends CamExplainer {
  /** The name of Grad-CAM in tables and files. */
  public static final String GRADCAM = ExplanationMethod.GRADCAM.optionName();

  /** The name of Grad-CAM++. */
  public static final String GRADCAM_PLUS_PLUS = ExplanationMethod.GRADCAM_PLUS_PLUS.optionName();

  private final Weights weights;

  private GradCamExplainer(
      String name, Weights weights, FrozenClassifier classifier, FeatureLayer layer) {
    super(name, classifier, layer);
    this.weights = weights;
  }

  /**
   * Grad-CAM.
   *
   * @param classifier stays the caller's
   * @param layer whose activations are weighted; see {@link FrozenClassifier#camLayer}
   */
  public static GradCamExplainer gradCam(FrozenClassifier classifier, FeatureLayer layer) {
    return new GradCamExplainer(GRADCAM, Weights.MEAN, classifier, layer);
  }

  /** Grad-CAM++, likewise. */
  public static GradCamExplainer plusPlus(FrozenClassifier classifier, FeatureLayer layer) {
    return new GradCamExplainer(GRADCAM_PLUS_PLUS, Weights.PLUS_PLUS, classifier, layer);
  }

  @Override
  protected Weighted weigh(INDArray images, int[] classes) {
    float[][] activations = new float[classes.length][];
    double[][] weighted = new double[classes.length][layer().channels()];
    try (LayerGradients pass = classifier().logitGradients(images, classes, List.of(layer()))) {
      float[] features = LayerMaps.values(pass.features().get(0));
      float[] gradients = LayerMaps.values(pass.gradients().get(0));
      for (int b = 0; b < classes.length; b++) {
        activations[b] = ofImage(features, b, classes.length);
        float[] gradient = ofImage(gradients, b, classes.length);
        if (SaliencyMaps.isFlat(gradient) && gradient[0] == 0) {
          warn(MapWarning.NO_INFLUENCE);
        }
        for (int c = 0; c < weighted[b].length; c++) {
          weighted[b][c] = weights.weight(activations[b], gradient, c, weighted[b].length);
        }
      }
    }
    return new Weighted(activations, weighted);
  }

  /** How much a channel counts, from its activations and the class's gradients there. */
  enum Weights {
    /** Grad-CAM: the mean gradient (Selvaraju et al. 2017). */
    MEAN {
      @Override
      double weight(float[] activations, float[] gradients, int channel, int channels) {
        double sum = 0;
        for (int i = channel; i < gradients.length; i += channels) {
          sum += gradients[i];
        }
        return sum * channels / gradients.length;
      }
    },

    /**
     * Grad-CAM++: Σ α·relu(g) with α = g²/(2g² + ΣA·g³ + 1e-6), 0 where g is (Chattopadhay et al.
     * 2018).
     */
    PLUS_PLUS {
      @Override
      double weight(float[] activations, float[] gradients, int channel, int channels) {
        double total = 0;
        for (int i = channel; i < activations.length; i += channels) {
          total += activations[i];
        }
        double sum = 0;
        for (int i = channel; i < gradients.length; i += channels) {
          double g = gradients[i];
          if (g > 0) {
            sum += g * (g * g / (2 * g * g + total * g * g * g + 1e-6));
          }
        }
        return sum;
      }
    };

    /**
     * The weight of a channel.
     *
     * @param activations A, {@code [h·w, C]}
     * @param gradients g, of the same shape
     * @param channel c
     * @param channels C
     */
    abstract double weight(float[] activations, float[] gradients, int channel, int channels);
  }
}
