package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.backbones.SmallNetwork.Body;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneOptions;

/** Operators that are written out in simpler ones, compared as in {@link SmallNetwork}. */
class CompositeOperatorsTest {
  @TempDir static Path folder;

  @TestFactory
  Stream<DynamicTest> everyForm() {
    Map<String, Body> bodies = new LinkedHashMap<>();
    attentions(bodies);
    transposedConvolutions(bodies);
    pools(bodies);
    volumes(bodies);
    normalisations(bodies);
    products(bodies);
    recurrences(bodies);
    return bodies.entrySet().stream()
        .map(
            body ->
                DynamicTest.dynamicTest(
                    body.getKey(), () -> SmallNetwork.isRight(folder, body.getValue())));
  }

  private static String map(OnnxWriter onnx, String image, int channels) {
    return SmallNetwork.conv(channels, 3, 3, 1).write(onnx, image);
  }

  /** Nine tokens of a given width. */
  private static String tokens(OnnxWriter onnx, String image, int width) {
    String small =
        SmallNetwork.conv(width, 3, 3, 1, "strides", new long[] {4, 4}).write(onnx, image);
    String rows = onnx.node("Reshape", List.of(small, onnx.integers(0, width, -1)));
    return onnx.node("Transpose", List.of(rows), "perm", new long[] {0, 2, 1});
  }

  private static void attentions(Map<String, Body> bodies) {
    bodies.put("attention", attention(6, "", "q_num_heads", 2, "kv_num_heads", 2));
    bodies.put(
        "attention of grouped queries, causal, with a scale of its own",
        attention(3, "", "q_num_heads", 4, "kv_num_heads", 2, "is_causal", 1, "scale", 0.3f));
    bodies.put(
        "attention with a mask that is added",
        attention(6, "added", "q_num_heads", 2, "kv_num_heads", 2));
    bodies.put(
        "attention with a mask that says what is seen",
        attention(6, "seen", "q_num_heads", 2, "kv_num_heads", 2));
    bodies.put(
        "attention in heads, capped",
        (onnx, image) -> {
          onnx.opset(23);
          List<String> operands = new ArrayList<>();
          for (int i = 0; i < 3; i++) {
            String rows = tokens(onnx, image, 6);
            String heads = onnx.node("Reshape", List.of(rows, onnx.integers(0, 0, 2, 3)));
            operands.add(onnx.node("Transpose", List.of(heads), "perm", new long[] {0, 2, 1, 3}));
          }
          return onnx.node("Attention", operands, "softcap", 1.5f);
        });
  }

  private static Body attention(int headWidth, String mask, Object... attributes) {
    return (onnx, image) -> {
      onnx.opset(23);
      int width = headWidth * (int) attributes[1];
      int narrow = headWidth * (int) attributes[3];
      List<String> operands =
          new ArrayList<>(
              List.of(
                  tokens(onnx, image, width),
                  tokens(onnx, image, narrow),
                  tokens(onnx, image, narrow)));
      String additive = onnx.weight(0.3, 1, 9, 9);
      if (mask.equals("added")) {
        operands.add(additive);
      } else if (mask.equals("seen")) {
        operands.add(onnx.node("Greater", List.of(additive, onnx.number(-0.5f))));
      }
      return onnx.node("Attention", operands, attributes);
    };
  }

  private static void transposedConvolutions(Map<String, Body> bodies) {
    bodies.put(
        "transposed convolution",
        transposed("strides", new long[] {2, 3}, "pads", new long[] {1, 0, 2, 1}));
    bodies.put(
        "transposed convolution with more behind",
        transposed(
            "strides",
            new long[] {2, 2},
            "output_padding",
            new long[] {1, 0},
            "dilations",
            new long[] {1, 2}));
    bodies.put(
        "transposed convolution in groups, to the same size",
        transposed("strides", new long[] {2, 2}, "group", 2, "auto_pad", "SAME_UPPER"));
    bodies.put("columns that overlap", folded(4, 4));
    bodies.put(
        "columns in a frame, with gaps, a last row that none reaches",
        folded(
            7,
            4,
            "strides",
            new long[] {2, 1},
            "dilations",
            new long[] {1, 2},
            "pads",
            new long[] {0, 1, 0, 0}));
    bodies.put(
        "transposed convolution of rows",
        (onnx, image) -> {
          String rows = onnx.node("Reshape", List.of(map(onnx, image, 4), onnx.integers(0, 4, -1)));
          return onnx.node(
              "ConvTranspose",
              List.of(rows, onnx.weight(0, 0.4, 4, 3, 2), onnx.weight(0, 1, 3)),
              "strides",
              new long[] {2});
        });
  }

  /** Nine columns of twelve values: windows over an image of three channels. */
  private static Body folded(long height, long width, Object... attributes) {
    return (onnx, image) -> {
      onnx.opset(18);
      String columns =
          onnx.node("Transpose", List.of(tokens(onnx, image, 12)), "perm", new long[] {0, 2, 1});
      return onnx.node(
          "Col2Im",
          List.of(columns, onnx.integers(height, width), onnx.integers(2, 2)),
          attributes);
    };
  }

  private static Body transposed(Object... attributes) {
    boolean grouped = List.of(attributes).contains("group");
    return (onnx, image) ->
        onnx.node(
            "ConvTranspose",
            List.of(
                map(onnx, image, 4),
                onnx.weight(0, 0.3, 4, grouped ? 3 : 6, 3, 2),
                onnx.weight(0, 1, 6)),
            attributes);
  }

  private static void pools(Map<String, Body> bodies) {
    for (int p = 1; p <= 3; p++) {
      int power = p;
      bodies.put(
          "pool of lengths, p = " + p,
          (onnx, image) ->
              onnx.node(
                  "LpPool",
                  List.of(map(onnx, image, 4)),
                  "kernel_shape",
                  new long[] {3, 2},
                  "strides",
                  new long[] {2, 1},
                  "pads",
                  new long[] {1, 0, 0, 1},
                  "p",
                  power));
    }
    bodies.put(
        "length of a map",
        (onnx, image) -> onnx.node("GlobalLpPool", List.of(map(onnx, image, 4)), "p", 2));
    for (String type : List.of("MaxPool", "AveragePool")) {
      bodies.put(
          type + " with gaps",
          (onnx, image) -> {
            onnx.opset(19);
            return onnx.node(
                type,
                List.of(map(onnx, image, 4)),
                "kernel_shape",
                new long[] {3, 2},
                "dilations",
                new long[] {2, 3},
                "strides",
                new long[] {1, 2},
                "pads",
                new long[] {1, 0, 2, 1});
          });
      bodies.put(
          type + " of three dimensions",
          (onnx, image) -> {
            String deep =
                onnx.node("Reshape", List.of(map(onnx, image, 6), onnx.integers(0, 2, 3, 9, 9)));
            return onnx.node(
                type,
                List.of(deep),
                "kernel_shape",
                new long[] {2, 3, 2},
                "strides",
                new long[] {1, 2, 3},
                "pads",
                new long[] {1, 1, 0, 0, 0, 1});
          });
    }
  }

  /**
   * The shortest axis of the kernel in front, in the middle and behind, the last with one value.
   */
  private static void volumes(Map<String, Body> bodies) {
    for (long[] kernel :
        List.of(new long[] {2, 3, 3}, new long[] {3, 2, 4}, new long[] {3, 3, 1})) {
      bodies.put(
          "convolution of volumes by " + Arrays.toString(kernel),
          (onnx, image) -> {
            String deep =
                onnx.node("Reshape", List.of(map(onnx, image, 12), onnx.integers(0, 4, 3, 9, 9)));
            return onnx.node(
                "Conv",
                List.of(
                    deep,
                    onnx.weight(0, 0.4, 6, 2, kernel[0], kernel[1], kernel[2]),
                    onnx.weight(0, 0.4, 6)),
                "group",
                2,
                "strides",
                new long[] {1, 2, 1},
                "dilations",
                new long[] {1, 1, 2},
                "pads",
                new long[] {1, 1, 0, 1, 0, 0});
          });
    }
    bodies.put(
        "convolution of volumes without biases that keeps their size",
        (onnx, image) -> {
          String deep =
              onnx.node("Reshape", List.of(map(onnx, image, 6), onnx.integers(0, 2, 3, 9, 9)));
          return onnx.node(
              "Conv", List.of(deep, onnx.weight(0, 0.4, 3, 2, 2, 3, 5)), "auto_pad", "SAME_UPPER");
        });
  }

  private static void normalisations(Map<String, Body> bodies) {
    for (int p = 1; p <= 2; p++) {
      int power = p;
      bodies.put(
          "divided by lengths, p = " + p,
          (onnx, image) ->
              onnx.node("LpNormalization", List.of(map(onnx, image, 4)), "axis", 1, "p", power));
    }
    bodies.put(
        "mean and variance",
        (onnx, image) ->
            onnx.node(
                "MeanVarianceNormalization",
                List.of(map(onnx, image, 4)),
                "axes",
                new long[] {2, 3}));
    bodies.put(
        "layer normalisation that returns its statistics",
        (onnx, image) -> {
          List<String> parts =
              onnx.nodes(
                  "LayerNormalization",
                  List.of(map(onnx, image, 4), onnx.weight(1, 0.3, 9), onnx.weight(0, 0.3, 9)),
                  3,
                  "axis",
                  -1);
          String sum = onnx.node("Add", List.of(parts.get(0), parts.get(1)));
          return onnx.node("Mul", List.of(sum, parts.get(2)));
        });
    bodies.put(
        "group normalisation with weights for groups",
        (onnx, image) -> {
          onnx.opset(18);
          return onnx.node(
              "GroupNormalization",
              List.of(map(onnx, image, 6), onnx.weight(1, 0.3, 2), onnx.weight(0, 0.3, 2)),
              "num_groups",
              2);
        });
  }

  private static void products(Map<String, Body> bodies) {
    bodies.put(
        "scaled bias",
        (onnx, image) ->
            onnx.node(
                "Gemm",
                List.of(
                    onnx.node("Flatten", List.of(image)),
                    onnx.weight(0, 0.1, 7, 363),
                    onnx.weight(0, 1, 7)),
                "alpha",
                0.5f,
                "beta",
                0.25f,
                "transB",
                1));
    bodies.put(
        "bias that depends on the image",
        (onnx, image) -> {
          String flat = onnx.node("Flatten", List.of(image));
          String bias = onnx.node("MatMul", List.of(flat, onnx.weight(0, 0.1, 363, 7)));
          return onnx.node("Gemm", List.of(flat, onnx.weight(0, 0.1, 363, 7), bias));
        });
    bodies.put(
        "product of values",
        (onnx, image) -> {
          String means =
              onnx.node("ReduceMean", List.of(image), "axes", new long[] {2}, "keepdims", 0);
          return onnx.node("ReduceProd", List.of(means), "axes", new long[] {1}, "keepdims", 0);
        });
  }

  private static void recurrences(Map<String, Body> bodies) {
    bodies.put("LSTM", lstm("direction", "forward", "hidden_size", 4));
    bodies.put("LSTM from the end", lstm("direction", "reverse", "hidden_size", 4));
    bodies.put(
        "LSTM both ways, with biases and states",
        lstm("direction", "bidirectional", "hidden_size", 4));
    bodies.put(
        "LSTM of rows, as many as images and columns, with zeros as states that the batch sizes",
        (onnx, image) -> {
          // As in Sequencer: [B, C, H, W] as [W, B·H, C].
          String map = map(onnx, image, 3);
          String last = onnx.node("Transpose", List.of(map), "perm", new long[] {0, 2, 3, 1});
          String rows = onnx.node("Reshape", List.of(last, onnx.integers(-1, 9, 3)));
          String steps = onnx.node("Transpose", List.of(rows), "perm", new long[] {1, 0, 2});
          String batch =
              onnx.node("Gather", List.of(onnx.node("Shape", List.of(rows)), onnx.integers(0)));
          String shape =
              onnx.node("Concat", List.of(onnx.integers(2), batch, onnx.integers(4)), "axis", 0);
          String zeros = onnx.node("ConstantOfShape", List.of(shape));
          String y =
              onnx.node(
                  "LSTM",
                  List.of(
                      steps,
                      onnx.weight(0, 0.4, 2, 16, 3),
                      onnx.weight(0, 0.4, 2, 16, 4),
                      onnx.weight(0, 0.4, 2, 32),
                      "",
                      zeros,
                      zeros),
                  "direction",
                  "bidirectional",
                  "hidden_size",
                  4);
          String batched = onnx.node("Transpose", List.of(y), "perm", new long[] {2, 0, 1, 3});
          return onnx.node("Reshape", List.of(batched, onnx.integers(-1, 9, 9, 8)));
        });
  }

  /** Nine tokens as a sequence; all that it gives, side by side. */
  private static Body lstm(Object... attributes) {
    boolean both = List.of(attributes).contains("bidirectional");
    int ways = both ? 2 : 1;
    return (onnx, image) -> {
      String x = tokens(onnx, image, 3);
      List<String> operands = new ArrayList<>();
      operands.add(onnx.node("Transpose", List.of(x), "perm", new long[] {1, 0, 2}));
      operands.add(onnx.weight(0, 0.4, ways, 16, 3));
      operands.add(onnx.weight(0, 0.4, ways, 16, 4));
      if (both) {
        operands.add(onnx.weight(0, 0.4, ways, 32));
        operands.add("");
        String mean = onnx.node("ReduceMean", List.of(x), "axes", new long[] {1}, "keepdims", 0);
        for (int i = 0; i < 2; i++) {
          String rows = onnx.node("MatMul", List.of(mean, onnx.weight(0, 0.4, 3, 8)));
          String state = onnx.node("Reshape", List.of(rows, onnx.integers(-1, 2, 4)));
          operands.add(onnx.node("Transpose", List.of(state), "perm", new long[] {1, 0, 2}));
        }
      }
      List<String> results = onnx.nodes("LSTM", operands, 3, attributes);
      List<String> flat = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        long[] order = i == 0 ? new long[] {2, 0, 1, 3} : new long[] {1, 0, 2};
        String batched = onnx.node("Transpose", List.of(results.get(i)), "perm", order);
        flat.add(onnx.node("Flatten", List.of(batched)));
      }
      return onnx.node("Concat", flat, "axis", 1);
    };
  }

  /** What changed attributes have shown: runtimes give other values, or stop. */
  @Test
  void formsThatRuntimesReadOtherwiseAreRefused() throws Exception {
    Map<String, Body> bodies = new LinkedHashMap<>();
    bodies.put(
        "do not fit together",
        (onnx, image) ->
            onnx.node("PRelu", List.of(map(onnx, image, 4), onnx.weight(0, 1, 3, 4, 1, 1))));
    bodies.put(
        "an output padding of a stride or more",
        (onnx, image) ->
            onnx.node(
                "ConvTranspose",
                List.of(map(onnx, image, 4), onnx.weight(0, 1, 4, 4, 3, 3)),
                "strides",
                new long[] {3, 1},
                "output_padding",
                new long[] {1, 1}));
    bodies.put(
        "has p = 99",
        (onnx, image) ->
            onnx.node(
                "LpPool",
                List.of(map(onnx, image, 4)),
                "p",
                99,
                "kernel_shape",
                new long[] {2, 2}));
    bodies.put(
        "crops with nearest-neighbour interpolation",
        (onnx, image) ->
            onnx.node(
                "Resize",
                List.of(
                    map(onnx, image, 4),
                    onnx.numbers(0, 0, 0.2f, 0.2f, 1, 1, 0.8f, 0.8f),
                    onnx.numbers(1, 1, 2, 2)),
                "coordinate_transformation_mode",
                "tf_crop_and_resize"));
    for (long far : new long[] {-5, Long.MIN_VALUE}) {
      bodies.put(
          far == -5 ? "cuts off all that is there" : "off all that is there",
          (onnx, image) ->
              onnx.node(
                  "Pad", List.of(map(onnx, image, 4), onnx.integers(0, 0, 0, far, 0, 0, 0, far))));
    }
    bodies.put(
        "has negative pads in the mode reflect",
        (onnx, image) ->
            onnx.node(
                "Pad",
                List.of(map(onnx, image, 4), onnx.integers(0, 0, 0, -1, 0, 0, 0, 1)),
                "mode",
                "reflect"));
    bodies.put("has a sequence of 121 steps, more than 64", refusedLstm(1, ""));
    bodies.put("has sequences of different lengths", refusedLstm(3, "lengths"));
    bodies.put("has peepholes", refusedLstm(3, "peepholes"));
    bodies.put("clip", refusedLstm(3, "clip"));
    for (Map.Entry<String, Body> body : bodies.entrySet()) {
      OnnxWriter onnx = new OnnxWriter("image", 2, 3, SmallNetwork.SIDE, SmallNetwork.SIDE);
      String pooled = onnx.node("GlobalAveragePool", List.of(body.getValue().write(onnx, "image")));
      String flat = onnx.node("Flatten", List.of(pooled));
      onnx.output(onnx.node("Gemm", List.of(flat, onnx.weight(0, 1, 4, 5))), "logits");
      Path file = folder.resolve("refused.onnx");
      onnx.write(file, 1);
      assertThatThrownBy(() -> Backbones.load(file, BackboneOptions.defaults()))
          .isInstanceOf(BackboneException.class)
          .hasMessageContaining(body.getKey());
    }
  }

  /** Rows of the image as a sequence, in another form than is read. */
  private static Body refusedLstm(long stride, String form) {
    return (onnx, image) -> {
      String map =
          SmallNetwork.conv(4, 1, 1, 1, "strides", new long[] {stride, stride}).write(onnx, image);
      String rows = onnx.node("Reshape", List.of(map, onnx.integers(0, 4, -1)));
      List<String> operands = new ArrayList<>();
      operands.add(onnx.node("Transpose", List.of(rows), "perm", new long[] {2, 0, 1}));
      operands.add(onnx.weight(0, 0.4, 1, 16, 4));
      operands.add(onnx.weight(0, 0.4, 1, 16, 4));
      if (form.equals("lengths")) {
        operands.addAll(List.of("", onnx.integers(5, 16)));
      } else if (form.equals("peepholes")) {
        operands.addAll(List.of("", "", "", "", onnx.weight(0, 0.4, 1, 12)));
      }
      String y =
          form.equals("clip")
              ? onnx.node("LSTM", operands, "hidden_size", 4, "clip", 0.5f)
              : onnx.node("LSTM", operands, "hidden_size", 4);
      return onnx.node("Transpose", List.of(y), "perm", new long[] {2, 3, 0, 1});
    };
  }
}
