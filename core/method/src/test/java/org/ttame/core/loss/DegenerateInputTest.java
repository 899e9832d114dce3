package org.ttame.core.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.attention.TinyClassifier;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.engine.Precision;
import org.ttame.core.image.InputSpec;
import org.ttame.core.masking.Masking;

/** Features and weights at which careless formulas give not-a-number. */
class DegenerateInputTest {
  private static final int SIDE = 6;
  private static final int[][] PSI = {{0, 1}, {2, 0}};
  private static final FeatureLayer LARGE = new FeatureLayer("a", "a", FeatureKind.MAP, 3, 4, 4);
  private static final FeatureLayer SMALL = new FeatureLayer("b", "b", FeatureKind.MAP, 2, 2, 2);

  static Stream<Object[]> forms() {
    return Stream.of(LossMode.values())
        .flatMap(
            mode ->
                Stream.of(Variant.PROPOSED, Variant.SIGMOID, Variant.NO_SKIP_NO_BN, Variant.LCAM)
                    .map(variant -> new Object[] {variant, mode}));
  }

  @ParameterizedTest
  @MethodSource("forms")
  void zeroActivations(Variant variant, LossMode mode) {
    finite(variant, mode, Nd4j.zeros(2, 4, 4, 3), Nd4j.zeros(2, 2, 2, 2), 0);
  }

  @ParameterizedTest
  @MethodSource("forms")
  void constantMaps(Variant variant, LossMode mode) {
    finite(variant, mode, Nd4j.ones(2, 4, 4, 3).muli(7), Nd4j.ones(2, 2, 2, 2).muli(-3), 0);
  }

  @ParameterizedTest
  @MethodSource("forms")
  void saturatedSigmoids(Variant variant, LossMode mode) {
    INDArray large = TinyClassifier.wave(1, 2, 4, 4, 3);
    INDArray small = TinyClassifier.wave(2, 2, 2, 2, 2);
    for (double bias : new double[] {1000, -1000, 89, -89, -37, -104}) {
      finite(variant, mode, large, small, bias);
    }
  }

  @ParameterizedTest
  @MethodSource("forms")
  void hugeActivations(Variant variant, LossMode mode) {
    finite(
        variant,
        mode,
        TinyClassifier.wave(1, 2, 4, 4, 3).muli(1e6),
        TinyClassifier.wave(2, 2, 2, 2, 2).muli(1e-20),
        0);
  }

  private static void finite(
      Variant variant, LossMode mode, INDArray large, INDArray small, double bias) {
    AttentionSpec spec = AttentionSpec.of(List.of(LARGE, SMALL), 3, variant);
    List<INDArray> features = spec.features().size() == 2 ? List.of(large, small) : List.of(small);
    try (AttentionMechanism mechanism = AttentionMechanism.create(spec, 3)) {
      mechanism.parameters().get("fusion.bias").addi(bias);
      try (AttentionTrainingGraph graph =
              new AttentionTrainingGraph(
                  mechanism,
                  Masking.CNN,
                  LossOptions.of(mode),
                  InputSpec.imageNet(SIDE),
                  Precision.FLOAT32);
          AttentionTrainingGraph.Forward forward =
              graph.forward(features, Nd4j.rand(2, SIDE, SIDE, 3), PSI);
          StepGradients step = forward.backward(Nd4j.ones(2, SIDE, SIDE, 3))) {
        assertThat(forward.area()).isBetween(0.0, 1.0002);
        assertThat(forward.variation()).isFinite().isNotNegative();
        assertFinite("masked", forward.maskedImages());
        step.gradients().forEach(DegenerateInputTest::assertFinite);
        step.batchStatistics().forEach(DegenerateInputTest::assertFinite);
      }
    }
  }

  private static void assertFinite(String name, INDArray array) {
    for (double value : array.dup('c').data().asDouble()) {
      assertThat(value).as(name).isFinite();
    }
  }

  /** At z = −89 float32's σ is below the smallest normal number; E^0.3 still has a value. */
  @Test
  void theAreaOfSaturatedMapsIsExact() {
    AttentionSpec spec = AttentionSpec.of(List.of(SMALL), 3, Variant.LCAM);
    try (AttentionMechanism mechanism = AttentionMechanism.create(spec, 3)) {
      mechanism.parameters().get("fusion.weight").assign(0);
      mechanism.parameters().get("fusion.bias").assign(-89);
      try (AttentionTrainingGraph graph =
              new AttentionTrainingGraph(
                  mechanism,
                  Masking.CNN,
                  LossOptions.defaults(),
                  InputSpec.imageNet(SIDE),
                  Precision.FLOAT32);
          AttentionTrainingGraph.Forward forward =
              graph.forward(List.of(Nd4j.ones(2, 2, 2, 2)), Nd4j.rand(2, SIDE, SIDE, 3), PSI);
          StepGradients step = forward.backward(Nd4j.zeros(2, SIDE, SIDE, 3))) {
        double exact = Math.exp(0.3 * -89);
        assertThat(forward.area()).isCloseTo(exact, within(1e-4 * exact));
        // λ2·λ4·E^λ4, a quarter of it at class 1, which has one of the four maps.
        assertThat(step.gradients().get("fusion.bias").getDouble(1))
            .isCloseTo(2 * 0.3 * exact / 4, within(1e-4 * exact));
      }
    }
  }

  @Test
  void aSingleValueHasNoVariance() {
    FeatureLayer pixel = new FeatureLayer("p", "p", FeatureKind.MAP, 3, 1, 1);
    AttentionSpec spec = AttentionSpec.of(List.of(pixel), 3, Variant.PROPOSED);
    try (AttentionMechanism mechanism = AttentionMechanism.create(spec, 3);
        AttentionTrainingGraph graph =
            new AttentionTrainingGraph(
                mechanism,
                Masking.CNN,
                LossOptions.defaults(),
                InputSpec.imageNet(SIDE),
                Precision.FLOAT32)) {
      assertThatThrownBy(
              () ->
                  graph.forward(
                      List.of(Nd4j.ones(1, 1, 1, 3)),
                      Nd4j.rand(1, SIDE, SIDE, 3),
                      new int[][] {{1}}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("Layer p has one value a channel in a batch of 1");
      // Two such values do, and a map of one pixel varies nowhere.
      try (AttentionTrainingGraph.Forward forward =
              graph.forward(
                  List.of(TinyClassifier.wave(1, 2, 1, 1, 3)),
                  Nd4j.rand(2, SIDE, SIDE, 3),
                  new int[][] {{1}, {0}});
          StepGradients step = forward.backward(Nd4j.ones(2, SIDE, SIDE, 3))) {
        assertThat(forward.variation()).isZero();
        step.gradients().forEach(DegenerateInputTest::assertFinite);
      }
    }
  }

  @Test
  void saysWhatDoesNotFit() {
    AttentionSpec spec = AttentionSpec.of(List.of(LARGE, SMALL), 3, Variant.PROPOSED);
    try (AttentionMechanism mechanism = AttentionMechanism.create(spec, 3);
        AttentionTrainingGraph graph =
            new AttentionTrainingGraph(
                mechanism,
                Masking.CNN,
                LossOptions.defaults(),
                InputSpec.imageNet(SIDE),
                Precision.FLOAT32)) {
      INDArray images = Nd4j.rand(DataType.FLOAT, 2, SIDE, SIDE, 3);
      INDArray large = Nd4j.zeros(2, 4, 4, 3);
      INDArray small = Nd4j.zeros(2, 2, 2, 2);
      assertThatThrownBy(() -> graph.forward(List.of(large), images, PSI))
          .hasMessage("The mechanism reads 2 feature maps, got 1");
      assertThatThrownBy(() -> graph.forward(List.of(small, large), images, PSI))
          .hasMessage("The feature map of a must have the shape [2, 4, 4, 3], got [2, 2, 2, 2]");
      assertThatThrownBy(() -> graph.forward(List.of(large, small), large, PSI))
          .hasMessage("The image batch must have the shape [2, 6, 6, 3], got [2, 4, 4, 3]");
      assertThatThrownBy(() -> graph.forward(List.of(large, small), images, new int[][] {{0}, {3}}))
          .hasMessage("Class 3 does not exist; the mechanism has classes 0 to 2");
      assertThatThrownBy(
              () -> graph.forward(List.of(large, small), images, new int[][] {{0}, {1, 2}}))
          .hasMessage("Every image needs the same number of classes, got 1 and 2");
    }
  }
}
