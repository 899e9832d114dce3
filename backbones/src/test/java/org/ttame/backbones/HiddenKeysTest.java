package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.NonFiniteException;

/**
 * Keys that are hidden from a query. Where all are, ONNX has zeros and some runtimes the mean of
 * all values: such an attention is refused. Everything else is as in ONNX Runtime.
 */
class HiddenKeysTest {
  private static final int SIDE = 12;
  private static final int TOKENS = 9;
  private static final int WIDTH = 6;

  /** Rounding of float32 in another order of summation. */
  private static final double TOLERANCE = 2e-5;

  @TempDir Path folder;

  /** What is added to the scores: of each row the first so many keys are hidden. */
  private static String added(OnnxWriter onnx, double hidden, int... first) {
    float[] values = new float[TOKENS * TOKENS];
    for (int i = 0; i < values.length; i++) {
      values[i] = i % TOKENS < first[i / TOKENS % first.length] ? (float) hidden : 0.1f * (i % 4);
    }
    return onnx.node("Reshape", List.of(onnx.numbers(values), onnx.integers(1, TOKENS, TOKENS)));
  }

  /** The same as what is seen. */
  private static String seen(OnnxWriter onnx, int... first) {
    return onnx.node("Greater", List.of(added(onnx, -1, first), onnx.number(-0.5f)));
  }

  private interface Mask {
    String write(OnnxWriter onnx);
  }

  private static Body operator(int opset, Mask mask, Object... attributes) {
    return operator(opset, mask, null, attributes);
  }

  private static Body operator(int opset, Mask mask, long[] lengths, Object... attributes) {
    List<Object> all = new ArrayList<>(List.of("q_num_heads", 2, "kv_num_heads", 2));
    all.addAll(List.of(attributes));
    return (onnx, image) -> {
      onnx.opset(opset);
      String rows = tokens(onnx, image);
      List<String> operands = new ArrayList<>(List.of(rows, rows, rows));
      operands.add(mask == null ? "" : mask.write(onnx));
      if (lengths != null) {
        operands.addAll(List.of("", "", onnx.integers(lengths)));
      }
      return onnx.node("Attention", operands, all.toArray());
    };
  }

  /** A query of one token, the image's first, to all of them. */
  private static Body single(Object... attributes) {
    return (onnx, image) -> {
      onnx.opset(23);
      String rows = tokens(onnx, image);
      String one =
          onnx.node("Slice", List.of(rows, onnx.integers(0), onnx.integers(1), onnx.integers(1)));
      List<Object> all = new ArrayList<>(List.of("q_num_heads", 2, "kv_num_heads", 2));
      all.addAll(List.of(attributes));
      String y = onnx.node("Attention", List.of(one, rows, rows), all.toArray());
      return onnx.node("Add", List.of(rows, y));
    };
  }

  private static String tokens(OnnxWriter onnx, String image) {
    String map = SmallNetwork.conv(WIDTH, 4, 4, 1, "strides", new long[] {4, 4}).write(onnx, image);
    String rows = onnx.node("Reshape", List.of(map, onnx.integers(0, WIDTH, -1)));
    return onnx.node("Transpose", List.of(rows), "perm", new long[] {0, 2, 1});
  }

  private interface Scores {
    String write(OnnxWriter onnx, String scores);
  }

  /** An attention of one head in its steps, something done to its scores. */
  private static Body steps(Scores masked) {
    return (onnx, image) -> {
      onnx.opset(17);
      String rows = tokens(onnx, image);
      String turned = onnx.node("Transpose", List.of(rows), "perm", new long[] {0, 2, 1});
      String scores = masked.write(onnx, onnx.node("MatMul", List.of(rows, turned)));
      String weights = onnx.node("Softmax", List.of(scores), "axis", -1);
      return onnx.node("MatMul", List.of(weights, rows));
    };
  }

  /** As {@link #steps}, with zeros for what is not a number: as PyTorch writes it. */
  private static Body zeroed(Scores masked) {
    return (onnx, image) -> {
      String y = steps(masked).write(onnx, image);
      return onnx.node("Where", List.of(onnx.node("IsNaN", List.of(y)), onnx.number(0), y));
    };
  }

  private static Scores plus(double hidden, int... first) {
    return (onnx, scores) -> onnx.node("Add", List.of(scores, added(onnx, hidden, first)));
  }

  private static Scores where(float instead, int... first) {
    return (onnx, scores) ->
        onnx.node("Where", List.of(seen(onnx, first), scores, onnx.number(instead)));
  }

  private Path file(Body body) throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, SIDE, SIDE);
    String flat = onnx.node("Flatten", List.of(body.write(onnx, "image")));
    onnx.output(
        onnx.node(
            "Gemm", List.of(flat, onnx.weight(0, 0.2, TOKENS * WIDTH, 5), onnx.weight(0, 1, 5))),
        "logits");
    Path file = folder.resolve("hidden.onnx");
    onnx.write(file, 1);
    return file;
  }

  @TestFactory
  Stream<DynamicTest> queriesThatSeeNothingAreRefused() {
    double infinite = Double.NEGATIVE_INFINITY;
    int[] one = {0, TOKENS, 3};
    int[] first = {1};
    Map<String, Body> bodies = new LinkedHashMap<>();
    bodies.put("flags", operator(23, onnx -> seen(onnx, one)));
    bodies.put("infinite", operator(23, onnx -> added(onnx, infinite, one)));
    bodies.put("the least number", operator(23, onnx -> added(onnx, -Float.MAX_VALUE, one)));
    bodies.put("flags in order", operator(23, onnx -> seen(onnx, first), "is_causal", 1));
    bodies.put("infinite in order", operator(23, onnx -> added(onnx, infinite, 1), "is_causal", 1));
    bodies.put("no length", operator(24, null, new long[] {0, 9}));
    bodies.put("lengths in order", operator(24, null, new long[] {9, 5}, "is_causal", 1));
    bodies.put("flags and lengths", operator(24, onnx -> seen(onnx, 4), new long[] {9, 4}));
    return bodies.entrySet().stream()
        .map(
            body ->
                DynamicTest.dynamicTest(
                    body.getKey(),
                    () -> {
                      Path file = file(body.getValue());
                      assertThatThrownBy(() -> Backbones.load(file, BackboneOptions.defaults()))
                          .isInstanceOf(BackboneException.class)
                          .hasMessageContaining(file.toString())
                          .hasMessageMatching(
                              "(?s).*Attention node \".+\" masks all keys of a query.*");
                    }));
  }

  @TestFactory
  Stream<DynamicTest> everythingElseIsAsInOnnxRuntime() {
    double infinite = Double.NEGATIVE_INFINITY;
    int[] some = {0, TOKENS - 1, 3};
    int[] all = {TOKENS};
    int[] later = {0, 1, 2, 3, 4, 5, 6, 7, 8};
    Map<String, Body> bodies = new LinkedHashMap<>();
    bodies.put("flags", operator(23, onnx -> seen(onnx, some)));
    bodies.put("infinite", operator(23, onnx -> added(onnx, infinite, some)));
    bodies.put("the least number", operator(23, onnx -> added(onnx, -Float.MAX_VALUE, some)));
    bodies.put("very negative, all", operator(23, onnx -> added(onnx, -1e30, all)));
    bodies.put("negative, all", operator(23, onnx -> added(onnx, -1e4, all)));
    bodies.put("in order", operator(23, null, "is_causal", 1));
    bodies.put("flags in order", operator(23, onnx -> seen(onnx, later), "is_causal", 1));
    bodies.put("in order, of tomorrow", operator(24, null, "is_causal", 1));
    bodies.put("lengths", operator(24, null, new long[] {5, 5}));
    bodies.put("flags and lengths", operator(24, onnx -> seen(onnx, 4), new long[] {7, 7}));
    bodies.put("infinite, in steps", steps(plus(infinite, some)));
    bodies.put("chosen, in steps", steps(where(Float.NEGATIVE_INFINITY, some)));
    bodies.put("the least number, in steps", steps(plus(-Float.MAX_VALUE, all)));
    bodies.put("the least chosen, in steps", steps(where(-Float.MAX_VALUE, all)));
    bodies.put("very negative chosen, in steps", steps(where(-1e30f, all)));
    bodies.put("zeros where all is infinite, in steps", zeroed(plus(infinite, 0, TOKENS, 3)));
    bodies.put(
        "zeros where all is chosen, in steps", zeroed(where((float) infinite, 0, TOKENS, 3)));
    return bodies.entrySet().stream()
        .map(
            body ->
                DynamicTest.dynamicTest(
                    body.getKey(), () -> agreesWithOnnxRuntime(file(body.getValue()))));
  }

  /** ONNX has it see the first key, ONNX Runtime up to 1.26 all of them. */
  @Test
  void aSingleQueryInOrderIsRefused() throws Exception {
    Path file = file(single("is_causal", 1));
    assertThatThrownBy(() -> Backbones.load(file, BackboneOptions.defaults()))
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining("is causal with one query and several keys");
    agreesWithOnnxRuntime(file(single()));
  }

  /** Steps that divide zero by zero do so in ONNX Runtime, too, and nobody takes it for scores. */
  @Test
  void stepsThatGiveNoNumbersSaySo() throws Exception {
    double infinite = Double.NEGATIVE_INFINITY;
    for (Scores masked :
        List.of(plus(infinite, 0, TOKENS, 3), where((float) infinite, 0, TOKENS, 3))) {
      Path file = file(steps(masked));
      try (INDArray images = Nd4j.randn(DataType.FLOAT, 2, SIDE, SIDE, 3);
          FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults());
          OnnxOracle oracle = new OnnxOracle(file)) {
        assertThat(oracle.run(images).get("logits").isNaN().all()).isTrue();
        assertThatThrownBy(() -> classifier.forward(images, List.of()).close())
            .isInstanceOf(NonFiniteException.class);
      }
    }
  }

  private static void agreesWithOnnxRuntime(Path file) throws Exception {
    Nd4j.getRandom().setSeed(3);
    try (INDArray images = Nd4j.randn(DataType.FLOAT, 2, SIDE, SIDE, 3);
        FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults());
        OnnxOracle oracle = new OnnxOracle(file);
        ClassifierOutput output = classifier.forward(images, List.of())) {
      INDArray expected = oracle.run(images).get("logits");
      assertThat(Members.difference(output.logits(), expected))
          .as(() -> expected + " not " + output.logits())
          .isLessThan(TOLERANCE);
    }
  }
}
