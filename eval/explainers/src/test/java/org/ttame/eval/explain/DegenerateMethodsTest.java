package org.ttame.eval.explain;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.eval.LinearClassifier;

/** Classifiers that give a method nothing to work with: maps are zeros, and it is said. */
class DegenerateMethodsTest {
  private static final int SIDE = 8;
  private static final String FLAT = MapWarning.FLAT_MAP.sentence();
  private static final String NOT_FINITE = MapWarning.NOT_FINITE.sentence();
  private static final String NO_INFLUENCE = MapWarning.NO_INFLUENCE.sentence();
  private static final String FLAT_CHANNEL = MapWarning.FLAT_CHANNEL.sentence();

  /**
   * Logits that do not depend on the image: gradients are zero, and Ablation-CAM divides 0 by 0.
   */
  @Test
  void nothingMatters() {
    Map<String, Map<String, Long>> warnings = warnings(1, 0);
    assertThat(warnings.get("gradcam")).isEqualTo(Map.of(FLAT, 2L, NO_INFLUENCE, 2L));
    assertThat(warnings.get("gradcam++")).isEqualTo(Map.of(FLAT, 2L, NO_INFLUENCE, 2L));
    assertThat(warnings.get("iia")).isEqualTo(Map.of(FLAT, 2L));
    assertThat(warnings.get("iia-released")).isEqualTo(Map.of(FLAT, 2L));
    assertThat(warnings.get("ablationcam")).isEqualTo(Map.of(FLAT, 2L, NOT_FINITE, 6L));
    assertThat(warnings.get("scorecam")).isEmpty();
    assertThat(warnings.get("rise")).isEmpty();
  }

  /** A layer of zeros. */
  @Test
  void channelsAreConstant() {
    Map<String, Map<String, Long>> warnings = warnings(0, 1);
    assertThat(warnings.get("scorecam")).isEqualTo(Map.of(FLAT, 2L, FLAT_CHANNEL, 6L));
    assertThat(warnings.get("gradcam")).isEqualTo(Map.of(FLAT, 2L, NO_INFLUENCE, 2L));
  }

  @Test
  void logitsAreNoNumbers() {
    Map<String, Map<String, Long>> warnings = warnings(1, Float.NaN);
    assertThat(warnings.get("gradcam")).isEqualTo(Map.of(FLAT, 2L, NOT_FINITE, 2L * SIDE * SIDE));
    assertThat(warnings.get("scorecam")).isEqualTo(Map.of(FLAT, 2L, NOT_FINITE, 6L));
    assertThat(warnings.get("ablationcam")).isEqualTo(Map.of(FLAT, 2L, NOT_FINITE, 6L));
    assertThat(warnings.get("rise")).isEqualTo(Map.of(FLAT, 2L, NOT_FINITE, 8L));
    for (String iia : List.of("iia", "iia-released")) {
      assertThat(warnings.get(iia)).isEqualTo(Map.of(FLAT, 2L, NOT_FINITE, 2L * SIDE * SIDE));
    }
  }

  @Test
  void ordinaryMapsWarnOfNothing() {
    assertThat(warnings(1, 1).values()).allMatch(Map::isEmpty);
  }

  /**
   * Two images through every method.
   *
   * @param mix how much of a pixel reaches the layer
   * @param head how much of the layer reaches the logits
   */
  private static Map<String, Map<String, Long>> warnings(float mix, float head) {
    try (FrozenClassifier classifier = classifier(mix, head);
        INDArray images = Nd4j.rand(DataType.FLOAT, 2, SIDE, SIDE, 3)) {
      FeatureLayer layer = classifier.layer("pixels");
      List<Explainer> explainers =
          List.of(
              GradCamExplainer.gradCam(classifier, layer),
              GradCamExplainer.plusPlus(classifier, layer),
              new ScoreCamExplainer(classifier, layer, 2, PassListener.NONE),
              new AblationCamExplainer(classifier, layer, 2, PassListener.NONE),
              new RiseExplainer(classifier, 4, 1, 2, PassListener.NONE),
              new IiaExplainer(classifier, layer, IiaExplainer.Form.PAPER, PassListener.NONE),
              new IiaExplainer(classifier, layer, IiaExplainer.Form.RELEASED, PassListener.NONE));
      Map<String, Map<String, Long>> result = new java.util.LinkedHashMap<>();
      for (Explainer explainer : explainers) {
        SaliencyMaps maps = explainer.explain(images, new int[] {1, 1}, List.of("a", "b"));
        result.put(explainer.name(), explainer.warnings());
        boolean flat = explainer.warnings().containsKey(FLAT);
        for (int b = 0; b < 2; b++) {
          float[] map = maps.map(b);
          assertThat(map).as(explainer.name()).containsOnly(flat ? new float[] {0} : map);
        }
      }
      return result;
    }
  }

  /** feature = mix·image, logits = head·(0, 1)·Σ feature². */
  private static FrozenClassifier classifier(float mix, float head) {
    SameDiff graph = SameDiff.create();
    SDVariable image = graph.placeHolder("image", DataType.FLOAT, -1, SIDE, SIDE, 3);
    SDVariable feature = image.mul("feature", graph.constant("mix", Nd4j.scalar(mix)));
    SDVariable sums = feature.mul(feature).sum(true, 1, 2, 3).reshape(-1, 1);
    INDArray row = Nd4j.createFromArray(new float[][] {{0, head}});
    graph.mmul(sums, graph.constant("head", row)).rename("logits");
    return FrozenClassifier.builder(graph)
        .name("degenerate")
        .input("image")
        .logits("logits")
        .classes(2)
        .inputSpec(LinearClassifier.plain(SIDE))
        .layers(List.of(new FeatureLayer("pixels", "feature", FeatureKind.MAP, 3, SIDE, SIDE)))
        .build();
  }
}
