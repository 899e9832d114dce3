package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.LayerGradients;

/** Where the answer is a class token's, places have no influence any more behind the attention. */
class ClassTokenLayersTest {
  private static final int SIDE = 64;
  private static final int WIDTH = 8;

  @TempDir Path folder;

  /** As in CoaT and PiT: stages of several resolutions, each with the class token in front. */
  @Test
  void theCamLayerOfSeveralStagesHasInfluence() throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, SIDE, SIDE);
    String fine = stage(onnx, convolved(onnx, "image", 3, 8), 64);
    String grid =
        onnx.node(
            "Reshape",
            List.of(
                onnx.node("Transpose", List.of(patches(onnx, fine)), "perm", new long[] {0, 2, 1}),
                onnx.integers(0, WIDTH, 8, 8)));
    String coarse = stage(onnx, convolved(onnx, grid, WIDTH, 2), 16);
    String token = classToken(onnx, coarse);
    onnx.output(onnx.node("Gemm", List.of(token, onnx.weight(0, 0.3, WIDTH, 5))), "logits");
    check(onnx, "8×4×4");
  }

  /** As many classes as channels: only a head's channels are classes, not every block's. */
  @Test
  void asManyClassesAsChannels() throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, SIDE, SIDE);
    String first = stage(onnx, convolved(onnx, "image", 3, 8), 64);
    String second = attended(onnx, first);
    onnx.output(
        onnx.node("Gemm", List.of(classToken(onnx, second), onnx.weight(0, 0.3, WIDTH, WIDTH))),
        "logits");
    // All three: the tokens that both attentions read, and the last sum.
    assertThat(check(onnx, "8×8×8")).hasSize(3).endsWith(first, second);
  }

  /** As in CrossViT: branches of two grids, so that no value has all that the logits depend on. */
  @Test
  void theCamLayerOfBranchesSideBySideHasInfluence() throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, SIDE, SIDE);
    String fine = classToken(onnx, stage(onnx, convolved(onnx, "image", 3, 8), 64));
    String coarse = classToken(onnx, stage(onnx, convolved(onnx, "image", 3, 16), 16));
    String both = onnx.node("Add", List.of(fine, coarse));
    onnx.output(onnx.node("Gemm", List.of(both, onnx.weight(0, 0.3, WIDTH, 5))), "logits");
    check(onnx, "8×4×4");
  }

  private static String classToken(OnnxWriter onnx, String tokens) {
    String normalised =
        onnx.node("LayerNormalization", List.of(tokens, onnx.weight(1, 0.1, WIDTH)), "axis", -1);
    return onnx.node("Gather", List.of(normalised, onnx.index(0)), "axis", 1);
  }

  /**
   * The CAM layer has a class token in front, and the logits depend on its places.
   *
   * @return the layers read by default
   */
  private List<String> check(OnnxWriter onnx, String shape) throws Exception {
    Path file = folder.resolve("classifier.onnx");
    onnx.write(file, 1);
    try (FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults());
        INDArray images = Nd4j.rand(DataType.FLOAT, 2, SIDE, SIDE, 3)) {
      FeatureLayer layer = classifier.camLayer();
      assertThat(layer.shape()).isEqualTo(shape);
      assertThat(layer.prefix()).isEqualTo(1);
      try (LayerGradients gradients =
          classifier.logitGradients(images, new int[] {1, 2}, List.of(layer))) {
        double[] values = gradients.gradients().get(0).slice(0).dup('c').data().asDouble();
        double places = 0;
        for (int i = layer.prefixValues(); i < values.length; i++) {
          places += Math.abs(values[i]);
        }
        assertThat(places).isPositive();
      }
      return classifier.defaultLayers().stream().map(FeatureLayer::node).toList();
    }
  }

  private static String convolved(OnnxWriter onnx, String x, int in, int stride) {
    return onnx.node(
        "Conv",
        List.of(x, onnx.weight(0, 0.3, WIDTH, in, stride, stride), onnx.weight(0, 0.1, WIDTH)),
        "strides",
        new long[] {stride, stride});
  }

  private static String patches(OnnxWriter onnx, String tokens) {
    return onnx.node(
        "Slice",
        List.of(tokens, onnx.integers(1), onnx.integers(Integer.MAX_VALUE), onnx.integers(1)));
  }

  /** A class token in front, and an attention of one head with its residual sum. */
  private static String stage(OnnxWriter onnx, String map, int count) {
    String rows = onnx.node("Reshape", List.of(map, onnx.integers(2, WIDTH, count)));
    String places = onnx.node("Transpose", List.of(rows), "perm", new long[] {0, 2, 1});
    String first =
        onnx.node("Expand", List.of(onnx.weight(0, 0.5, 1, 1, WIDTH), onnx.integers(2, 1, WIDTH)));
    return attended(onnx, onnx.node("Concat", List.of(first, places), "axis", 1));
  }

  private static String attended(OnnxWriter onnx, String tokens) {
    String read =
        onnx.node("LayerNormalization", List.of(tokens, onnx.weight(1, 0.1, WIDTH)), "axis", -1);
    String query = onnx.node("MatMul", List.of(read, onnx.weight(0, 0.4, WIDTH, WIDTH)));
    String key = onnx.node("MatMul", List.of(read, onnx.weight(0, 0.4, WIDTH, WIDTH)));
    String value = onnx.node("MatMul", List.of(read, onnx.weight(0, 0.4, WIDTH, WIDTH)));
    String turned = onnx.node("Transpose", List.of(key), "perm", new long[] {0, 2, 1});
    String scores =
        onnx.node("Softmax", List.of(onnx.node("MatMul", List.of(query, turned))), "axis", -1);
    return onnx.node("Add", List.of(tokens, onnx.node("MatMul", List.of(scores, value))));
  }
}
