package org.ttame.core.classifier;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.ResizeRule;
import org.ttame.core.npz.Npz;

/** What each kind of output means, with PyTorch's values; images of 2×3 pixels, two channels. */
class OutputKindTest {
  /** Rounding of float32 in sums of twelve terms up to 10. */
  private static final double CLOSE = 1e-5;

  private static Map<String, INDArray> golden;

  @BeforeAll
  static void read() throws Exception {
    golden = Npz.read(Path.of(OutputKindTest.class.getResource("output_kinds.npz").toURI()));
  }

  private static String goldenName(OutputKind kind) {
    return kind == OutputKind.PROBABILITIES ? "logits" : kind.optionName();
  }

  private static INDArray golden(OutputKind kind, String name) {
    return golden.get(goldenName(kind) + "." + name);
  }

  private static int[] labels(OutputKind kind) {
    INDArray labels = golden(kind, "labels");
    return IntStream.range(0, (int) labels.length()).map(i -> (int) labels.getFloat(i)).toArray();
  }

  private static FrozenClassifier classifier(OutputKind kind, float factor) {
    SameDiff graph = SameDiff.create();
    SDVariable image = graph.placeHolder("image", DataType.FLOAT, -1, 2, 3, 2);
    SDVariable pixels = image.mul("pixels", graph.constant("factor", Nd4j.scalar(factor)));
    graph
        .mmul(pixels.reshape(-1, 12), graph.constant("w", golden(kind, "w").dup('c')))
        .rename("scores");
    int classes = (int) golden(kind, "psi").size(1);
    return FrozenClassifier.builder(graph)
        .input("image")
        .logits("scores")
        .output(new OutputSpec("scores", kind, classes, List.of()))
        .inputSpec(
            new InputSpec(
                2,
                3,
                List.of(0.4, 0.6),
                List.of(0.2, 0.3),
                ResizeRule.STRETCH,
                InputSpec.Stored.USUAL))
        .layers(List.of(new FeatureLayer("pixels", "pixels", FeatureKind.MAP, 2, 2, 3)))
        .build();
  }

  @ParameterizedTest
  @EnumSource(OutputKind.class)
  void probabilitiesAndCrossEntropyArePyTorchs(OutputKind kind) {
    INDArray x = golden(kind, "x");
    try (FrozenClassifier classifier = classifier(kind, 1);
        ClassifierOutput output = classifier.forward(x, List.of());
        InputGradient entropy = classifier.crossEntropyGradient(x, labels(kind))) {
      INDArray psi = golden(kind, "psi");
      double[][] all = output.probabilities();
      for (int b = 0; b < all.length; b++) {
        for (int k = 0; k < all[b].length; k++) {
          assertThat(all[b][k]).isCloseTo(psi.getDouble(b, k), within(CLOSE));
        }
        assertThat(output.probabilities(labels(kind))[b]).isEqualTo(all[b][labels(kind)[b]]);
      }
      assertThat(entropy.crossEntropy()).isCloseTo(golden(kind, "ce").getDouble(0), within(CLOSE));
      assertClose(entropy.gradient(), golden(kind, "ce_gradient"));
    }
  }

  @ParameterizedTest
  @EnumSource(OutputKind.class)
  void scoresAndTheirGradientsArePyTorchs(OutputKind kind) {
    INDArray x = golden(kind, "x");
    int[] labels = labels(kind);
    try (FrozenClassifier classifier = classifier(kind, 1)) {
      FeatureLayer pixels = classifier.layer("pixels");
      try (LayerGradients pass = classifier.logitGradients(x, labels, List.of(pixels));
          ClassifierOutput output = classifier.forward(x, List.of())) {
        assertClose(pass.gradients().get(0), golden(kind, "score_gradient"));
        double sum =
            IntStream.range(0, labels.length).mapToDouble(b -> output.score(b, labels[b])).sum();
        // The classifier is linear: its score is the product with its gradient.
        assertThat(sum)
            .isCloseTo(
                x.mul(golden(kind, "score_gradient")).sumNumber().doubleValue(), within(1e-4));
      }
    }
  }

  @Test
  void bothClassesOfASingleLogitAreContraries() {
    OutputKind kind = OutputKind.ONE_LOGIT;
    INDArray x = golden(kind, "x");
    try (FrozenClassifier classifier = classifier(kind, 1)) {
      FeatureLayer pixels = classifier.layer("pixels");
      try (ClassifierOutput output = classifier.forward(x, List.of());
          LayerGradients no = classifier.logitGradients(x, new int[4], List.of(pixels));
          LayerGradients yes =
              classifier.logitGradients(x, new int[] {1, 1, 1, 1}, List.of(pixels))) {
        assertThat(classifier.classes()).isEqualTo(2);
        assertThat(output.logits().shape()).containsExactly(4, 2);
        for (int b = 0; b < 4; b++) {
          assertThat(output.logits().getDouble(b, 0)).isZero();
          assertThat(output.score(b, 0)).isEqualTo(-output.score(b, 1));
          assertThat(output.predictedClasses()[b]).isEqualTo(output.score(b, 1) > 0 ? 1 : 0);
        }
        assertThat(yes.gradients().get(0).amaxNumber().doubleValue()).isPositive();
        assertThat(no.gradients().get(0)).isEqualTo(yes.gradients().get(0).neg());
      }
    }
  }

  /** Where exponentials overflow float32 and ND4J's own functions give infinities. */
  @ParameterizedTest
  @EnumSource(OutputKind.class)
  void largeScoresStayFinite(OutputKind kind) {
    INDArray x = golden(kind, "x");
    try (FrozenClassifier classifier = classifier(kind, 50);
        InputGradient entropy = classifier.crossEntropyGradient(x, labels(kind))) {
      assertThat(entropy.crossEntropy()).isFinite().isPositive();
      assertThat(entropy.gradient().sumNumber().doubleValue()).isFinite();
      double largest = golden(kind, "w").amaxNumber().doubleValue();
      assertThat(entropy.gradient().amaxNumber().doubleValue())
          .isPositive()
          .isLessThanOrEqualTo(50 * 2 * largest / 4);
    }
  }

  @Test
  void namesAndLimits() {
    for (OutputKind kind : OutputKind.values()) {
      assertThat(OutputKind.parse(kind.optionName())).isEqualTo(kind);
    }
    assertThatThrownBy(() -> OutputKind.parse("odds")).hasMessageContaining("multi-label");
    assertThatThrownBy(() -> new OutputSpec("", OutputKind.ONE_LOGIT, 3, List.of()))
        .hasMessageContaining("not 3");
    assertThatThrownBy(() -> new OutputSpec("", OutputKind.LOGITS, 3, List.of("a")))
        .hasMessageContaining("1 labels");
  }

  private static void assertClose(INDArray actual, INDArray expected) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    double largest = expected.amaxNumber().doubleValue();
    for (long i = 0; i < expected.length(); i++) {
      assertThat(actual.getDouble(i)).isCloseTo(expected.getDouble(i), within(CLOSE * largest));
    }
  }
}
