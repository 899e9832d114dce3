package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ttame.backbones.SmallNetwork.SIDE;
import static org.ttame.backbones.SmallNetwork.conv;
import static org.ttame.backbones.SmallNetwork.isRight;
import static org.ttame.backbones.SmallNetwork.network;
import static org.ttame.backbones.SmallNetwork.norm;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.SmallNetwork.Body;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;

/**
 * Graphs of no family: each operator in a small network, against ONNX Runtime, against finite
 * differences in double precision, and against itself after an import.
 */
class ImportedGraphTest {
  @TempDir static Path folder;

  @TestFactory
  Stream<DynamicTest> everyForm() {
    Map<String, Body> bodies = new LinkedHashMap<>();
    bodies.put("convolution", conv(4, 3, 3, 1, "pads", new long[] {1, 1, 1, 1}));
    bodies.put("uneven kernel and stride", conv(4, 5, 2, 1, "strides", new long[] {2, 3}));
    bodies.put(
        "dilated convolution",
        conv(4, 3, 3, 1, "dilations", new long[] {2, 3}, "pads", new long[] {2, 3, 2, 3}));
    bodies.put("uneven padding", conv(4, 3, 3, 1, "pads", new long[] {0, 1, 2, 0}));
    bodies.put(
        "same padding, upper",
        conv(4, 4, 4, 1, "auto_pad", "SAME_UPPER", "strides", new long[] {2, 2}));
    bodies.put(
        "same padding, lower",
        conv(4, 4, 3, 1, "auto_pad", "SAME_LOWER", "strides", new long[] {3, 2}));
    bodies.put("depthwise convolution", conv(3, 3, 3, 3, "strides", new long[] {2, 2}));
    bodies.put("depthwise convolution of two", conv(6, 3, 3, 3, "pads", new long[] {1, 1, 1, 1}));
    bodies.put(
        "grouped convolution",
        (onnx, image) -> {
          String wide = conv(8, 3, 3, 1).write(onnx, image);
          return onnx.node(
              "Conv",
              List.of(wide, onnx.weight(0, 0.2, 12, 2, 3, 3), onnx.weight(0, 0.2, 12)),
              "group",
              4,
              "strides",
              new long[] {2, 2});
        });
    bodies.put(
        "batch normalisation",
        (onnx, image) -> {
          String normed = norm(onnx, image, 3);
          String folded = norm(onnx, conv(4, 3, 3, 1).write(onnx, normed), 4);
          return norm(onnx, onnx.node("Relu", List.of(folded)), 4);
        });
    bodies.put(
        "standardised weights",
        (onnx, image) -> {
          String rows =
              onnx.node(
                  "Reshape", List.of(onnx.weight(0.3, 0.4, 6, 3, 3, 3), onnx.integers(1, 6, 27)));
          List<String> inputs =
              List.of(
                  rows,
                  onnx.weight(1, 0.2, 6),
                  onnx.weight(0, 0.2, 6),
                  onnx.weight(0, 0, 6),
                  onnx.weight(1, 0, 6));
          String standard =
              onnx.nodes(
                      "BatchNormalization",
                      inputs,
                      3,
                      "training_mode",
                      1,
                      "momentum",
                      0f,
                      "epsilon",
                      1e-3f)
                  .get(0);
          String kernel = onnx.node("Reshape", List.of(standard, onnx.integers(6, 3, 3, 3)));
          return onnx.node("Conv", List.of(image, kernel));
        });
    bodies.put("max pool", pool("MaxPool", 3, "strides", new long[] {2, 2}));
    bodies.put(
        "padded max pool",
        pool("MaxPool", 3, "strides", new long[] {2, 2}, "pads", new long[] {1, 1, 1, 1}));
    bodies.put(
        "max pool with ceil", pool("MaxPool", 2, "strides", new long[] {2, 2}, "ceil_mode", 1));
    bodies.put(
        "max pool, unevenly padded",
        pool("MaxPool", 3, "strides", new long[] {2, 1}, "pads", new long[] {0, 1, 2, 0}));
    bodies.put("average pool", pool("AveragePool", 3, "strides", new long[] {2, 2}));
    for (int counted = 0; counted <= 1; counted++) {
      String what = counted == 0 ? ", padding not counted" : ", padding counted";
      bodies.put(
          "average pool" + what,
          pool(
              "AveragePool",
              3,
              "pads",
              new long[] {1, 1, 1, 1},
              "strides",
              new long[] {2, 2},
              "count_include_pad",
              counted));
      bodies.put(
          "average pool, unevenly padded" + what,
          pool(
              "AveragePool",
              3,
              "pads",
              new long[] {1, 0, 0, 2},
              "strides",
              new long[] {3, 2},
              "count_include_pad",
              counted));
    }
    // With padding counted, ONNX Runtime of this version counts what is beyond it as well.
    bodies.put(
        "average pool with ceil",
        pool(
            "AveragePool",
            3,
            "pads",
            new long[] {1, 0, 0, 1},
            "strides",
            new long[] {3, 2},
            "ceil_mode",
            1));
    for (String type : List.of("AveragePool", "MaxPool")) {
      bodies.put(
          type + " with ceil and a window larger than the map",
          pool(type, 40, "strides", new long[] {40, 40}, "ceil_mode", 1));
    }
    bodies.put("global average pool", (onnx, image) -> mapped(onnx, image, "GlobalAveragePool"));
    bodies.put("global max pool", (onnx, image) -> mapped(onnx, image, "GlobalMaxPool"));
    for (String type :
        List.of("Relu", "Sigmoid", "Tanh", "HardSwish", "HardSigmoid", "Erf", "Exp", "Neg")) {
      bodies.put(type, (onnx, image) -> mapped(onnx, image, type));
    }
    for (String type : List.of("LeakyRelu", "Elu", "Selu", "Celu", "Softplus", "Softsign", "Abs")) {
      bodies.put(type, (onnx, image) -> mapped(onnx, image, type));
    }
    bodies.put(
        "normalisation to length one",
        (onnx, image) -> {
          String length =
              onnx.node("ReduceL2", List.of(image), "axes", new long[] {1}, "keepdims", 1);
          return onnx.node("Div", List.of(image, length));
        });
    bodies.put(
        "flat gather in order, as strided views are written",
        (onnx, image) -> {
          String map = onnx.node("GlobalAveragePool", List.of(conv(4, 3, 3, 1).write(onnx, image)));
          String flat = onnx.node("Reshape", List.of(map, onnx.integers(-1)));
          return onnx.node(
              "Gather",
              List.of(
                  flat,
                  onnx.node(
                      "Reshape",
                      List.of(onnx.integers(0, 1, 2, 3, 4, 5, 6, 7), onnx.integers(2, 4)))));
        });
    bodies.put(
        "logarithm and reciprocal of powers",
        (onnx, image) -> {
          String x = onnx.node("Exp", List.of(image));
          String square = onnx.node("Pow", List.of(x, onnx.number(2)));
          String cube = onnx.node("Pow", List.of(square, onnx.number(-0.3f)));
          return onnx.node("Log", List.of(onnx.node("Reciprocal", List.of(cube))));
        });
    bodies.put(
        "learned slopes",
        (onnx, image) ->
            onnx.node(
                "PRelu",
                List.of(conv(4, 3, 3, 1).write(onnx, image), onnx.weight(0.2, 0.1, 4, 1, 1))));
    bodies.put(
        "instance normalisation",
        (onnx, image) ->
            onnx.node(
                "InstanceNormalization",
                List.of(image, onnx.weight(1, 0.3, 3), onnx.weight(0, 0.3, 3)),
                "epsilon",
                1e-3f));
    bodies.put(
        "group normalisation in steps",
        (onnx, image) -> {
          String map = conv(6, 3, 3, 1).write(onnx, image);
          String rows = onnx.node("Reshape", List.of(map, onnx.integers(0, 2, -1)));
          String normed =
              onnx.node(
                  "InstanceNormalization",
                  List.of(rows, onnx.weight(1, 0, 2), onnx.weight(0, 0, 2)),
                  "epsilon",
                  1e-3f);
          String back = onnx.node("Reshape", List.of(normed, onnx.integers(2, 6, 9, 9)));
          String scaled = onnx.node("Mul", List.of(back, onnx.weight(1, 0.3, 6, 1, 1)));
          return onnx.node("Add", List.of(scaled, onnx.weight(0, 0.3, 6, 1, 1)));
        });
    bodies.put(
        "local response normalisation",
        (onnx, image) ->
            onnx.node(
                "LRN",
                List.of(conv(7, 3, 3, 1).write(onnx, image)),
                "size",
                5,
                "alpha",
                0.3f,
                "bias",
                1.5f));
    bodies.put(
        "clip",
        (onnx, image) ->
            onnx.node(
                "Clip",
                List.of(conv(4, 3, 3, 1).write(onnx, image), onnx.number(0), onnx.number(0.4f))));
    for (String type : List.of("Add", "Sub", "Mul", "Div")) {
      bodies.put(type + " of values", (onnx, image) -> pairOfValues(onnx, image, type));
      bodies.put(type + " of constants", (onnx, image) -> withConstants(onnx, image, type));
    }
    bodies.put(
        "exact GELU in steps",
        (onnx, image) -> {
          String x = conv(4, 3, 3, 1).write(onnx, image);
          String inner = onnx.node("Div", List.of(x, onnx.number((float) Math.sqrt(2))));
          String gate = onnx.node("Add", List.of(onnx.node("Erf", List.of(inner)), onnx.number(1)));
          return onnx.node("Mul", List.of(onnx.node("Mul", List.of(x, gate)), onnx.number(0.5f)));
        });
    bodies.put(
        "layer normalisation over channels",
        (onnx, image) -> {
          String x = conv(4, 3, 3, 1).write(onnx, image);
          String last = onnx.node("Transpose", List.of(x), "perm", new long[] {0, 2, 3, 1});
          return onnx.node(
              "LayerNormalization",
              List.of(last, onnx.weight(1, 0.3, 4), onnx.weight(0, 0.3, 4)),
              "axis",
              -1,
              "epsilon",
              1e-3f);
        });
    bodies.put(
        "slices",
        (onnx, image) ->
            onnx.node(
                "Slice",
                List.of(
                    image,
                    onnx.integers(1, 1, -9),
                    onnx.integers(Long.MAX_VALUE, 10, -1),
                    onnx.integers(1, 2, 3),
                    onnx.integers(1, 2, 3))));
    bodies.put(
        "focus",
        (onnx, image) -> {
          List<String> parts = new ArrayList<>();
          for (int i = 0; i < 4; i++) {
            parts.add(
                onnx.node(
                    "Slice",
                    List.of(
                        image,
                        onnx.integers(i / 2, i % 2),
                        onnx.integers(10, 10),
                        onnx.integers(2, 3),
                        onnx.integers(2, 2))));
          }
          return onnx.node("Concat", parts, "axis", 1);
        });
    bodies.put(
        "split into unequal parts, one of them unread",
        (onnx, image) -> {
          String map = conv(6, 3, 3, 1).write(onnx, image);
          List<String> parts =
              onnx.nodes("Split", List.of(map, onnx.integers(1, 2, 3)), 3, "axis", 1);
          return onnx.node("Concat", List.of(parts.get(2), parts.get(0)), "axis", 1);
        });
    bodies.put(
        "gather of one place",
        (onnx, image) -> onnx.node("Gather", List.of(image, onnx.index(-2)), "axis", 2));
    bodies.put(
        "gather of a list",
        (onnx, image) -> onnx.node("Gather", List.of(image, onnx.integers(2, 0, 1, 1)), "axis", 1));
    bodies.put(
        "padding",
        (onnx, image) ->
            onnx.node(
                "Pad", List.of(image, onnx.integers(0, 1, 0, 2, 0, 0, 3, 1), onnx.number(0.5f))));
    bodies.put(
        "padding that cuts off",
        (onnx, image) ->
            onnx.node(
                "Pad", List.of(image, onnx.integers(0, -1, 2, -3, 0, 2, -1, -2), onnx.number(2))));
    bodies.put(
        "only cut off",
        (onnx, image) ->
            onnx.node("Pad", List.of(image, onnx.integers(0, -1, -2, 0, 0, 0, 0, -1))));
    // As NASNet has it: as large as before, and moved by one.
    bodies.put(
        "a map moved by one",
        (onnx, image) -> onnx.node("Pad", List.of(image, onnx.integers(0, 0, -1, -1, 0, 0, 1, 1))));
    bodies.put(
        "class token",
        (onnx, image) -> {
          String map = conv(4, 3, 3, 1, "strides", new long[] {3, 3}).write(onnx, image);
          String rows = onnx.node("Reshape", List.of(map, onnx.integers(0, 4, -1)));
          String tokens = onnx.node("Transpose", List.of(rows), "perm", new long[] {0, 2, 1});
          String first =
              onnx.node("Expand", List.of(onnx.weight(0, 1, 1, 1, 4), onnx.integers(2, 1, 4)));
          String all = onnx.node("Concat", List.of(first, tokens, first), "axis", 1);
          return onnx.node("Add", List.of(all, onnx.weight(0, 1, 1, 11, 4)));
        });
    bodies.put(
        "expansion",
        (onnx, image) -> {
          String mean = onnx.node("GlobalAveragePool", List.of(image));
          return onnx.node("Expand", List.of(mean, onnx.integers(2, 3, 4, 5)));
        });
    bodies.put(
        "convolution of rows",
        (onnx, image) -> {
          String mean =
              onnx.node("GlobalAveragePool", List.of(conv(6, 3, 3, 1).write(onnx, image)));
          String row = onnx.node("Reshape", List.of(mean, onnx.integers(2, 1, 6)));
          return onnx.node(
              "Conv", List.of(row, onnx.weight(0, 1, 2, 1, 3)), "pads", new long[] {1, 1});
        });
    bodies.put(
        "squeeze and excitation",
        (onnx, image) -> {
          String map = conv(4, 3, 3, 1).write(onnx, image);
          String mean =
              onnx.node("ReduceMean", List.of(map), "axes", new long[] {2, 3}, "keepdims", 1);
          String gate = onnx.node("Conv", List.of(mean, onnx.weight(0, 0.5, 4, 4, 1, 1)));
          return onnx.node("Mul", List.of(onnx.node("Sigmoid", List.of(gate)), map));
        });
    bodies.put(
        "concatenation",
        (onnx, image) -> {
          String map = conv(4, 3, 3, 1, "pads", new long[] {1, 1, 1, 1}).write(onnx, image);
          return onnx.node("Concat", List.of(map, image, map), "axis", 1);
        });
    bodies.put(
        "concatenation of rows",
        (onnx, image) -> onnx.node("Concat", List.of(image, image), "axis", -2));
    bodies.put(
        "transposition and reshapes",
        (onnx, image) -> {
          String map = conv(4, 3, 3, 1).write(onnx, image);
          String rows = onnx.node("Reshape", List.of(map, onnx.integers(2, 4, 81)));
          String turned = onnx.node("Transpose", List.of(rows), "perm", new long[] {0, 2, 1});
          String product = onnx.node("MatMul", List.of(turned, onnx.weight(0, 0.5, 4, 6)));
          String back = onnx.node("Transpose", List.of(product), "perm", new long[] {0, 2, 1});
          String grid = onnx.node("Reshape", List.of(back, onnx.integers(0, 2, 3, 9, -1)));
          return onnx.node("Transpose", List.of(grid), "perm", new long[] {0, 3, 1, 4, 2});
        });
    bodies.put(
        "channel shuffle",
        (onnx, image) -> {
          String map = conv(6, 3, 3, 1).write(onnx, image);
          String split = onnx.node("Reshape", List.of(map, onnx.integers(2, 2, 3, 9, 9)));
          String turned =
              onnx.node("Transpose", List.of(split), "perm", new long[] {0, 2, 1, 3, 4});
          String joined = onnx.node("Reshape", List.of(turned, onnx.integers(2, 6, 9, 9)));
          return onnx.node("Conv", List.of(joined, onnx.weight(0, 0.3, 4, 6, 3, 3)));
        });
    bodies.put(
        "product of values",
        (onnx, image) -> {
          String map = conv(4, 3, 3, 1).write(onnx, image);
          String rows = onnx.node("Reshape", List.of(map, onnx.integers(2, 4, 81)));
          String turned = onnx.node("Transpose", List.of(rows), "perm", new long[] {0, 2, 1});
          String scores = onnx.node("MatMul", List.of(rows, turned));
          String scaled = onnx.node("Mul", List.of(scores, onnx.number(0.1f)));
          String weights = onnx.node("Softmax", List.of(scaled), "axis", -1);
          return onnx.node("MatMul", List.of(weights, rows));
        });
    bodies.put(
        "softmax over channels",
        (onnx, image) ->
            onnx.node("Softmax", List.of(conv(4, 3, 3, 1).write(onnx, image)), "axis", 1));
    bodies.put(
        "scaled Gemm",
        (onnx, image) ->
            onnx.node(
                "Gemm",
                List.of(onnx.node("Flatten", List.of(image)), onnx.weight(0, 0.1, 363, 7)),
                "alpha",
                0.5f));
    return bodies.entrySet().stream()
        .map(
            body -> DynamicTest.dynamicTest(body.getKey(), () -> isRight(folder, body.getValue())));
  }

  private static String mapped(OnnxWriter onnx, String image, String type) {
    return onnx.node(type, List.of(conv(4, 3, 3, 1).write(onnx, image)));
  }

  private static Body pool(String type, int kernel, Object... attributes) {
    List<Object> all = new ArrayList<>(List.of(attributes));
    all.addAll(List.of("kernel_shape", new long[] {kernel, kernel}));
    return (onnx, image) -> onnx.node(type, List.of(image), all.toArray());
  }

  /** Of maps of one size, and of a map and one value for each channel. */
  private static String pairOfValues(OnnxWriter onnx, String image, String type) {
    String left = conv(4, 3, 3, 1).write(onnx, image);
    String right = onnx.node("Exp", List.of(conv(4, 3, 3, 1).write(onnx, image)));
    String both = onnx.node(type, List.of(left, right));
    return onnx.node(type, List.of(both, onnx.node("GlobalAveragePool", List.of(right))));
  }

  /** A number, a value for each channel, for each column, on either side. */
  private static String withConstants(OnnxWriter onnx, String image, String type) {
    String x = onnx.node("Exp", List.of(image));
    String number = onnx.node(type, List.of(onnx.number(2.5f), x));
    String channels = onnx.node(type, List.of(number, onnx.weight(2, 0.1, 3, 1, 1)));
    String columns = onnx.node(type, List.of(onnx.weight(2, 0.1, 1, 1, 1, SIDE), channels));
    return onnx.node(type, List.of(columns, onnx.number(1.5f)));
  }

  /** As in PyTorch; ONNX Runtime of this version counts it. */
  @Test
  void whatIsBeyondPaddingDoesNotCount() throws Exception {
    Object[] attributes = {
      "pads", new long[] {1, 1, 1, 1}, "strides", new long[] {2, 2}, "ceil_mode", 1
    };
    Path file =
        network(
            folder,
            "counted",
            (onnx, image) -> {
              String padded =
                  pool("AveragePool", 4, with(attributes, "count_include_pad", 1))
                      .write(onnx, image);
              return onnx.node("Mul", List.of(padded, onnx.number(2)));
            });
    Path plain =
        network(
            folder,
            "uncounted",
            (onnx, image) ->
                onnx.node(
                    "Mul",
                    List.of(
                        pool("AveragePool", 4, attributes).write(onnx, image), onnx.number(2))));
    try (FrozenClassifier counted = Backbones.load(file, BackboneOptions.defaults());
        FrozenClassifier uncounted = Backbones.load(plain, BackboneOptions.defaults());
        INDArray ones = Nd4j.ones(DataType.FLOAT, 1, SIDE, SIDE, 3);
        ClassifierOutput a =
            counted.forward(ones, List.of(counted.layers().values().iterator().next()));
        ClassifierOutput b =
            uncounted.forward(ones, List.of(uncounted.layers().values().iterator().next()))) {
      // Rows −1…2, 1…4, … 9…12 of 0…10: one of the first is padding; of the last one is padding,
      // and one is beyond it and counts as nothing.
      double[] share = {3.0 / 4, 1, 1, 1, 1, 2.0 / 3};
      assertThat(a.features().get(0).shape()).containsExactly(1, 6, 6, 3);
      for (int row = 0; row < 6; row++) {
        for (int column = 0; column < 6; column++) {
          assertThat(a.features().get(0).getDouble(0, row, column, 0))
              .isCloseTo(share[row] * share[column], org.assertj.core.data.Offset.offset(1e-6));
          assertThat(b.features().get(0).getDouble(0, row, column, 0))
              .isCloseTo(1, org.assertj.core.data.Offset.offset(1e-6));
        }
      }
    }
  }

  private static Object[] with(Object[] some, Object... more) {
    List<Object> all = new ArrayList<>(List.of(some));
    all.addAll(List.of(more));
    return all.toArray();
  }
}
