package org.ttame.core.classifier;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.image.InputSpec;

/** A tiny convolutional classifier in double precision, against finite differences. */
class FrozenClassifierTest {
  private static final int SIDE = 4;
  private static final int CLASSES = 3;

  private FrozenClassifier classifier;
  private INDArray images;

  @BeforeEach
  void build() {
    SameDiff graph = SameDiff.create();
    SDVariable input = graph.placeHolder("image", DataType.DOUBLE, -1, SIDE, SIDE, 3);
    INDArray mix = ramp(3, 5).muli(0.3);
    INDArray head = ramp(5, CLASSES).muli(0.7);
    SDVariable feature =
        graph.math.tanh(
            graph.reshape(
                graph.mmul(graph.reshape(input, -1, 3), graph.constant("mix", mix)),
                -1,
                SIDE,
                SIDE,
                5));
    feature = feature.rename("feature");
    SDVariable pooled = feature.mul(feature).mean(1, 2);
    graph.mmul(pooled, graph.constant("head", head)).rename("logits");
    classifier =
        FrozenClassifier.builder(graph)
            .name("tiny")
            .input("image")
            .logits("logits")
            .classes(CLASSES)
            .inputSpec(InputSpec.imageNet(SIDE))
            .layers(List.of(new FeatureLayer("block", "feature", FeatureKind.MAP, 5, SIDE, SIDE)))
            .build();
    images = ramp(2, SIDE, SIDE, 3);
  }

  @AfterEach
  void close() {
    classifier.close();
    images.close();
  }

  @Test
  void crossEntropyMatchesItsDefinitionAndFiniteDifferences() {
    int[] labels = {2, 0};
    try (InputGradient result = classifier.crossEntropyGradient(images, labels)) {
      assertThat(result.crossEntropy()).isCloseTo(crossEntropy(labels), within(1e-12));
      for (int index : new int[] {0, 17, 50, 95}) {
        double numeric = difference(index, () -> crossEntropy(labels));
        assertThat(result.gradient().ravel().getDouble(index)).isCloseTo(numeric, within(1e-9));
      }
    }
    assertThat(classifier.passes().backward()).isEqualTo(2);
  }

  @Test
  void refusesImagesOfAnotherPrecision() {
    try (INDArray single = images.castTo(DataType.FLOAT)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> classifier.forward(single, List.of()))
          .withMessage("tiny computes in DOUBLE, the images are FLOAT; cast them");
    }
  }

  /** Pixels of a picture are 255ths from 0 to 1; standardised by 0.5 and 0.5 they are odd ones. */
  @Test
  void refusesPixelsThatAreNotStandardised() {
    long[] shape = images.shape();
    float[] levels = new float[(int) images.length()];
    for (int i = 0; i < levels.length; i++) {
      levels[i] = (i * 37 % 256) / 255f;
    }
    try (INDArray unit = Nd4j.create(levels, shape, 'c').castTo(DataType.DOUBLE)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> classifier.forward(unit, List.of()))
          .withMessageContaining("pixels from 0 to 1")
          .withMessageContaining("[0.485, 0.456, 0.406]");
      InputSpec halves = new InputSpec(4, List.of(0.5, 0.5, 0.5), List.of(0.5, 0.5, 0.5));
      for (int i = 0; i < levels.length; i++) {
        levels[i] = ((128 + i % 128) / 255f - 0.5f) / 0.5f;
      }
      try (INDArray bright = Nd4j.create(levels, shape, 'c');
          INDArray black = Nd4j.zeros(DataType.FLOAT, shape)) {
        halves.requireStandardised(bright);
        halves.requireStandardised(black);
        new InputSpec(4, List.of(0.0, 0.0, 0.0), List.of(1.0, 1.0, 1.0)).requireStandardised(unit);
      }
    }
  }

  /** Logits of 0, 300 and -200: in float32 two of the three probabilities are zero. */
  @Test
  void crossEntropyOfHopelessClassesIsFinite() {
    SameDiff graph = SameDiff.create();
    SDVariable input = graph.placeHolder("image", DataType.FLOAT, -1, 1, 1, 3);
    INDArray scale = Nd4j.createFromArray(new float[][] {{0, 0, 0}, {0, 300, 0}, {0, 0, -200}});
    graph.mmul(graph.reshape(input, -1, 3), graph.constant("scale", scale)).rename("logits");
    try (FrozenClassifier wide =
            FrozenClassifier.builder(graph)
                .input("image")
                .logits("logits")
                .classes(3)
                .inputSpec(InputSpec.imageNet(1))
                .layers(List.of(new FeatureLayer("pixel", "image", FeatureKind.MAP, 3, 1, 1)))
                .build();
        INDArray ones = Nd4j.ones(DataType.FLOAT, 3, 1, 1, 3);
        InputGradient result = wide.crossEntropyGradient(ones, new int[] {0, 1, 2})) {
      // The losses are 300, 0 and 500; each image weighs a third.
      assertThat(result.crossEntropy()).isCloseTo(800.0 / 3, within(1e-3));
      assertThat(result.gradient().ravel().toFloatVector())
          .containsExactly(new float[] {0, 100, 0, 0, 0, 0, 0, 100, 200f / 3}, within(1e-3f));
    }
  }

  @Test
  void logitGradientsMatchTheChainRule() {
    int[] targets = {1, 2};
    try (LayerGradients result =
        classifier.logitGradients(images, targets, classifier.defaultLayers())) {
      INDArray feature = result.features().get(0);
      INDArray gradient = result.gradients().get(0);
      INDArray head = classifier.graph().getVariable("head").getArr();
      // logit_k = Σ_c head[c,k] · mean(feature_c²)
      for (int channel = 0; channel < 5; channel++) {
        double expected =
            2 * feature.getDouble(1, 3, 2, channel) / (SIDE * SIDE) * head.getDouble(channel, 2);
        assertThat(gradient.getDouble(1, 3, 2, channel)).isCloseTo(expected, within(1e-12));
      }
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    assertThatThrownBy(() -> classifier.layer("nowhere"))
        .hasMessage("tiny has no layer \"nowhere\" with height and width; it has block");
    assertThatThrownBy(() -> classifier.crossEntropyGradient(images, new int[] {0, 3}))
        .hasMessage("Class 3 does not exist; tiny has classes 0 to 2");
    assertThatThrownBy(() -> classifier.forward(Nd4j.zeros(1, 3, 4, 4), List.of()))
        .hasMessageContaining("[B, 4, 4, 3]")
        .hasMessageContaining("[1, 3, 4, 4]");
  }

  private double crossEntropy(int[] labels) {
    try (ClassifierOutput output = classifier.forward(images, List.of())) {
      double total = 0;
      for (int row = 0; row < labels.length; row++) {
        double sum = 0;
        for (int k = 0; k < CLASSES; k++) {
          sum += Math.exp(output.logits().getDouble(row, k));
        }
        total += Math.log(sum) - output.logits().getDouble(row, labels[row]);
      }
      return total / labels.length;
    }
  }

  private double difference(int index, java.util.function.DoubleSupplier value) {
    double step = 1e-5;
    double centre = images.data().getDouble(index);
    images.data().put(index, centre + step);
    double up = value.getAsDouble();
    images.data().put(index, centre - step);
    double down = value.getAsDouble();
    images.data().put(index, centre);
    return (up - down) / (2 * step);
  }

  private static INDArray ramp(long... shape) {
    INDArray array = Nd4j.create(DataType.DOUBLE, shape);
    for (long i = 0; i < array.length(); i++) {
      array.data().put(i, Math.sin(1 + 1.7 * i));
    }
    return array;
  }
}
