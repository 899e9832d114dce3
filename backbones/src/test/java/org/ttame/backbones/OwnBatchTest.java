package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.ttame.backbones.SmallNetwork.Body;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.Assumption;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.InputGradient;
import org.ttame.core.classifier.LayerGradients;

/**
 * Files whose batch is fixed and cannot be freed: they run at their own batch, and give for each
 * image what they give for it alone; those that mix images are refused.
 */
class OwnBatchTest {
  private static final int BATCH = 3;
  private static final int SIDE = 16;
  private static final int CLASSES = 5;

  /** Rounding of float32 through a few layers in another order of summation. */
  private static final double TOLERANCE = 2e-5;

  @TempDir Path folder;

  /** Images side by side as groups of channels, each with the same weights. */
  private static String groups(OnnxWriter onnx, String image) {
    String kernel = onnx.weight(0, 0.3, 8, 3, 3, 3);
    String bias = onnx.weight(0, 0.3, 8);
    String side = onnx.node("Reshape", List.of(image, onnx.integers(1, BATCH * 3L, SIDE, SIDE)));
    String maps =
        onnx.node(
            "Conv",
            List.of(
                side,
                onnx.node("Concat", Collections.nCopies(BATCH, kernel), "axis", 0),
                onnx.node("Concat", Collections.nCopies(BATCH, bias), "axis", 0)),
            "group",
            BATCH,
            "strides",
            new long[] {4, 4},
            "pads",
            new long[] {1, 1, 1, 1});
    String apart = onnx.node("Reshape", List.of(maps, onnx.integers(BATCH, 8, 4, 4)));
    return onnx.node("Relu", List.of(apart));
  }

  private static Path network(Path file, Body body) throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", BATCH, 3, SIDE, SIDE);
    String maps = body.write(onnx, "image");
    String deeper =
        onnx.node(
            "Conv",
            List.of(maps, onnx.weight(0, 0.2, 8, 8, 3, 3), onnx.weight(0, 0.2, 8)),
            "pads",
            new long[] {1, 1, 1, 1},
            "strides",
            new long[] {2, 2});
    String flat = onnx.node("Flatten", List.of(onnx.node("Tanh", List.of(deeper))));
    onnx.output(
        onnx.node(
            "Gemm", List.of(flat, onnx.weight(0, 0.2, 32, CLASSES), onnx.weight(0, 0.1, CLASSES))),
        "logits");
    onnx.write(file, 1);
    return file;
  }

  private static INDArray part(INDArray all, long first, long end) {
    return all.get(NDArrayIndex.interval(first, end)).dup('c');
  }

  /** A constant that differs between the images, where nothing reads it. */
  private static String uneven(OnnxWriter onnx, String image) {
    String maps = groups(onnx, image);
    String same = onnx.weight(0, 1, 1, 8, 4, 4);
    String constant =
        onnx.node(
            "Concat",
            List.of(
                onnx.node("Concat", Collections.nCopies(BATCH, same), "axis", 0),
                onnx.weight(0, 1, BATCH, 8, 4, 4)),
            "axis",
            1);
    String wide = onnx.node("Concat", List.of(maps, maps), "axis", 1);
    String sum = onnx.node("Add", List.of(wide, constant));
    return onnx.node("Slice", List.of(sum, onnx.integers(0), onnx.integers(8), onnx.integers(1)));
  }

  /** A backbone file says which operations are written for the batch: its constants are unread. */
  @Test
  void importedFilesKeepTheirBatch() throws Exception {
    for (Body body : List.<Body>of(OwnBatchTest::groups, OwnBatchTest::uneven)) {
      Path file = network(folder.resolve("kept.onnx"), body);
      Path imported = folder.resolve("kept.ttame");
      Backbones.importTo(file, imported, BackboneOptions.defaults());
      try (INDArray images = Nd4j.randn(DataType.FLOAT, BATCH, SIDE, SIDE, 3);
          FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults());
          FrozenClassifier again = Backbones.load(imported, BackboneOptions.defaults());
          ClassifierOutput output = classifier.forward(images, List.of());
          ClassifierOutput same = again.forward(images, List.of())) {
        assertThat(Members.floats(same.logits())).isEqualTo(Members.floats(output.logits()));
        assertThat(again.layers()).isEqualTo(classifier.layers());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 7})
  void anyNumberOfImagesGivesWhatTheFileGives(int count) throws Exception {
    Path file = network(folder.resolve("groups.onnx"), OwnBatchTest::groups);
    try (INDArray images = Nd4j.randn(DataType.FLOAT, count, SIDE, SIDE, 3);
        FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults());
        OnnxOracle oracle = new OnnxOracle(file)) {
      List<FeatureLayer> layers = List.copyOf(classifier.layers().values());
      assertThat(layers).extracting(FeatureLayer::shape).containsExactly("8×2×2", "8×2×2");
      try (ClassifierOutput output = classifier.forward(images, layers);
          ClassifierOutput glance = classifier.forwardBorrowed(images, layers)) {
        assertThat(output.logits().shape()).containsExactly(count, CLASSES);
        assertThat(output.features().get(0).shape()).containsExactly(count, 2, 2, 8);
        assertThat(Members.floats(glance.logits())).isEqualTo(Members.floats(output.logits()));
        for (int i = 0; i < count; i++) {
          try (INDArray alone = part(images, i, i + 1);
              INDArray whole = Nd4j.concat(0, alone, alone, alone);
              ClassifierOutput one = classifier.forward(alone, layers);
              INDArray expected = oracle.run(whole).get("logits").getRow(0, true).dup('c');
              INDArray row = part(output.logits(), i, i + 1);
              INDArray map = part(output.features().get(0), i, i + 1)) {
            assertThat(Members.difference(row, expected)).isLessThan(TOLERANCE);
            // Copies that fill up a batch, and other images, change no bit.
            assertThat(Members.floats(one.logits())).isEqualTo(Members.floats(row));
            assertThat(Members.floats(one.features().get(0))).isEqualTo(Members.floats(map));
          }
        }
      }
      assertThat(classifier.plannedStepBytes(count, layers)).isPositive();
    }
  }

  @Test
  void gradientsAreThoseOfAllImages() throws Exception {
    Path file = network(folder.resolve("groups.onnx"), OwnBatchTest::groups);
    BackboneOptions options = BackboneOptions.defaults().inDoublePrecision();
    int[] labels = {1, 3, 0, 4, 2};
    double step = 1e-5;
    try (INDArray images = Nd4j.randn(DataType.DOUBLE, labels.length, SIDE, SIDE, 3);
        FrozenClassifier classifier = Backbones.load(file, options);
        InputGradient result = classifier.crossEntropyGradient(images, labels)) {
      for (long i = 0; i < images.length(); i += 211) {
        double at = images.getDouble(i);
        images.putScalar(i, at + step);
        double above = entropy(classifier, images, labels);
        images.putScalar(i, at - step);
        double below = entropy(classifier, images, labels);
        images.putScalar(i, at);
        assertThat(result.gradient().getDouble(i))
            .isCloseTo((above - below) / (2 * step), Offset.offset(1e-7));
      }
      List<FeatureLayer> layers = List.copyOf(classifier.layers().values());
      try (LayerGradients all = classifier.logitGradients(images, labels, layers)) {
        for (int i = 0; i < labels.length; i++) {
          try (INDArray alone = part(images, i, i + 1);
              LayerGradients one = classifier.logitGradients(alone, new int[] {labels[i]}, layers);
              INDArray expected = part(all.gradients().get(0), i, i + 1)) {
            assertThat(one.gradients().get(0)).isEqualTo(expected);
          }
        }
      }
    }
  }

  private static double entropy(FrozenClassifier classifier, INDArray images, int[] labels) {
    try (InputGradient result = classifier.crossEntropyGradient(images, labels)) {
      return result.crossEntropy();
    }
  }

  @Test
  void itIsSaidAndKept() throws Exception {
    Path file = network(folder.resolve("groups.onnx"), OwnBatchTest::groups);
    Path imported = folder.resolve("groups.ttame");
    Backbones.importTo(file, imported, BackboneOptions.defaults());
    try (INDArray images = Nd4j.randn(DataType.FLOAT, 4, SIDE, SIDE, 3);
        FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults());
        FrozenClassifier again = Backbones.load(imported, BackboneOptions.defaults());
        ClassifierOutput output = classifier.forward(images, List.of());
        ClassifierOutput same = again.forward(images, List.of())) {
      assertThat(said(classifier)).hasSize(1);
      assertThat(said(classifier).get(0).sentence()).contains("for 3 images at once");
      assertThat(said(classifier).get(0).recorded()).isFalse();
      assertThat(said(again)).extracting(Assumption::recorded).containsExactly(true);
      assertThat(Members.floats(same.logits())).isEqualTo(Members.floats(output.logits()));
    }
  }

  private static List<Assumption> said(FrozenClassifier classifier) {
    return classifier.assumptions().stream()
        .filter(assumption -> assumption.setting() == Assumption.Setting.OWN_BATCH)
        .toList();
  }

  /** The mean of all images is added to each. */
  private static String means(OnnxWriter onnx, String image) {
    String maps = groups(onnx, image);
    return onnx.node(
        "Add",
        List.of(
            maps, onnx.node("ReduceMean", List.of(maps), "axes", new long[] {0}, "keepdims", 1)));
  }

  /** Each place in the batch has a summand of its own. */
  private static String places(OnnxWriter onnx, String image) {
    return onnx.node("Add", List.of(groups(onnx, image), onnx.weight(0, 1, BATCH, 1, 1, 1)));
  }

  /** Images change places. */
  private static String turned(OnnxWriter onnx, String image) {
    return onnx.node("Gather", List.of(groups(onnx, image), onnx.integers(1, 2, 0)), "axis", 0);
  }

  @Test
  void imagesThatDependOnOthersAreRefused() throws Exception {
    Map<String, Body> bodies =
        Map.of(
            "means",
            OwnBatchTest::means,
            "places",
            OwnBatchTest::places,
            "turned",
            OwnBatchTest::turned);
    for (Map.Entry<String, Body> body : bodies.entrySet()) {
      Path file = network(folder.resolve(body.getKey() + ".onnx"), body.getValue());
      Path imported = folder.resolve(body.getKey() + ".ttame");
      assertThatThrownBy(() -> Backbones.load(file, BackboneOptions.defaults()))
          .isInstanceOf(BackboneException.class)
          .hasMessageContaining("depends on the others or on its place among them");
      assertThatThrownBy(() -> Backbones.importTo(file, imported, BackboneOptions.defaults()))
          .isInstanceOf(BackboneException.class);
      assertThat(imported).doesNotExist();
    }
  }
}
