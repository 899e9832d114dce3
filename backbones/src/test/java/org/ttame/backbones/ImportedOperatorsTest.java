package org.ttame.backbones;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.backbones.SmallNetwork.Body;

/** Operators that choose, compare, resize and rearrange, as in {@link SmallNetwork}. */
class ImportedOperatorsTest {
  private static final int FLOAT = 1;
  private static final int BOOL = 9;

  @TempDir static Path folder;

  @TestFactory
  Stream<DynamicTest> everyForm() {
    Map<String, Body> bodies = new LinkedHashMap<>();
    choices(bodies);
    functions(bodies);
    resizes(bodies);
    rearrangements(bodies);
    return bodies.entrySet().stream()
        .map(
            body ->
                DynamicTest.dynamicTest(
                    body.getKey(), () -> SmallNetwork.isRight(folder, body.getValue())));
  }

  private static String map(OnnxWriter onnx, String image) {
    return SmallNetwork.conv(4, 3, 3, 1).write(onnx, image);
  }

  private static void choices(Map<String, Body> bodies) {
    for (String type : List.of("Less", "Greater", "LessOrEqual", "GreaterOrEqual")) {
      bodies.put(
          type,
          (onnx, image) -> {
            String x = map(onnx, image);
            String row = onnx.node(type, List.of(x, onnx.weight(0, 0.5, 1, 9)));
            String some = onnx.node("Where", List.of(row, x, onnx.number(-3)));
            String mean = onnx.node("GlobalAveragePool", List.of(x));
            String high = onnx.node(type, List.of(mean, x));
            return onnx.node("Where", List.of(high, onnx.node("Exp", List.of(x)), some));
          });
    }
    bodies.put(
        "equal",
        (onnx, image) -> {
          String x = map(onnx, image);
          String positive = onnx.node("Relu", List.of(x));
          String zero = onnx.node("Equal", List.of(positive, onnx.number(0)));
          return onnx.node("Where", List.of(zero, onnx.node("Exp", List.of(x)), positive));
        });
    bodies.put(
        "logic",
        (onnx, image) -> {
          String x = map(onnx, image);
          String high = onnx.node("Greater", List.of(x, onnx.number(0.3f)));
          String low = onnx.node("Less", List.of(x, onnx.number(-0.2f)));
          String constant = onnx.node("Greater", List.of(onnx.weight(0, 1, 9, 9), onnx.number(0)));
          String either = onnx.node("Or", List.of(high, low));
          String both = onnx.node("And", List.of(either, constant));
          String one = onnx.node("Xor", List.of(both, high));
          String not = onnx.node("Not", List.of(one));
          String number = onnx.node("Cast", List.of(not), "to", FLOAT);
          String again = onnx.node("Cast", List.of(onnx.node("Relu", List.of(x))), "to", BOOL);
          String gated = onnx.node("Where", List.of(again, x, onnx.weight(0, 1, 9)));
          return onnx.node("Mul", List.of(gated, onnx.node("Add", List.of(number, x))));
        });
    bodies.put(
        "infinity where a known mask hides",
        (onnx, image) -> {
          String x = map(onnx, image);
          String mask = onnx.node("Greater", List.of(onnx.weight(0.4, 1, 9, 9), onnx.number(0)));
          String some = onnx.node("Where", List.of(mask, x, onnx.number(Float.NEGATIVE_INFINITY)));
          return onnx.node("Softmax", List.of(some), "axis", -1);
        });
    bodies.put(
        "infinity where the image hides",
        (onnx, image) -> {
          String x = map(onnx, image);
          String top = onnx.node("ReduceMax", List.of(x), "axes", new long[] {3}, "keepdims", 1);
          String mask =
              onnx.node("Less", List.of(x, onnx.node("Sub", List.of(top, onnx.number(0.8f)))));
          String some = onnx.node("Where", List.of(mask, onnx.number(Float.NEGATIVE_INFINITY), x));
          return onnx.node("Softmax", List.of(some), "axis", -1);
        });
    bodies.put(
        "an infinite mask that is added",
        (onnx, image) -> {
          String x = map(onnx, image);
          String holds = onnx.node("Greater", List.of(onnx.weight(0.4, 1, 9, 9), onnx.number(0)));
          String mask =
              onnx.node(
                  "Where", List.of(holds, onnx.number(0), onnx.number(Float.NEGATIVE_INFINITY)));
          return onnx.node("Softmax", List.of(onnx.node("Add", List.of(x, mask))), "axis", -1);
        });
    bodies.put(
        "what is not a number replaced",
        (onnx, image) -> {
          String log = onnx.node("Log", List.of(map(onnx, image)));
          String not = onnx.node("IsNaN", List.of(log));
          return onnx.node("Where", List.of(not, onnx.number(0.5f), log));
        });
    for (String type : List.of("Max", "Min")) {
      bodies.put(
          type + " of a value and itself, which has one derivative",
          (onnx, image) -> {
            String x = map(onnx, image);
            String same = onnx.node(type, List.of(x, onnx.node("Identity", List.of(x)), x));
            return onnx.node(type, List.of(same, onnx.number(0.1f), same));
          });
    }
    for (String type : List.of("Max", "Min", "Sum", "Mean")) {
      bodies.put(
          type + " of three",
          (onnx, image) -> {
            String x = map(onnx, image);
            String y = onnx.node("Mul", List.of(map(onnx, image), onnx.number(1.5f)));
            String rows =
                onnx.node("ReduceMean", List.of(y), "axes", new long[] {1, 2}, "keepdims", 1);
            String all = onnx.node(type, List.of(rows, x, onnx.weight(0, 0.7, 4, 1, 1)));
            return onnx.node(type, List.of(all, y, onnx.number(0.1f)));
          });
    }
    bodies.put(
        "clip with its bounds in the wrong order",
        (onnx, image) -> {
          String x = map(onnx, image);
          String flat = onnx.node("Clip", List.of(x, onnx.number(2), onnx.number(0.5f)));
          return onnx.node("Mul", List.of(x, flat));
        });
  }

  private static void resizes(Map<String, Body> bodies) {
    bodies.put("resize to the nearest, twice as large", resize(2, 2, "mode", "nearest"));
    bodies.put(
        "resize to the nearest, of half pixels",
        resize(
            1.4f,
            0.6f,
            "mode",
            "nearest",
            "coordinate_transformation_mode",
            "half_pixel",
            "nearest_mode",
            "round_prefer_ceil"));
    bodies.put("linear resize", resize(1.5f, 2.3f, "mode", "linear"));
    bodies.put(
        "linear resize of whole pixels",
        resize(0.5f, 1.7f, "mode", "linear", "coordinate_transformation_mode", "asymmetric"));
    bodies.put(
        "linear resize in PyTorch's way",
        resize(
            0.7f, 1.2f, "mode", "linear", "coordinate_transformation_mode", "pytorch_half_pixel"));
    // In float32 ten times 0.7 is 7, though its 0.7 is less than that.
    bodies.put(
        "resize to a size that rounding makes whole",
        (onnx, image) -> {
          String ten = SmallNetwork.conv(4, 2, 2, 1).write(onnx, image);
          return onnx.node(
              "Resize", List.of(ten, "", onnx.numbers(1, 1, 0.7f, 0.9f)), "mode", "linear");
        });
    for (int version : new int[] {9, 11}) {
      bodies.put(
          "softmax of a weight along its last axis, operator set " + version,
          (onnx, image) -> {
            onnx.opset(version);
            String shares = onnx.node("Softmax", List.of(onnx.weight(0, 1, 11, 6)), "axis", -1);
            return onnx.node("MatMul", List.of(image, shares));
          });
    }
    bodies.put(
        "cubic resize",
        resize(1.6f, 0.8f, "mode", "cubic", "cubic_coeff_a", -0.5f, "exclude_outside", 1));
    bodies.put(
        "resize to sizes with corners aligned",
        (onnx, image) ->
            onnx.node(
                "Resize",
                List.of(map(onnx, image), "", "", onnx.integers(2, 4, 13, 5)),
                "mode",
                "linear",
                "coordinate_transformation_mode",
                "align_corners"));
    bodies.put(
        "resize of channels that are last, then back",
        (onnx, image) -> {
          String last =
              onnx.node("Transpose", List.of(map(onnx, image)), "perm", new long[] {0, 2, 3, 1});
          String large =
              onnx.node(
                  "Resize", List.of(last, "", "", onnx.integers(2, 14, 14, 4)), "mode", "linear");
          return onnx.node("Transpose", List.of(large), "perm", new long[] {0, 3, 1, 2});
        });
  }

  private static Body resize(float rows, float columns, Object... attributes) {
    return (onnx, image) ->
        onnx.node(
            "Resize", List.of(map(onnx, image), "", onnx.numbers(1, 1, rows, columns)), attributes);
  }

  private static void rearrangements(Map<String, Body> bodies) {
    for (String mode : List.of("DCR", "CRD")) {
      bodies.put(
          "depth to space, " + mode,
          (onnx, image) -> {
            String wide = SmallNetwork.conv(8, 3, 3, 1).write(onnx, image);
            return onnx.node("DepthToSpace", List.of(wide), "blocksize", 2, "mode", mode);
          });
    }
    bodies.put(
        "space to depth",
        (onnx, image) -> {
          String even = SmallNetwork.conv(3, 2, 3, 1).write(onnx, image);
          String cut =
              onnx.node(
                  "Slice", List.of(even, onnx.integers(0), onnx.integers(8), onnx.integers(3)));
          return onnx.node("SpaceToDepth", List.of(cut), "blocksize", 2);
        });
    bodies.put(
        "slices that run backwards",
        (onnx, image) -> {
          String blueFirst =
              onnx.node(
                  "Slice",
                  List.of(
                      image,
                      onnx.integers(-1),
                      onnx.integers(Long.MIN_VALUE),
                      onnx.integers(1),
                      onnx.integers(-1)));
          return onnx.node(
              "Slice",
              List.of(
                  map(onnx, blueFirst),
                  onnx.integers(7, 0),
                  onnx.integers(-8, 8),
                  onnx.integers(2, 3),
                  onnx.integers(-2, 3)));
        });
    bodies.put(
        "gather in no regular order",
        (onnx, image) -> {
          String rows = onnx.node("Reshape", List.of(map(onnx, image), onnx.integers(2, 4, 81)));
          long[] places = new long[150];
          for (int i = 0; i < places.length; i++) {
            places[i] = (7L * i * i + i) % 81;
          }
          return onnx.node("Gather", List.of(rows, onnx.integers(places)), "axis", 2);
        });
    for (String mode : List.of("edge", "reflect", "wrap")) {
      bodies.put(
          "padding by " + mode,
          (onnx, image) -> {
            onnx.opset(19);
            return onnx.node(
                "Pad",
                List.of(map(onnx, image), onnx.integers(0, 0, 2, 1, 0, 1, 3, 4)),
                "mode",
                mode);
          });
    }
    bodies.put(
        "tiles",
        (onnx, image) -> onnx.node("Tile", List.of(map(onnx, image), onnx.integers(1, 2, 1, 3))));
  }

  private static void functions(Map<String, Body> bodies) {
    for (String type : List.of("Floor", "Ceil", "Round", "Sign", "Sin", "Cos")) {
      bodies.put(
          type,
          (onnx, image) -> {
            String x = onnx.node("Mul", List.of(map(onnx, image), onnx.number(3)));
            return onnx.node("Mul", List.of(onnx.node(type, List.of(x)), x));
          });
    }
    bodies.put(
        "halves are rounded to even numbers",
        (onnx, image) -> {
          String halves = onnx.node("Mul", List.of(map(onnx, image), onnx.number(4)));
          String exact =
              onnx.node("Mul", List.of(onnx.node("Round", List.of(halves)), onnx.number(0.5f)));
          return onnx.node("Add", List.of(onnx.node("Round", List.of(exact)), halves));
        });
    bodies.put(
        "thresholded",
        (onnx, image) -> onnx.node("ThresholdedRelu", List.of(map(onnx, image)), "alpha", 0.4f));
    bodies.put(
        "Mish in steps",
        (onnx, image) -> {
          String x = onnx.node("Mul", List.of(map(onnx, image), onnx.number(4)));
          String gate = onnx.node("Tanh", List.of(onnx.node("Softplus", List.of(x))));
          return onnx.node("Mul", List.of(x, gate));
        });
    bodies.put(
        "to powers of its own",
        (onnx, image) -> {
          String exponent = onnx.node("Tanh", List.of(map(onnx, image)));
          String x = onnx.node("Exp", List.of(exponent));
          String some = onnx.node("Pow", List.of(x, onnx.weight(1, 0.6, 4, 1, 1)));
          String other = onnx.node("Pow", List.of(onnx.number(1.4f), exponent));
          return onnx.node("Pow", List.of(onnx.node("Mul", List.of(some, other)), exponent));
        });
  }
}
