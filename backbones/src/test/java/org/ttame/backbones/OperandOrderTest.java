package org.ttame.backbones;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import onnx.Onnx;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * A layer's spelling is recognised only with its operands in the right places and along the right
 * axis; the same operators on other operands are another function.
 */
class OperandOrderTest {
  private static final String DECOMPOSED = "vit-torch1.13-script-opset11";
  private static final String VIT = "vit-torch2.15-script-opset17";
  private static final String VGG = "vgg-torch2.15-script-opset20";

  @TempDir Path folder;

  /** √2/x for x/√2, mean − x for x − mean, √(var + eps)/x for x/√(var + eps), 2ˣ for x². */
  @ParameterizedTest
  @CsvSource({"mlp.1/Div", "ln_1/Sub", "ln_1/Div", "ln_2/Pow", "ln_2/Sub"})
  void swapped(String name) throws Exception {
    Edited edited = new Edited(DECOMPOSED, folder);
    Onnx.NodeProto.Builder node = named(edited, name);
    String left = node.getInput(0);
    node.setInput(0, node.getInput(1)).setInput(1, left);
    edited.isNotMistaken();
  }

  private static Onnx.NodeProto.Builder named(Edited edited, String end) {
    return edited.graph.getNodeBuilderList().stream()
        .filter(node -> node.getName().endsWith(end))
        .findFirst()
        .orElseThrow();
  }

  /** A factor in place of the divisor is right only if it is its reciprocal. */
  @Test
  void factorForDivisor() throws Exception {
    for (double by : new double[] {Math.sqrt(0.5), Math.sqrt(2)}) {
      Edited edited = new Edited(DECOMPOSED, folder);
      edited.constant("by", new long[0], new float[] {(float) by});
      named(edited, "mlp.1/Div").setOpType("Mul").setInput(1, "by");
      if (by < 1) {
        edited.agreesWithOnnxRuntime();
      } else {
        edited.isNotMistaken();
      }
    }
  }

  @Test
  void scaledOrTransposedGemm() throws Exception {
    for (String attribute : List.of("alpha", "beta")) {
      Edited edited = new Edited(VGG, folder);
      Edited.set(edited.nodes("Gemm").get(2), attribute, 0.5f);
      edited.isNotMistaken();
    }
    Edited edited = new Edited(VGG, folder);
    Edited.set(edited.nodes("Gemm").get(2), "transA", 2);
    edited.isRefused("do not fit together");
  }

  /** Only what is over the classes is taken off the end. */
  @ParameterizedTest
  @ValueSource(strings = {"Softmax", "LogSoftmax"})
  void softmaxAtTheEnd(String type) throws Exception {
    UnaryOperator<INDArray> atTheEnd =
        logits -> {
          INDArray probabilities = Transforms.softmax(logits, true);
          return type.equals("Softmax") ? probabilities : Transforms.log(probabilities, false);
        };
    for (int axis : new int[] {-1, 1}) {
      atTheEnd(type, 20, "axis", axis).agreesWithOnnxRuntime(atTheEnd);
    }
    atTheEnd(type, 11).agreesWithOnnxRuntime(atTheEnd);
    atTheEnd(type, 20).agreesWithOnnxRuntime(atTheEnd);
    atTheEnd(type, 20, "axis", 0).isRefused(type + " node", "\"probabilities\"");
    atTheEnd(type, 11, "axis", 0).isRefused(type + " node \"probabilities\"");
  }

  private Edited atTheEnd(String type, int opset, Object... attributes) throws IOException {
    Edited edited = new Edited("vgg-torch1.13-script-opset9", folder).opset(opset);
    return edited.after(
        edited.nodes("Gemm").get(2),
        "before",
        Edited.node(type, List.of("before"), "probabilities", attributes));
  }

  /** Below operator set 13 a softmax without axis was over everything from the second axis on. */
  @Test
  void softmaxOverEverything() throws Exception {
    Edited edited = new Edited(DECOMPOSED, folder);
    edited.nodes("Softmax").get(1).clearAttribute();
    edited.isRefused("Softmax node \"", "normalises over all axes from 1 on");
    Edited other = new Edited(VIT, folder);
    Edited.set(other.nodes("Softmax").get(1), "axis", 2);
    other.isNotMistaken();
  }

  /**
   * where(isnan(p), 0, p) passes over a row of which nothing is left; its like do not, and are
   * taken for what they are, at the file's own batch.
   */
  @Test
  void notANumber() throws Exception {
    whereNotANumber("zero", "p").agreesWithOnnxRuntime();
    whereNotANumber("one", "p").agreesWithOnnxRuntime();
    whereNotANumber("zero", "scores").agreesWithOnnxRuntime();
  }

  private Edited whereNotANumber(String instead, String of) throws IOException {
    Edited edited =
        new Edited(VIT, folder)
            .constant("zero", new long[0], new float[] {0})
            .constant("one", new long[0], new float[] {1});
    Onnx.NodeProto.Builder softmax = edited.nodes("Softmax").get(1);
    String tested = of.equals("p") ? "p" : softmax.getInput(0);
    return edited.after(
        softmax,
        "p",
        Edited.node("IsNaN", List.of(tested), "bad"),
        Edited.node("Where", List.of("bad", instead, "p"), "good"));
  }

  /**
   * What comes out of the operator that is a whole attention must not be scaled in a ViT; the
   * importer takes it for what it is, at the file's own batch.
   */
  @Test
  void scaledAttention() throws Exception {
    Edited edited =
        new Edited("vit-torch2.15-dynamo-opset23", folder)
            .constant("half", new long[0], new float[] {0.5f});
    edited
        .after(
            edited.nodes("Attention").get(0),
            "whole",
            Edited.node("Mul", List.of("whole", "half"), "halved"))
        .agreesWithOnnxRuntime();
  }

  @Test
  void normalisationOfOtherChannels() throws IOException {
    Edited edited = new Edited("vgg_bn-torch2.15-dynamo-opset20-dynamic-raw", folder);
    edited.constant("long", new long[] {99}, new float[99]);
    edited.nodes("BatchNormalization").get(0).setInput(4, "long");
    edited.isRefused("BatchNormalization");
  }
}
