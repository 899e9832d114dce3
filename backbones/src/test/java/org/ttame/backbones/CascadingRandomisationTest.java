package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.architecture.Architecture;
import org.ttame.backbones.architecture.ResNetArchitecture;
import org.ttame.backbones.architecture.VggArchitecture;
import org.ttame.backbones.architecture.VitArchitecture;
import org.ttame.backbones.graph.BackboneGraph;
import org.ttame.backbones.graph.InitialValues;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.OutputSpec;
import org.ttame.core.image.InputSpec;
import org.ttame.testing.FormulaArrays;

class CascadingRandomisationTest {
  private static final VggArchitecture VGG =
      new VggArchitecture(32, List.of(List.of(4), List.of(6, 6)), 4, List.of(10), 5, false);
  private static final VitArchitecture VIT =
      new VitArchitecture(32, 8, 32, 2, 4, 64, VitArchitecture.NORM_EPS, 5);
  private static final ResNetArchitecture RESNET =
      ResNetArchitecture.bottleneck(32, 8, List.of(1, 2), 1, 5);

  @TempDir Path folder;

  @Test
  void stagesGoFromTheLogitsToTheInput() {
    assertThat(names(VGG))
        .containsExactly("classifier.3", "classifier.0", "features.5", "features.3", "features.0");
    assertThat(names(RESNET)).containsExactly("fc", "layer2.1", "layer2.0", "layer1.0", "conv1");
    assertThat(names(VIT))
        .containsExactly(
            "heads.head",
            "encoder.layers.encoder_layer_1",
            "encoder.layers.encoder_layer_0",
            "conv_proj");
  }

  @Test
  void everyParameterBelongsToOneStage() {
    for (Architecture architecture : List.of(VGG, RESNET, VIT)) {
      List<String> all =
          CascadingRandomisation.stages(architecture).stream()
              .flatMap(stage -> stage.parameters().stream())
              .toList();
      assertThat(all)
          .doesNotHaveDuplicates()
          .hasSameSizeAs(BackboneGraph.outline(architecture).parameters());
    }
  }

  @Test
  void initialValuesHaveTheirModulesBounds() {
    uniform(VGG, "classifier.0.weight", 1 / Math.sqrt(6 * 16), 96, 10);
    uniform(VGG, "features.3.weight", 1 / Math.sqrt(4 * 9), 3, 3, 4, 6);
    uniform(RESNET, "layer1.0.conv2.weight", 1 / Math.sqrt(8 * 9), 3, 3, 8, 8);
    constant(RESNET, "layer1.0.conv2.bias", 0, 8);
    uniform(RESNET, "fc.weight", 1 / Math.sqrt(64), 64, 5);
    String block = "encoder.layers.encoder_layer_1.";
    double packed = Math.sqrt(6.0 / (32 + 3 * 32));
    uniform(VIT, block + "self_attention.key.weight", packed, 32, 32);
    // The graph scales queries by 1/√(head width), and u = x/√2.
    uniform(VIT, block + "self_attention.query.weight", packed / Math.sqrt(8), 32, 32);
    uniform(VIT, block + "mlp.0.weight", 1 / Math.sqrt(32) / Math.sqrt(2), 32, 64);
    uniform(VIT, block + "mlp.3.weight", 1 / Math.sqrt(64) / Math.sqrt(2), 64, 32);
    uniform(VIT, block + "self_attention.out_proj.weight", 1 / Math.sqrt(32), 32, 32);
    constant(VIT, block + "self_attention.value.bias", 0, 32);
    constant(VIT, block + "ln_1.weight", 1, 32);
    constant(VIT, "encoder.ln.bias", 0, 32);
    try (INDArray positions = new InitialValues(VIT, 1).draw("encoder.pos_embedding", 1, 17, 32)) {
      assertThat(positions.stdNumber().doubleValue()).isCloseTo(0.02, within(0.002));
      assertThat(positions.meanNumber().doubleValue()).isCloseTo(0, within(0.003));
    }
  }

  private Path vgg() throws IOException {
    Path file = folder.resolve("vgg.ttame");
    BackboneFile.write(
        file,
        VGG,
        InputSpec.imageNet(32),
        OutputSpec.logits(VGG.classes()),
        java.util.Map.of(),
        List.of(),
        CascadingRandomisationTest::learnt);
    return file;
  }

  @Test
  void randomisesFromTheTopAndLeavesTheRestAlone() throws IOException {
    Path file = vgg();
    CascadingRandomisation cascade =
        new CascadingRandomisation(file, BackboneOptions.defaults(), 5);
    try (INDArray image = learnt("image", 1, 32, 32, 3)) {
      float[] original = logits(cascade.classifier(0), image);
      try (FrozenClassifier loaded = Backbones.load(file, BackboneOptions.defaults())) {
        assertThat(original).isEqualTo(logits(loaded, image));
      }
      List<float[]> features =
          IntStream.range(0, 6).mapToObj(n -> features(cascade, n, image)).toList();
      // Two linear layers come first: the map before them stays to the bit.
      assertThat(features.get(1)).isEqualTo(features.get(0));
      assertThat(features.get(2)).isEqualTo(features.get(0));
      assertThat(features.get(3)).isNotEqualTo(features.get(0));
      for (int n = 1; n <= 5; n++) {
        assertThat(logits(cascade.classifier(n), image)).isNotEqualTo(original);
      }
      assertThat(logits(cascade.classifier(5), image))
          .isEqualTo(logits(cascade.classifier(5), image));
      CascadingRandomisation other =
          new CascadingRandomisation(file, BackboneOptions.defaults(), 6);
      assertThat(logits(other.classifier(5), image))
          .isNotEqualTo(logits(cascade.classifier(5), image));
      try (FrozenClassifier random = cascade.classifier(2)) {
        assertThat(random.provenance().get("randomised"))
            .isEqualTo("classifier.3 to classifier.0, seed 5");
      }
    }
  }

  /** Three stages of five: the same values are drawn, at the same ends. */
  @Test
  void fewerStagesJoinNeighbours() throws IOException {
    Path file = vgg();
    CascadingRandomisation each = new CascadingRandomisation(file, BackboneOptions.defaults(), 5);
    CascadingRandomisation cascade = each.inStages(3);
    List<String> names = each.stages().stream().map(CascadingRandomisation.Stage::name).toList();
    assertThat(cascade.stages())
        .extracting(CascadingRandomisation.Stage::name)
        .containsExactly(
            names.get(0),
            names.get(1) + " to " + names.get(2),
            names.get(3) + " to " + names.get(4));
    try (INDArray image = learnt("image", 1, 32, 32, 3)) {
      int[] ends = {0, 1, 3, 5};
      for (int n = 0; n <= 3; n++) {
        assertThat(logits(cascade.classifier(n), image))
            .isEqualTo(logits(each.classifier(ends[n]), image));
      }
    }
    assertThat(each.inStages(9).stages()).isEqualTo(each.stages());
    assertThatThrownBy(() -> each.inStages(0)).hasMessageContaining("0 stages");
  }

  private static INDArray learnt(String name, long... shape) {
    FormulaArrays numbers = new FormulaArrays(name);
    INDArray array = Nd4j.createUninitialized(DataType.FLOAT, shape, 'c');
    for (long i = 0; i < array.length(); i++) {
      array.data().put(i, 0.2f * numbers.at(i));
    }
    return array;
  }

  /** Stages that were measured by an earlier version have these numbers. */
  @Test
  void valuesAreThoseOfRandom() {
    long seed = -3;
    String name = "features.5.weight";
    java.util.Random random = new java.util.Random(seed * 0x9E3779B97F4A7C15L + name.hashCode());
    double bound = 1 / Math.sqrt(3 * 3 * 6);
    try (INDArray values = new InitialValues(VGG, seed).draw(name, 3, 3, 6, 6)) {
      for (float value : values.dup('c').data().asFloat()) {
        assertThat(value).isEqualTo((float) ((2 * random.nextDouble() - 1) * bound));
      }
    }
  }

  private static List<String> names(Architecture architecture) {
    return CascadingRandomisation.stages(architecture).stream()
        .map(CascadingRandomisation.Stage::name)
        .toList();
  }

  /** A uniform value's deviation is its bound by √3. */
  private static void uniform(Architecture architecture, String name, double bound, long... shape) {
    try (INDArray values = new InitialValues(architecture, 1).draw(name, shape)) {
      assertThat(values.shape()).isEqualTo(shape);
      assertThat(values.amaxNumber().doubleValue()).as(name).isBetween(0.9 * bound, bound);
      assertThat(values.stdNumber().doubleValue())
          .as(name)
          .isCloseTo(bound / Math.sqrt(3), within(0.1 * bound));
    }
  }

  private static void constant(
      Architecture architecture, String name, float expected, long... shape) {
    try (INDArray values = new InitialValues(architecture, 1).draw(name, shape)) {
      assertThat(values.data().asFloat()).containsOnly(expected);
    }
  }

  private static float[] logits(FrozenClassifier classifier, INDArray image) {
    try (ClassifierOutput output = classifier.forward(image, List.of())) {
      return output.logits().dup('c').data().asFloat();
    }
  }

  private static float[] features(CascadingRandomisation cascade, int count, INDArray image) {
    try (FrozenClassifier classifier = cascade.classifier(count);
        ClassifierOutput output =
            classifier.forward(image, classifier.layers(List.of("features.7")))) {
      return output.features().get(0).dup('c').data().asFloat();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
