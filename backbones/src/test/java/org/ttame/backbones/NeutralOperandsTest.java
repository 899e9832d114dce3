package org.ttame.backbones;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import onnx.Onnx;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Operations that change nothing are dropped; those that look like them are not. */
class NeutralOperandsTest {
  private static final String VGG = "vgg-torch2.15-script-opset20";
  private static final String VIT = "vit-torch2.15-script-opset17";

  @TempDir Path folder;

  /** On the map behind the first ReLU, {@code [2, 4, 32, 32]}. */
  @TestFactory
  Stream<DynamicTest> dropped() {
    return Stream.of(
            Edited.node("Add", List.of("x", "zero"), "y"),
            Edited.node("Add", List.of("zeros", "x"), "y"),
            Edited.node("Sub", List.of("x", "zeros"), "y"),
            Edited.node("Mul", List.of("x", "ones"), "y"),
            Edited.node("Mul", List.of("one", "x"), "y"),
            Edited.node("Div", List.of("x", "one"), "y"),
            Edited.node("Pow", List.of("x", "one"), "y"),
            Edited.node("Where", List.of("yes", "x", "zero"), "y"),
            Edited.node("Where", List.of("no", "ones", "x"), "y"),
            Edited.node("Max", List.of("x"), "y"),
            Edited.node("Clip", List.of("x"), "y"),
            Edited.node("Clip", List.of("x", "lowest", "highest"), "y"),
            Edited.node("Identity", List.of("x"), "y"),
            Edited.node("Dropout", List.of("x"), "y"),
            Edited.node("Cast", List.of("x"), "y", "to", 1),
            Edited.node("CastLike", List.of("x", "one"), "y"),
            Edited.node("Pad", List.of("x", "nothing"), "y", "mode", "reflect"),
            Edited.node("Concat", List.of("x"), "y", "axis", 2),
            Edited.node("Concat", List.of("empty", "x"), "y", "axis", 1),
            Edited.node("Split", List.of("x"), "y", "axis", 1, "num_outputs", 1),
            Edited.node("Reshape", List.of("x", "shape"), "y"),
            Edited.node("Expand", List.of("x", "expanded"), "y"),
            Edited.node("Transpose", List.of("x"), "y", "perm", new long[] {0, 1, 2, 3}),
            Edited.node("Slice", List.of("x", "start", "end", "axes"), "y"),
            Edited.node("Gather", List.of("x", "channels"), "y", "axis", 1))
        .map(node -> DynamicTest.dynamicTest(name(node), () -> with(node).agreesWithOnnxRuntime()));
  }

  /** The same operators, one value or place away from changing nothing. */
  @TestFactory
  Stream<DynamicTest> kept() {
    return Stream.of(
            Edited.node("Sub", List.of("zeros", "x"), "y"),
            Edited.node("Div", List.of("one", "more"), "y"),
            Edited.node("Pow", List.of("one", "x"), "y"),
            Edited.node("Mul", List.of("x", "zero"), "y"),
            Edited.node("Div", List.of("x", "almost"), "y"),
            Edited.node("Where", List.of("some", "x", "ones"), "y"),
            Edited.node("Where", List.of("yes", "ones", "x"), "y"),
            Edited.node("Clip", List.of("x", "", "highest"), "y"),
            Edited.node("Clip", List.of("x", "lowest", "one"), "y"),
            Edited.node("Cast", List.of("x"), "y", "to", 7),
            Edited.node("CastLike", List.of("x", "shape"), "y"),
            Edited.node("Transpose", List.of("x"), "y", "perm", new long[] {0, 1, 3, 2}),
            Edited.node("Slice", List.of("x", "start", "end", "axes", "start"), "y"))
        .filter(node -> !node.getInputList().contains(""))
        .map(node -> DynamicTest.dynamicTest(name(node), () -> with(node).isNotMistaken()));
  }

  /** As rotary positions have it where no token stands in front. */
  @Test
  void aPartOfTheImageWithoutElementsIsDropped() throws Exception {
    with(
            Edited.node("Slice", List.of("x", "start", "none", "axes"), "part"),
            Edited.node("Concat", List.of("part", "x"), "y", "axis", 1))
        .agreesWithOnnxRuntime();
  }

  private static String name(Onnx.NodeProto node) {
    return node.getOpType() + node.getInputList();
  }

  private Edited with(Onnx.NodeProto... nodes) throws IOException {
    Edited edited =
        new Edited(VGG, folder)
            .constant("zero", new long[0], new float[] {0})
            .constant("zeros", new long[] {1, 4, 1, 1}, new float[4])
            .constant("one", new long[0], new float[] {1})
            .constant("ones", new long[] {4, 1, 32}, filled(128))
            .constant("almost", new long[0], new float[] {1.0001f})
            .constant("lowest", new long[0], new float[] {-Float.MAX_VALUE})
            .constant("highest", new long[0], new float[] {Float.MAX_VALUE})
            .constant("nothing", new long[] {8}, new long[8])
            .constant("empty", new long[] {2, 0, 32, 32}, new float[0])
            .constant("shape", new long[] {4}, new long[] {0, -1, 32, 32})
            .constant("expanded", new long[] {3}, new long[] {4, 1, 32})
            .constant("start", new long[] {2}, new long[] {0, 0})
            .constant("end", new long[] {2}, new long[] {32, Long.MAX_VALUE})
            .constant("none", new long[] {2}, new long[] {32, 0})
            .constant("axes", new long[] {2}, new long[] {2, 1})
            .constant("channels", new long[] {4}, new long[] {0, 1, 2, -1});
    flags(edited, "yes", 1, 1);
    flags(edited, "no", 0, 0);
    flags(edited, "some", 1, 0);
    Onnx.NodeProto more = Edited.node("Add", List.of("x", "one"), "more");
    Onnx.NodeProto[] all =
        Stream.concat(Stream.of(more), Stream.of(nodes)).toArray(Onnx.NodeProto[]::new);
    return edited.after(edited.nodes("Relu").get(0), "x", all);
  }

  private static void flags(Edited edited, String name, int first, int others) {
    Onnx.TensorProto.Builder flags =
        Onnx.TensorProto.newBuilder().setName(name).setDataType(9).addDims(32).addInt32Data(first);
    for (int i = 1; i < 32; i++) {
      flags.addInt32Data(others);
    }
    edited.graph.addInitializer(flags);
  }

  private static float[] filled(int count) {
    float[] values = new float[count];
    Arrays.fill(values, 1);
    return values;
  }

  /** Hugging Face's transformers add a mask of zeros to the scores, {@code [1, 1, T, T]}. */
  @Test
  void maskOfZeros() throws Exception {
    masked(new float[17 * 17]).agreesWithOnnxRuntime();
    float[] real = new float[17 * 17];
    real[20] = -1e30f;
    masked(real).isNotMistaken();
  }

  private Edited masked(float... mask) throws IOException {
    Edited edited = new Edited(VIT, folder).constant("mask", new long[] {1, 1, 17, 17}, mask);
    for (Onnx.NodeProto.Builder softmax : edited.nodes("Softmax")) {
      String scores = softmax.getInput(0);
      Onnx.NodeProto.Builder product =
          edited.graph.getNodeBuilderList().stream()
              .filter(node -> node.getOutputList().contains(scores))
              .findFirst()
              .orElseThrow();
      edited.after(
          product,
          scores + "/plain",
          Edited.node("Add", List.of(scores + "/plain", "mask"), scores + "/masked"));
    }
    return edited;
  }

  /** The same as an operand of the operator that is a whole attention, as numbers and as flags. */
  @Test
  void maskOfAttention() throws Exception {
    attention(new float[17 * 17], 1).agreesWithOnnxRuntime();
    attention(filled(17 * 17), 9).agreesWithOnnxRuntime();
    attention(new float[17 * 17], 9).isRefused("Attention node \"", "masks all keys of a query");
    attention(filled(17 * 17), 1).agreesWithOnnxRuntime();
    float[] half = new float[17 * 17];
    for (int i = 0; i < half.length; i++) {
      half[i] = i % 17 % 2;
    }
    attention(half, 9).agreesWithOnnxRuntime();
    attention(half, 1).agreesWithOnnxRuntime();
  }

  private Edited attention(float[] mask, int type) throws IOException {
    Edited edited = new Edited("vit-torch2.15-dynamo-opset23", folder);
    Onnx.TensorProto.Builder tensor =
        Onnx.TensorProto.newBuilder().setName("mask").setDataType(type).addDims(17).addDims(17);
    for (float value : mask) {
      if (type == 9) {
        tensor.addInt32Data((int) value);
      } else {
        tensor.addFloatData(value);
      }
    }
    edited.graph.addInitializer(tensor);
    edited.nodes("Attention").forEach(node -> node.addInput("mask"));
    return edited;
  }
}
