package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.graph.BackboneGraph;
import org.ttame.backbones.onnx.OnnxBackbone;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.InputGradient;
import org.ttame.core.classifier.LayerGradients;
import org.ttame.core.engine.GraphResult;
import org.ttame.core.engine.GraphRunner;
import org.ttame.core.engine.Precision;
import org.ttame.core.image.ImageSize;

/**
 * Every exporter's form of the tiny networks computes what PyTorch computes: logits, every layer's
 * output, and gradients with respect to images and layers.
 */
class MembersTest {
  /** Rounding of float32 through some ten layers in another order of summation. */
  private static final double TOLERANCE = 2e-5;

  /** ONNX Runtime of this version reads operator sets up to here. */
  private static final int ORACLE_OPSET = 21;

  @TempDir static Path folder;
  private static List<Path> files;

  /** Without what is refused, see AttributesTest. */
  @BeforeAll
  static void unpack() {
    files =
        Members.unpack(folder).stream()
            .filter(file -> !file.toString().contains("training"))
            .toList();
  }

  @TestFactory
  Stream<DynamicTest> everyFile() {
    return files.stream()
        .map(
            file ->
                DynamicTest.dynamicTest(
                    file.getFileName().toString(), () -> computesTheSame(file)));
  }

  private static void computesTheSame(Path file) throws Exception {
    String name = file.getFileName().toString();
    try (FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults())) {
      int opset = Integer.parseInt(classifier.provenance().get("opset"));
      boolean sameBatch = !name.contains("batch1");
      if (opset <= ORACLE_OPSET) {
        agreesWithOnnxRuntime(file, classifier, sameBatch ? 2 : 1);
      }
      if (!name.startsWith("half")) {
        agreesWithPyTorch(Members.golden(file, folder), classifier);
      }
    }
  }

  /** Weights that are rounded when they are loaded, and when the graph is there: the same bits. */
  @TestFactory
  Stream<DynamicTest> inBfloat16() {
    assumeThat(Precision.Hardware.here()).isNotEqualTo(Precision.Hardware.NONE);
    return files.stream()
        .map(
            file ->
                DynamicTest.dynamicTest(file.getFileName().toString(), () -> roundsTheSame(file)));
  }

  private static void roundsTheSame(Path file) throws Exception {
    try (OnnxBackbone source = OnnxBackbone.read(file, BackboneOptions.defaults())) {
      ImageSize size = source.architecture().size();
      try (INDArray images = Nd4j.rand(2, size.height(), size.width(), 3)) {
        assertThat(logits(source, Precision.BFLOAT16, images))
            .isEqualTo(logits(source, Precision.FLOAT32, images));
      }
    }
  }

  private static INDArray logits(OnnxBackbone source, Precision loading, INDArray images)
      throws IOException {
    BackboneGraph graph = BackboneGraph.of(source.architecture(), source, DataType.FLOAT, loading);
    GraphRunner runner = GraphRunner.of(graph.graph(), Precision.BFLOAT16);
    try (GraphResult result = runner.run(Map.of(BackboneGraph.INPUT, images), graph.logits())) {
      return result.output(graph.logits()).dup();
    } finally {
      runner.closeWithGraph();
    }
  }

  private static void agreesWithOnnxRuntime(Path file, FrozenClassifier classifier, int batch)
      throws Exception {
    int side = classifier.inputSpec().height();
    try (INDArray images = Nd4j.rand(batch, side, side, 3).muli(4).subi(2);
        OnnxOracle oracle = new OnnxOracle(file);
        ClassifierOutput output = classifier.forward(images, List.of());
        INDArray expected = oracle.run(images).values().iterator().next();
        INDArray actual = endsInSoftmax(file) ? softmax(output.logits()) : output.logits().dup()) {
      assertThat(Members.difference(actual, expected)).isLessThan(TOLERANCE);
    }
  }

  private static boolean endsInSoftmax(Path file) {
    return file.getFileName().toString().startsWith("vgg_channels_last");
  }

  private static INDArray softmax(INDArray logits) {
    return org.nd4j.linalg.ops.transforms.Transforms.softmax(logits, true);
  }

  private static void agreesWithPyTorch(Map<String, INDArray> golden, FrozenClassifier classifier)
      throws IOException {
    List<FeatureLayer> layers = new ArrayList<>(classifier.layers().values());
    List<String> nodes =
        golden.keySet().stream()
            .filter(key -> key.startsWith("node."))
            .map(key -> key.substring("node.".length()))
            .toList();
    assertThat(classifier.layers().keySet()).containsExactlyInAnyOrderElementsOf(nodes);
    int[] labels = golden.get("labels").toIntVector();
    try (INDArray images = Members.images(golden.get("input"))) {
      try (ClassifierOutput output = classifier.forward(images, layers)) {
        assertThat(Members.difference(output.logits(), golden.get("logits")))
            .as("logits")
            .isLessThan(TOLERANCE);
        compare("node.", layers, output.features(), golden);
      }
      try (LayerGradients gradients = classifier.logitGradients(images, labels, layers)) {
        compare("gradient.", layers, gradients.gradients(), golden);
      }
      try (InputGradient gradient = classifier.crossEntropyGradient(images, labels);
          INDArray expected = Members.images(golden.get("loss.gradient"))) {
        assertThat(Members.difference(gradient.gradient(), expected))
            .as("gradient at the images")
            .isLessThan(TOLERANCE);
      }
    } finally {
      golden.values().forEach(INDArray::close);
    }
  }

  private static void compare(
      String prefix,
      List<FeatureLayer> layers,
      List<INDArray> actual,
      Map<String, INDArray> golden) {
    for (int i = 0; i < layers.size(); i++) {
      FeatureLayer layer = layers.get(i);
      try (INDArray expected = Members.feature(golden.get(prefix + layer.node()), layer)) {
        assertThat(Members.difference(actual.get(i), expected))
            .as(prefix + layer.node())
            .isLessThan(TOLERANCE);
      }
    }
  }
}
