package org.ttame.eval.explain;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.ClassChoice;
import org.ttame.core.attention.Explanation;
import org.ttame.core.attention.MapExplainer;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;

/**
 * T-TAME: the classifier's feature maps through an attention mechanism, one pass an image. The same
 * method with a mechanism that was never trained is a control: it shows what the feature maps give
 * away by themselves.
 */
public final class TtameExplainer extends CountingExplainer {
  /** The method's name in tables and files. */
  public static final String NAME = ExplanationMethod.TTAME.optionName();

  /** The name of the control. */
  public static final String UNTRAINED = ExplanationMethod.UNTRAINED.optionName();

  private final AttentionMechanism mechanism;
  private final MapExplainer maps;

  /**
   * Explains by a mechanism.
   *
   * @param name {@link #NAME}, {@link #UNTRAINED} or another
   * @param classifier stays the caller's, and must stay open
   * @param mechanism stays the caller's; its values of now are used
   */
  public TtameExplainer(String name, FrozenClassifier classifier, AttentionMechanism mechanism) {
    super(name);
    this.mechanism = mechanism;
    maps = new MapExplainer(classifier, mechanism);
  }

  @Override
  public Map<String, String> settings() {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put(
        "layers",
        mechanism.spec().features().stream()
            .map(FeatureLayer::node)
            .collect(Collectors.joining(",")));
    settings.put("variant", mechanism.spec().variant().optionName());
    return settings;
  }

  /**
   * Explains several classes of each image, chosen by what the classifier says, all in one pass.
   *
   * @param images standardised, {@code [B, H, W, C]}; stays the caller's
   * @param choice the classes
   * @return logits and maps; the caller closes them
   */
  public Explanation explain(INDArray images, ClassChoice choice) {
    return maps.explain(images, choice);
  }

  @Override
  public SaliencyMaps explain(INDArray images, int[] classes, List<String> names) {
    int[][] rows = new int[classes.length][];
    for (int b = 0; b < rows.length; b++) {
      rows[b] = new int[] {classes[b]};
    }
    try (Explanation explanation = maps.explain(images, ClassChoice.perImage(rows))) {
      SaliencyMaps result = SaliencyMaps.of(explanation.maps());
      warnings.countFlat(result);
      return result;
    }
  }

  @Override
  public void close() {
    maps.close();
  }
}
