package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;

/** Layers of networks without cut points in their stages, and of tokens that lose their places. */
class ImportedLayersTest {
  private static final int SIDE = 64;

  @TempDir Path folder;

  private static String conv(OnnxWriter onnx, String x, int in, int out, int stride) {
    return onnx.node(
        "Conv",
        List.of(x, onnx.weight(0, 0.2, out, in, 3, 3), onnx.weight(0, 0.1, out)),
        "strides",
        new long[] {stride, stride},
        "pads",
        new long[] {1, 1, 1, 1});
  }

  private static String rectified(OnnxWriter onnx, String a, String b) {
    return onnx.node("Relu", List.of(onnx.node("Add", List.of(a, b))));
  }

  /** As in HRNet: two resolutions side by side up to the end. */
  @Test
  void branchesSideBySideGiveALayerOfEachResolution() throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, SIDE, SIDE);
    String stem = conv(onnx, conv(onnx, "image", 3, 4, 2), 4, 4, 2);
    String fine = conv(onnx, stem, 4, 8, 2);
    String coarse = conv(onnx, fine, 8, 16, 2);
    String branch = conv(onnx, stem, 4, 8, 2);
    String first = rectified(onnx, branch, conv(onnx, branch, 8, 8, 1));
    String second = rectified(onnx, coarse, conv(onnx, coarse, 16, 16, 1));
    String end = rectified(onnx, conv(onnx, first, 8, 16, 2), second);
    String flat = onnx.node("Flatten", List.of(onnx.node("GlobalAveragePool", List.of(end))));
    onnx.output(onnx.node("Gemm", List.of(flat, onnx.weight(0, 0.3, 16, 5))), "logits");
    Path file = folder.resolve("branches.onnx");
    onnx.write(file, 1);
    try (FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults())) {
      assertThat(classifier.defaultLayers())
          .extracting(FeatureLayer::node)
          .containsExactly(first, end);
    }
  }

  /**
   * As in CSATv2: a cosine transform of the pixels of each patch, behind which no places are known.
   * The image's own pixels are no feature map, so there is nothing that the CAM family could read.
   */
  @Test
  void pixelsAreNoLayerHoweverTheyAreMovedAndScaled() throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, SIDE, SIDE);
    String pixels = pixels(onnx);
    String cut = onnx.node("Reshape", List.of(pixels, onnx.integers(2, 3, 8, 8, 8, 8)));
    String patches = onnx.node("Transpose", List.of(cut), "perm", new long[] {0, 2, 4, 1, 3, 5});
    String turned = onnx.node("MatMul", List.of(patches, onnx.weight(0, 0.3, 8, 8)));
    String flat = onnx.node("Flatten", List.of(onnx.node("Relu", List.of(turned))));
    onnx.output(
        onnx.node("Gemm", List.of(flat, onnx.weight(0, 0.1, 3 * SIDE * SIDE, 5))), "logits");
    Path file = folder.resolve("pixels.onnx");
    onnx.write(file, 1);
    try (FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults())) {
      assertThat(classifier.layers()).isEmpty();
      assertThat(classifier.defaultLayers()).isEmpty();
      String none = "no layer with height and width: explain by rise";
      assertThatThrownBy(classifier::camLayer).hasMessageContaining(none);
      assertThatThrownBy(() -> classifier.layer(pixels)).hasMessageContaining(none);
    }
  }

  /** A convolution of the same pixels is a layer, and the first one. */
  @Test
  void aConvolutionOfPixelsIsTheFirstLayer() throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, SIDE, SIDE);
    String first = conv(onnx, pixels(onnx), 3, 4, 1);
    String flat = onnx.node("Flatten", List.of(onnx.node("GlobalAveragePool", List.of(first))));
    onnx.output(onnx.node("Gemm", List.of(flat, onnx.weight(0, 0.3, 4, 5))), "logits");
    Path file = folder.resolve("first.onnx");
    onnx.write(file, 1);
    try (FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults())) {
      assertThat(classifier.layers()).containsOnlyKeys(first);
    }
  }

  /** The image with its colours mixed, less its mean. */
  private static String pixels(OnnxWriter onnx) {
    String turned = onnx.node("Gather", List.of("image", onnx.integers(2, 0, 1)), "axis", 1);
    String bright = onnx.node("Sigmoid", List.of(onnx.node("Add", List.of(turned, "image"))));
    String mean = onnx.node("ReduceMean", List.of(bright), "axes", new long[] {2, 3});
    return onnx.node("Sub", List.of(bright, mean));
  }

  /** As in LeViT: the tokens of every second row and column ask all tokens, without a residual. */
  @Test
  void tokensAreFollowedThroughAnAttentionThatAsksForFewer() throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, SIDE, SIDE);
    String map =
        onnx.node(
            "Conv",
            List.of("image", onnx.weight(0, 0.2, 8, 3, 8, 8), onnx.weight(0, 0.1, 8)),
            "strides",
            new long[] {8, 8});
    String rows = onnx.node("Reshape", List.of(map, onnx.integers(0, 8, -1)));
    String tokens = onnx.node("Transpose", List.of(rows), "perm", new long[] {0, 2, 1});
    String grid = onnx.node("Reshape", List.of(tokens, onnx.integers(2, 8, 8, 8)));
    String some =
        onnx.node(
            "Slice",
            List.of(
                grid,
                onnx.integers(0, 0),
                onnx.integers(8, 8),
                onnx.integers(1, 2),
                onnx.integers(2, 2)));
    String few = onnx.node("Reshape", List.of(some, onnx.integers(2, 16, 8)));
    String query = heads(onnx, few, 16, 0, 2, 1, 3);
    String key = heads(onnx, tokens, 64, 0, 2, 3, 1);
    String value = heads(onnx, tokens, 64, 0, 2, 1, 3);
    String scores =
        onnx.node("Softmax", List.of(onnx.node("MatMul", List.of(query, key))), "axis", -1);
    String asked = onnx.node("MatMul", List.of(scores, value));
    String together =
        onnx.node(
            "Reshape",
            List.of(
                onnx.node("Transpose", List.of(asked), "perm", new long[] {0, 2, 1, 3}),
                onnx.integers(2, 16, 8)));
    String projected = onnx.node("MatMul", List.of(together, onnx.weight(0, 0.4, 8, 12)));
    String sum =
        onnx.node(
            "Add",
            List.of(
                projected,
                onnx.node(
                    "Relu",
                    List.of(
                        onnx.node("MatMul", List.of(projected, onnx.weight(0, 0.4, 12, 12)))))));
    String mean = onnx.node("ReduceMean", List.of(sum), "axes", new long[] {1}, "keepdims", 0);
    onnx.output(onnx.node("Gemm", List.of(mean, onnx.weight(0, 0.3, 12, 5))), "logits");
    Path file = folder.resolve("fewer.onnx");
    onnx.write(file, 1);
    try (FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults())) {
      FeatureLayer last = classifier.layer(sum);
      assertThat(last.shape()).isEqualTo("12×4×4");
      assertThat(classifier.defaultLayers()).contains(last);
    }
  }

  private static String heads(OnnxWriter onnx, String tokens, int count, long... order) {
    String made = onnx.node("MatMul", List.of(tokens, onnx.weight(0, 0.4, 8, 8)));
    String split = onnx.node("Reshape", List.of(made, onnx.integers(2, count, 2, 4)));
    return onnx.node("Transpose", List.of(split), "perm", order);
  }
}
