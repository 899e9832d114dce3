package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.ttame.backbones.SmallNetwork.CLASSES;
import static org.ttame.backbones.SmallNetwork.SIDE;
import static org.ttame.backbones.SmallNetwork.conv;
import static org.ttame.backbones.SmallNetwork.isRight;
import static org.ttame.backbones.SmallNetwork.network;
import static org.ttame.backbones.SmallNetwork.norm;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.SmallNetwork.Body;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;

/** Layers, randomisation and refusals of graphs of no family. */
class ImportedStructureTest {
  @TempDir static Path folder;

  @Test
  void layersAreChosenByCutPointsAndStages() throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, 64, 64);
    String x = "image";
    int channels = 3;
    List<String> sums = new ArrayList<>();
    for (int width : new int[] {8, 12, 16, 24}) {
      String down =
          onnx.node(
              "Conv",
              List.of(x, onnx.weight(0, 0.2, width, channels, 3, 3), onnx.weight(0, 0.1, width)),
              "strides",
              new long[] {2, 2},
              "pads",
              new long[] {1, 1, 1, 1});
      String gate = onnx.node("Sigmoid", List.of(down));
      String swish = onnx.node("Mul", List.of(down, gate));
      String branch =
          onnx.node(
              "Conv",
              List.of(swish, onnx.weight(0, 0.2, width, width, 1, 1), onnx.weight(0, 0.1, width)));
      x = onnx.node("Relu", List.of(onnx.node("Add", List.of(swish, branch))));
      sums.add(x);
      channels = width;
    }
    String last = onnx.node("HardSwish", List.of(x));
    String pooled = onnx.node("GlobalAveragePool", List.of(last));
    onnx.output(
        onnx.node(
            "Gemm",
            List.of(onnx.node("Flatten", List.of(pooled)), onnx.weight(0, 0.2, channels, CLASSES))),
        "logits");
    Path file = folder.resolve("stages.onnx");
    onnx.write(file, 2);
    try (FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults())) {
      assertThat(classifier.defaultLayers())
          .extracting(FeatureLayer::node)
          .containsExactly(sums.get(2), last);
      assertThat(classifier.camLayer().node()).isEqualTo(last);
      assertThat(classifier.layers()).containsKey(sums.get(0));
      assertThat(classifier.name()).isEqualTo("stages");
    }
  }

  /** Where channels are last, or were normalised in groups under another shape, maps are maps. */
  @Test
  void mapsAreFollowedThroughGridsAndGroups() throws Exception {
    Body body =
        (onnx, image) -> {
          String map = conv(6, 3, 3, 1).write(onnx, image);
          String rows = onnx.node("Reshape", List.of(map, onnx.integers(0, 2, -1)));
          String normed =
              onnx.node(
                  "InstanceNormalization",
                  List.of(rows, onnx.weight(1, 0, 2), onnx.weight(0, 0, 2)));
          String back = onnx.node("Reshape", List.of(normed, onnx.integers(2, 6, 9, 9)));
          String sum = onnx.node("Add", List.of(back, map));
          String grid = onnx.node("Transpose", List.of(sum), "perm", new long[] {0, 2, 3, 1});
          String half =
              onnx.node(
                  "Slice",
                  List.of(
                      grid,
                      onnx.integers(0, 1),
                      onnx.integers(9, 9),
                      onnx.integers(1, 2),
                      onnx.integers(2, 2)));
          String wide = onnx.node("MatMul", List.of(half, onnx.weight(0, 0.5, 6, 8)));
          return onnx.node("Relu", List.of(wide));
        };
    Path file = network(folder, "grids", body);
    try (FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults())) {
      List<String> shapes =
          classifier.layers().values().stream()
              .filter(layer -> layer.node().contains("Relu") || layer.node().contains("Add"))
              .map(FeatureLayer::shape)
              .toList();
      assertThat(shapes).containsExactly("6×9×9", "8×5×4");
      assertThat(classifier.camLayer().shape()).isEqualTo("8×5×4");
    }
    isRight(folder, body);
  }

  /** From the logits to the input, one operation with weights after another. */
  @Test
  void randomisationGoesFromTheLogitsToTheInput() throws Exception {
    Path file =
        network(
            folder,
            "random",
            (onnx, image) -> {
              String clipped =
                  onnx.node("Clip", List.of(norm(onnx, image, 3), onnx.number(-1), onnx.number(1)));
              return onnx.node("Relu", List.of(conv(4, 3, 3, 1).write(onnx, clipped)));
            });
    CascadingRandomisation randomisation =
        new CascadingRandomisation(file, BackboneOptions.defaults(), 7);
    assertThat(randomisation.stages())
        .extracting(stage -> stage.parameters().get(0))
        .satisfiesExactly(
            linear -> assertThat(linear).contains("Gemm"),
            conv -> assertThat(conv).contains("Conv"),
            norm -> assertThat(norm).contains("BatchNormalization"));
    Nd4j.getRandom().setSeed(5);
    try (INDArray images = Nd4j.randn(DataType.FLOAT, 2, SIDE, SIDE, 3);
        FrozenClassifier whole = randomisation.classifier(0);
        FrozenClassifier headless = randomisation.classifier(1);
        FrozenClassifier random = randomisation.classifier(3);
        ClassifierOutput original = whole.forward(images, whole.defaultLayers());
        ClassifierOutput first = headless.forward(images, headless.defaultLayers());
        ClassifierOutput last = random.forward(images, random.defaultLayers())) {
      assertThat(first.logits()).isNotEqualTo(original.logits());
      assertThat(first.features()).isEqualTo(original.features());
      assertThat(last.features()).isNotEqualTo(original.features());
    }
  }

  @Test
  void everythingUnsupportedIsNamedAtOnce() throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, SIDE, SIDE);
    String first = onnx.node("GridSample", List.of("image", "image"));
    String second = onnx.node("Conv", List.of(first, onnx.weight(0, 1, 4, 3, 3, 3)), "made_up", 1);
    String third = onnx.node("Hardmax", List.of(second));
    String flat = onnx.node("Flatten", List.of(third));
    onnx.output(onnx.node("MatMul", List.of(flat, onnx.weight(0, 1, 324, CLASSES))), "logits");
    Path file = folder.resolve("unsupported.onnx");
    onnx.write(file, 1);
    assertThatThrownBy(() -> Backbones.inspect(file))
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining("GridSample")
        .hasMessageContaining("made_up")
        .hasMessageContaining("Hardmax");
  }

  @Test
  void valuesInEightBitsAskForTheFloatFile() throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, SIDE, SIDE);
    String bytes = onnx.node("QuantizeLinear", List.of("image", onnx.number(0.1f)));
    String floats = onnx.node("DequantizeLinear", List.of(bytes, onnx.number(0.1f)));
    String mean = onnx.node("GlobalAveragePool", List.of(floats));
    String flat = onnx.node("Flatten", List.of(mean));
    onnx.output(onnx.node("MatMul", List.of(flat, onnx.weight(0, 1, 3, CLASSES))), "logits");
    Path file = folder.resolve("bytes.onnx");
    onnx.write(file, 1);
    assertThatThrownBy(() -> Backbones.inspect(file))
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining("QuantizeLinear")
        .hasMessageContaining("give the float32 file it was made from");
  }
}
