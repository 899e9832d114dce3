package org.ttame.backbones;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** vgg16, resnet50 and vit_b_16 as ONNX files with random weights, in the exporters' structure. */
final class FullSizeNetworks {
  private static final int CLASSES = 1000;
  private static final int SIDE = 224;

  private FullSizeNetworks() {}

  /** As the TorchScript exporter writes it: linear layers as Gemm with transposed weights. */
  static void vgg16(Path file) throws IOException {
    OnnxWriter onnx = new OnnxWriter("input", 1, 3, SIDE, SIDE);
    String x = "input";
    int channels = 3;
    int module = 0;
    for (int[] stage :
        new int[][] {{64, 64}, {128, 128}, {256, 256, 256}, {512, 512, 512}, {512, 512, 512}}) {
      for (int width : stage) {
        String weight = onnx.weight(0, Math.sqrt(2.0 / (9 * channels)), width, channels, 3, 3);
        x = conv(onnx, List.of(x, weight, onnx.weight(0, 0.1, width)), 3, 1, 1);
        x = onnx.node("Relu", List.of(x));
        channels = width;
        module += 2;
      }
      onnx.output(x, "features." + (module - 1));
      x =
          onnx.node(
              "MaxPool",
              List.of(x),
              "kernel_shape",
              new long[] {2, 2},
              "strides",
              new long[] {2, 2},
              "pads",
              new long[4]);
      onnx.output(x, "features." + module++);
    }
    x =
        onnx.node(
            "AveragePool",
            List.of(x),
            "kernel_shape",
            new long[] {1, 1},
            "strides",
            new long[] {1, 1});
    x = onnx.node("Flatten", List.of(x), "axis", 1);
    int inputs = 512 * 49;
    for (int width : new int[] {4096, 4096, CLASSES}) {
      x = gemm(onnx, x, inputs, width);
      inputs = width;
      if (width != CLASSES) {
        x = onnx.node("Relu", List.of(x));
      }
    }
    onnx.output(x, "logits");
    onnx.write(file, 16);
  }

  /** With batch normalisation apart, its statistics far from their defaults. */
  static void resnet50(Path file) throws IOException {
    OnnxWriter onnx = new OnnxWriter("input", 1, 3, SIDE, SIDE);
    String x = onnx.node("Relu", List.of(normalised(onnx, "input", 3, 64, 7, 2)));
    x =
        onnx.node(
            "MaxPool",
            List.of(x),
            "kernel_shape",
            new long[] {3, 3},
            "strides",
            new long[] {2, 2},
            "pads",
            new long[] {1, 1, 1, 1});
    int channels = 64;
    int[] depths = {3, 4, 6, 3};
    for (int stage = 0; stage < depths.length; stage++) {
      int inner = 64 << stage;
      for (int block = 0; block < depths[stage]; block++) {
        int stride = stage > 0 && block == 0 ? 2 : 1;
        String y = onnx.node("Relu", List.of(normalised(onnx, x, channels, inner, 1, 1)));
        y = onnx.node("Relu", List.of(normalised(onnx, y, inner, inner, 3, stride)));
        y = normalised(onnx, y, inner, 4 * inner, 1, 1);
        String around = block == 0 ? normalised(onnx, x, channels, 4 * inner, 1, stride) : x;
        x = onnx.node("Relu", List.of(onnx.node("Add", List.of(y, around))));
        channels = 4 * inner;
      }
      onnx.output(x, "layer" + (stage + 1));
    }
    x = onnx.node("GlobalAveragePool", List.of(x));
    x = onnx.node("Flatten", List.of(x), "axis", 1);
    onnx.output(gemm(onnx, x, channels, CLASSES), "logits");
    onnx.write(file, 50);
  }

  /** As PyTorch 2 writes it: packed projection, scaled queries and keys, decomposed GELU. */
  static void vitB16(Path file) throws IOException {
    int width = 768;
    int tokens = 197;
    OnnxWriter onnx = new OnnxWriter("input", 1, 3, SIDE, SIDE);
    String patches =
        onnx.node(
            "Conv",
            List.of("input", onnx.weight(0, 0.03, width, 3, 16, 16), onnx.weight(0, 0.1, width)),
            "kernel_shape",
            new long[] {16, 16},
            "strides",
            new long[] {16, 16});
    String sequence =
        onnx.node(
            "Transpose",
            List.of(onnx.node("Reshape", List.of(patches, onnx.integers(1, width, 196)))),
            "perm",
            new long[] {0, 2, 1});
    String x = onnx.node("Concat", List.of(onnx.weight(0, 0.5, 1, 1, width), sequence), "axis", 1);
    x = onnx.node("Add", List.of(x, onnx.weight(0, 0.5, 1, tokens, width)));
    for (int block = 0; block < 12; block++) {
      String normed = norm(onnx, x, width);
      onnx.output(normed, "encoder.layers.encoder_layer_" + block + ".ln_1");
      x = onnx.node("Add", List.of(attention(onnx, normed, tokens, width), x));
      String y = linear(onnx, norm(onnx, x, width), width, 4 * width);
      String erf = onnx.node("Erf", List.of(onnx.node("Div", List.of(y, onnx.number(1.4142135f)))));
      String gelu = onnx.node("Mul", List.of(y, onnx.node("Add", List.of(erf, onnx.number(1)))));
      gelu = onnx.node("Mul", List.of(gelu, onnx.number(0.5f)));
      x = onnx.node("Add", List.of(x, linear(onnx, gelu, 4 * width, width)));
      onnx.output(x, "encoder.layers.encoder_layer_" + block);
    }
    String first = onnx.node("Gather", List.of(norm(onnx, x, width), onnx.index(0)), "axis", 1);
    onnx.output(gemm(onnx, first, width, CLASSES), "logits");
    onnx.write(file, 16);
  }

  private static String attention(OnnxWriter onnx, String x, int tokens, int width) {
    String rows = onnx.node("Transpose", List.of(x), "perm", new long[] {1, 0, 2});
    String packed = linear(onnx, rows, width, 3 * width);
    String split = onnx.node("Reshape", List.of(packed, onnx.integers(tokens, 1, 3, width)));
    String apart = onnx.node("Unsqueeze", List.of(split, onnx.integers(0)));
    apart = onnx.node("Transpose", List.of(apart), "perm", new long[] {3, 1, 2, 0, 4});
    apart = onnx.node("Squeeze", List.of(apart, onnx.integers(3)));
    String[] parts = new String[3];
    for (int part = 0; part < 3; part++) {
      String one = onnx.node("Gather", List.of(apart, onnx.index(part)), "axis", 0);
      one = onnx.node("Reshape", List.of(one, onnx.integers(tokens, 12, 64)));
      one = onnx.node("Transpose", List.of(one), "perm", new long[] {1, 0, 2});
      parts[part] = onnx.node("Reshape", List.of(one, onnx.integers(1, 12, tokens, 64)));
    }
    String root = onnx.number((float) Math.sqrt(0.125));
    String queries = onnx.node("Mul", List.of(parts[0], root));
    String keys = onnx.node("Transpose", List.of(parts[1]), "perm", new long[] {0, 1, 3, 2});
    keys = onnx.node("Mul", List.of(keys, root));
    String scores = onnx.node("MatMul", List.of(queries, keys));
    String context =
        onnx.node("MatMul", List.of(onnx.node("Softmax", List.of(scores), "axis", -1), parts[2]));
    context = onnx.node("Transpose", List.of(context), "perm", new long[] {2, 0, 1, 3});
    context = onnx.node("Reshape", List.of(context, onnx.integers(tokens, width)));
    String out = gemm(onnx, context, width, width);
    out = onnx.node("Reshape", List.of(out, onnx.integers(tokens, 1, width)));
    return onnx.node("Transpose", List.of(out), "perm", new long[] {1, 0, 2});
  }

  private static String norm(OnnxWriter onnx, String x, int width) {
    return onnx.node(
        "LayerNormalization",
        List.of(x, onnx.weight(1, 0.2, width), onnx.weight(0, 0.2, width)),
        "axis",
        -1,
        "epsilon",
        1e-6f);
  }

  private static String linear(OnnxWriter onnx, String x, int in, int out) {
    String weight = onnx.weight(0, Math.sqrt(1.0 / in), in, out);
    return onnx.node(
        "Add", List.of(onnx.weight(0, 0.1, out), onnx.node("MatMul", List.of(x, weight))));
  }

  private static String gemm(OnnxWriter onnx, String x, int in, int out) {
    return onnx.node(
        "Gemm",
        List.of(x, onnx.weight(0, Math.sqrt(2.0 / in), out, in), onnx.weight(0, 0.1, out)),
        "alpha",
        1f,
        "beta",
        1f,
        "transB",
        1);
  }

  private static String conv(
      OnnxWriter onnx, List<String> inputs, int kernel, int stride, int padding) {
    return onnx.node(
        "Conv",
        inputs,
        "kernel_shape",
        new long[] {kernel, kernel},
        "strides",
        new long[] {stride, stride},
        "pads",
        new long[] {padding, padding, padding, padding},
        "group",
        1);
  }

  private static String normalised(
      OnnxWriter onnx, String x, int in, int out, int kernel, int stride) {
    double spread = Math.sqrt(2.0 / (in * kernel * kernel));
    String y =
        conv(
            onnx,
            List.of(x, onnx.weight(0, spread, out, in, kernel, kernel)),
            kernel,
            stride,
            kernel / 2);
    return onnx.node(
        "BatchNormalization",
        List.of(
            y,
            onnx.weight(0.7, 0.1, out),
            onnx.weight(0, 0.1, out),
            onnx.weight(0, 0.1, out),
            onnx.weight(1.2, 0.2, out)),
        "epsilon",
        1e-5f);
  }
}
