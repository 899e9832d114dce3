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

  private final GradientWeights weights;

  private GradCamExplainer(
      String name, GradientWeights weights, FrozenClassifier classifier, FeatureLayer layer) {
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
    return new GradCamExplainer(GRADCAM, GradientWeights.MEAN, classifier, layer);
  }

  /** Grad-CAM++, likewise. */
  public static GradCamExplainer plusPlus(FrozenClassifier classifier, FeatureLayer layer) {
    return new GradCamExplainer(GRADCAM_PLUS_PLUS, GradientWeights.PLUS_PLUS, classifier, layer);
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
}
