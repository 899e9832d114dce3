package org.ttame.core.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.ttame.core.classifier.FrozenClassifier;

class MapExplainerTest {
  private final FrozenClassifier classifier = TinyClassifier.create();
  private final AttentionMechanism mechanism = mechanism(Variant.PROPOSED);
  private final INDArray images = TinyClassifier.wave(1, 3, 8, 8, 3);
  private MapExplainer explainer;

  private AttentionMechanism mechanism(Variant variant) {
    return AttentionMechanism.create(
        AttentionSpec.of(classifier.defaultLayers(), classifier.classes(), variant), 4);
  }

  @BeforeEach
  void open() {
    explainer = new MapExplainer(classifier, mechanism);
  }

  @AfterEach
  void close() {
    explainer.close();
    mechanism.close();
    classifier.close();
    images.close();
  }

  @Test
  void explainsThePredictedClassInOnePass() {
    try (Explanation explanation = explainer.explain(images, ClassChoice.predicted())) {
      assertThat(classifier.passes().forward()).isEqualTo(3);
      assertThat(classifier.passes().backward()).isZero();
      assertThat(explanation.maps().shape()).containsExactly(3, 1, 4, 4);
      assertThat(explanation.logits().shape()).containsExactly(3, 5);
      for (int image = 0; image < 3; image++) {
        INDArray logits = explanation.logits().getRow(image);
        assertThat(explanation.classes()[image]).containsExactly(logits.argMax().getInt(0));
        try (INDArray map = explanation.map(image, 0)) {
          assertThat(map.minNumber().floatValue()).isZero();
          assertThat(map.maxNumber().floatValue()).isEqualTo(1);
        }
      }
      try (INDArray large = explanation.upsampled(8, 8)) {
        assertThat(large.shape()).containsExactly(3, 1, 8, 8);
      }
    }
  }

  @Test
  void theTopClassesIncludeThePredictedOneAndAgreeWithAskingOneByOne() {
    try (Explanation all = explainer.explain(images, ClassChoice.top(5));
        Explanation best = explainer.explain(images, ClassChoice.predicted());
        Explanation third = explainer.explain(images, ClassChoice.fixed(3))) {
      for (int image = 0; image < 3; image++) {
        assertThat(all.classes()[image][0]).isEqualTo(best.classes()[image][0]);
        assertThat(raw(all, image, 0)).isEqualTo(raw(best, image, 0));
        int at = 0;
        while (all.classes()[image][at] != 3) {
          at++;
        }
        assertThat(raw(all, image, at)).isEqualTo(raw(third, image, 0));
      }
    }
  }

  @Test
  void classesCanDifferFromImageToImage() {
    int[][] named = {{0, 4}, {2, 2}, {3, 1}};
    try (Explanation explanation = explainer.explain(images, ClassChoice.perImage(named));
        Explanation two = explainer.explain(images, ClassChoice.fixed(2))) {
      assertThat(explanation.classes()).isDeepEqualTo(named);
      assertThat(raw(explanation, 1, 0)).isEqualTo(raw(two, 1, 0));
      assertThat(raw(explanation, 1, 1)).isEqualTo(raw(two, 1, 0));
    }
  }

  @Test
  void anImageIsExplainedAloneAsInABatch() {
    try (INDArray second = images.get(NDArrayIndex.interval(1, 2)).dup('c');
        Explanation alone = explainer.explain(second, ClassChoice.predicted());
        Explanation together = explainer.explain(images, ClassChoice.predicted())) {
      assertThat(raw(alone, 0, 0).equalsWithEps(raw(together, 1, 0), 1e-5)).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource(Variant.class)
  void attachedToTheClassifierItselfItMakesTheSameMaps(Variant variant) {
    try (AttentionMechanism other = mechanism(variant);
        MapExplainer expected = new MapExplainer(classifier, other);
        Explanation explanation = expected.explain(images, ClassChoice.top(2))) {
      SameDiff graph = classifier.graph();
      List<SDVariable> features = new ArrayList<>();
      other.spec().features().forEach(l -> features.add(graph.getVariable(l.variable())));
      SDVariable classes = graph.placeHolder("c" + variant, DataType.INT32, -1, -1);
      String maps = other.attach(graph, features, classes).name();
      INDArray attached =
          graph
              .output(
                  Map.of(
                      "image", images, classes.name(), Nd4j.createFromArray(explanation.classes())),
                  maps)
              .get(maps);
      assertThat(attached.shape()).containsExactly(3, 2, other.mapHeight(), other.mapWidth());
      assertThat(attached.equalsWithEps(explanation.rawMaps(), 1e-5)).isTrue();
    }
  }

  @Test
  void laterTrainingDoesNotReachAnExplainer() {
    try (Explanation before = explainer.explain(images, ClassChoice.fixed(0))) {
      mechanism.parameters().values().forEach(p -> p.muli(3));
      try (Explanation after = explainer.explain(images, ClassChoice.fixed(0))) {
        assertThat(after.rawMaps()).isEqualTo(before.rawMaps());
      }
    }
  }

  @Test
  void aConstantMapBecomesZeros() {
    mechanism.parameters().get("fusion.weight").assign(0);
    try (MapExplainer flat = new MapExplainer(classifier, mechanism);
        Explanation explanation = flat.explain(images, ClassChoice.predicted())) {
      assertThat(Closeness.largest(explanation.maps())).isZero();
    }
  }

  @Test
  void saysWhatDoesNotFit() {
    assertThatThrownBy(() -> explainer.explain(images, ClassChoice.fixed(5)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Class 5 does not exist; the classifier has classes 0 to 4");
    assertThatThrownBy(() -> explainer.explain(images, ClassChoice.top(6)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () -> explainer.explain(images, ClassChoice.perImage(new int[][] {{1}, {2}})))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Classes were named for 2 images, the batch has 3");
    assertThatThrownBy(
            () -> explainer.explain(images, ClassChoice.perImage(new int[][] {{1}, {2}, {1, 2}})))
        .isInstanceOf(IllegalArgumentException.class);
    try (AttentionMechanism more =
        AttentionMechanism.create(
            AttentionSpec.of(classifier.defaultLayers(), 6, Variant.PROPOSED), 1)) {
      assertThatThrownBy(() -> new MapExplainer(classifier, more))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("The mechanism explains 6 classes, tiny has 5");
    }
  }

  private static INDArray raw(Explanation explanation, int image, int index) {
    return explanation
        .rawMaps()
        .get(
            NDArrayIndex.point(image),
            NDArrayIndex.point(index),
            NDArrayIndex.all(),
            NDArrayIndex.all())
        .dup('c');
  }
}
