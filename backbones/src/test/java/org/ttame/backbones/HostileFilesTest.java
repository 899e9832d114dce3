package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import onnx.Onnx;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneOptions;

/** Small files that ask for any amount of work or memory are refused, in a sentence about them. */
@Timeout(60)
class HostileFilesTest {
  private static final String VGG = "vgg-torch2.15-script-opset20";
  private static final long HUGE = 2_000_000_000L;

  @TempDir Path folder;

  /** Thirty functions, each of which calls the next one twice: a billion nodes. */
  @Test
  void functionsThatUnfold() throws IOException {
    Edited edited = new Edited(VGG, folder);
    edited.model.addOpsetImport(Onnx.OperatorSetIdProto.newBuilder().setDomain("f").setVersion(1));
    for (int i = 0; i < 30; i++) {
      Onnx.NodeProto next =
          i == 29
              ? Edited.node("Identity", List.of("x"), "y")
              : Edited.node("f" + (i + 1), List.of("x"), "y").toBuilder().setDomain("f").build();
      edited.model.addFunctions(
          Onnx.FunctionProto.newBuilder()
              .setName("f" + i)
              .setDomain("f")
              .addInput("x")
              .addOutput("y")
              .addNode(next)
              .addNode(next));
    }
    Onnx.NodeProto.Builder relu = edited.nodes("Relu").get(0);
    edited.after(
        relu, "x", Edited.node("f0", List.of("x"), "y").toBuilder().setDomain("f").build());
    edited.isRefused("its functions unfold to more than 200,000 nodes");
  }

  /** One node each that makes very many values of a few. */
  @TestFactory
  Stream<DynamicTest> constantsThatUnfold() {
    return Stream.of(
            Edited.node("Range", List.of("none", "huge", "one"), "r"),
            Edited.node("Not", List.of("filled"), "r"),
            Edited.node("Add", List.of("filled", "one"), "r"),
            Edited.node("Where", List.of("filled", "one", "none"), "r"),
            Edited.node("Concat", List.of("filled", "filled"), "r", "axis", 0),
            Edited.node("Cast", List.of("filled"), "r", "to", 1),
            Edited.node("ReduceProd", List.of("filled"), "r"),
            Edited.node("ConstantOfShape", List.of("negative"), "r"),
            Edited.node("ConstantOfShape", List.of("overflowing"), "r"),
            Edited.node("Expand", List.of("one", "overflowing"), "r"),
            Edited.node("Reshape", List.of("six", "negative"), "r"))
        .map(
            node ->
                DynamicTest.dynamicTest(
                    node.getOpType() + node.getInputList(), () -> constants(node)));
  }

  private void constants(Onnx.NodeProto node) throws IOException {
    Edited edited = new Edited(VGG, folder);
    String bias = edited.nodes("Gemm").get(2).getInput(2);
    edited
        .constant("none", new long[0], new long[] {0})
        .constant("one", new long[0], new long[] {1})
        .constant("huge", new long[0], new long[] {HUGE})
        .constant("six", new long[] {6}, new long[6])
        .constant("large", new long[] {1}, new long[] {HUGE})
        .constant("negative", new long[] {2}, new long[] {-2, -3})
        .constant("overflowing", new long[] {3}, new long[] {1L << 31, 1L << 31, 1L << 31})
        .first(
            Edited.node("ConstantOfShape", List.of("large"), "filled"),
            node,
            Edited.node("Cast", List.of("r"), "real", "to", 1),
            Edited.node("ReduceMax", List.of("real"), "most", "keepdims", 0),
            Edited.node("Add", List.of(bias, "most"), "sum"));
    edited.nodes("Gemm").get(2).setInput(2, "sum");
    edited.isRefused("edited.onnx");
  }

  /** Forty doublings of one value, one after the other: each is small beside the last. */
  @Test
  void constantsThatDouble() throws IOException {
    List<Onnx.NodeProto> nodes = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      String last = "c" + i;
      nodes.add(Edited.node("Concat", List.of(last, last), "c" + (i + 1), "axis", 0));
    }
    nodes.add(Edited.node("Cast", List.of("c40"), "real", "to", 1));
    nodes.add(Edited.node("ReduceMax", List.of("real"), "most"));
    added(new Edited(VGG, folder).constant("c0", new long[] {1}, new long[] {1}), nodes, "most")
        .isRefused("constants unfold");
  }

  /** A classifier with nodes in front, one of whose outputs is added to its last bias. */
  private static Edited added(Edited edited, List<Onnx.NodeProto> nodes, String output) {
    Onnx.NodeProto.Builder head = edited.nodes("Gemm").get(2);
    nodes.add(Edited.node("Add", List.of(head.getInput(2), output), "another bias"));
    head.setInput(2, "another bias");
    return edited.first(nodes.toArray(Onnx.NodeProto[]::new));
  }

  /** Steps that wait until a constant is read are not read one through another without end. */
  @Test
  void castsWithoutEnd() throws IOException {
    List<Onnx.NodeProto> nodes = new ArrayList<>();
    for (int i = 0; i < 60_000; i++) {
      nodes.add(Edited.node("Cast", List.of("c" + i), "c" + (i + 1), "to", i % 2 == 0 ? 1 : 10));
    }
    nodes.add(Edited.node("Cast", List.of("c60000"), "real", "to", 1));
    Edited edited = new Edited(VGG, folder).constant("c0", new long[] {1}, new long[] {1});
    Path file = added(edited, nodes, "real").write();
    try (var classifier = Backbones.load(file, BackboneOptions.defaults())) {
      assertThat(classifier.classes()).isPositive();
    }
  }

  /** Many operations on a constant that is just small enough for one. */
  @Test
  void arithmeticWithoutEnd() throws IOException {
    List<Onnx.NodeProto> nodes = new ArrayList<>();
    nodes.add(Edited.node("ConstantOfShape", List.of("large"), "filled"));
    for (int i = 0; i < 10_000; i++) {
      nodes.add(Edited.node("ReduceProd", List.of("filled"), "r" + i));
    }
    nodes.add(Edited.node("Sum", nodes.stream().skip(1).map(n -> n.getOutput(0)).toList(), "all"));
    added(
            new Edited(VGG, folder).constant("large", new long[] {1}, new long[] {1 << 22}),
            nodes,
            "all")
        .isRefused("its constants unfold to more than", "Java's heap");
  }

  /** What no output depends on is not even begun: it may ask for anything. */
  @Test
  void arithmeticThatNothingReads() throws IOException {
    List<Onnx.NodeProto> nodes = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      nodes.add(Edited.node("Concat", List.of("c" + i, "c" + i), "c" + (i + 1), "axis", 0));
    }
    Edited edited = new Edited(VGG, folder).constant("c0", new long[] {1}, new long[] {1});
    Path file = edited.first(nodes.toArray(Onnx.NodeProto[]::new)).write();
    assertThat(Backbones.inspect(file).architecture().classes())
        .isEqualTo(Backbones.inspect(Members.unpack(VGG, folder)).architecture().classes());
  }

  /** x·x, squared and squared again: read as one product it has 2⁶⁰ factors. */
  @Test
  void productsOfProducts() throws IOException {
    Edited edited = new Edited(VGG, folder);
    Onnx.NodeProto[] squares = new Onnx.NodeProto[60];
    for (int i = 0; i < squares.length; i++) {
      String last = i == 0 ? "x" : "s" + (i - 1);
      squares[i] = Edited.node("Mul", List.of(last, last), "s" + i);
    }
    edited.after(edited.nodes("Relu").get(0), "x", squares);
    Backbones.inspect(edited.write());
  }

  /** A chain so long that a walk along it by calls would run out of stack. */
  @Test
  void longChains() throws IOException {
    Edited edited = new Edited(VGG, folder);
    Onnx.NodeProto[] chain = new Onnx.NodeProto[50_000];
    for (int i = 0; i < chain.length; i++) {
      String last = i == 0 ? "x" : "s" + (i - 1);
      chain[i] = Edited.node(i % 2 == 0 ? "Mul" : "Add", List.of(last, "x"), "s" + i);
    }
    List<Onnx.NodeProto> nodes = new ArrayList<>(edited.graph.getNodeList());
    String output = nodes.get(1).getOutput(0);
    nodes.set(1, nodes.get(1).toBuilder().setOutput(0, "x").build());
    nodes.addAll(2, List.of(chain));
    nodes.set(51_999 - 2000 + 2, chain[49_999].toBuilder().setOutput(0, output).build());
    edited.graph.clearNode().addAllNode(nodes);
    edited.nodes("Relu").get(1).setOpType("Hardmax");
    edited.isRefused("Hardmax");
  }

  /**
   * Takes time by the number of operations, not by its square: seconds, where that took minutes.
   */
  @Test
  @Timeout(60)
  void operationsInProportion() throws Exception {
    Path file = folder.resolve("deep.onnx");
    chain(19_000).write(file, 1);
    assertThat(Backbones.inspect(file).layers()).hasSize(19_000);
    chain(21_000).write(file, 1);
    assertThatThrownBy(() -> Backbones.inspect(file))
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining("operations lie between its image and its logits; at most 20,000");
  }

  private static OnnxWriter chain(int length) {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, 8, 8);
    String x = onnx.node("Conv", List.of("image", onnx.weight(0, 0.1, 3, 3, 1, 1)));
    for (int i = 1; i < length; i++) {
      x = onnx.node(i % 2 == 0 ? "Relu" : "Neg", List.of(x));
    }
    String flat = onnx.node("Flatten", List.of(x));
    onnx.output(onnx.node("MatMul", List.of(flat, onnx.weight(0, 0.1, 192, 5))), "logits");
    return onnx;
  }

  @Test
  void moreNodesThanAnyClassifier() throws IOException {
    Edited edited = new Edited(VGG, folder);
    Onnx.NodeProto node = Onnx.NodeProto.newBuilder().setOpType("Identity").addInput("x").build();
    edited.graph.addAllNode(Collections.nCopies(200_001, node));
    edited.isRefused("more than 200,000 nodes");
  }

  /** A weight of one value that is said to be of very many. */
  @ParameterizedTest
  @ValueSource(strings = {"Conv", "Gemm"})
  void weightsThatUnfold(String type) throws IOException {
    Edited edited = new Edited(VGG, folder);
    long[] shape = type.equals("Conv") ? new long[] {HUGE, 3, 3, 3} : new long[] {HUGE, 16};
    edited
        .constant("v", new long[0], new float[] {1})
        .constant("shape", new long[] {shape.length}, shape);
    edited.first(Edited.node("Expand", List.of("v", "shape"), "w"));
    edited.nodes(type).get(0).setInput(1, "w");
    edited.isRefused(type + " node \"", "has a weight of", "made of 1");
  }

  /** Each weight alone may unfold a little, all together may not. */
  @Test
  void manyWeightsThatUnfold() throws IOException {
    Edited edited =
        new Edited(VGG, folder)
            .constant("v", new long[0], new float[] {1})
            .constant("b", new long[] {1}, new float[] {0})
            .constant("width", new long[] {1}, new long[] {4000})
            .constant("shape", new long[] {2}, new long[] {4000, 4000})
            .constant("in", new long[] {2}, new long[] {4000, weightWidth(0)})
            .constant("out", new long[] {2}, new long[] {7, 4000});
    edited.first(
        Edited.node("Expand", List.of("v", "shape"), "w"),
        Edited.node("Expand", List.of("v", "in"), "first"),
        Edited.node("Expand", List.of("v", "out"), "last"),
        Edited.node("Expand", List.of("b", "width"), "bias"));
    List<Onnx.NodeProto.Builder> gemms = edited.nodes("Gemm");
    gemms.get(0).setInput(1, "first").setInput(2, "bias");
    gemms.get(1).setInput(1, "w").setInput(2, "bias");
    gemms.get(2).setInput(1, "last");
    Onnx.NodeProto[] more = new Onnx.NodeProto[12];
    for (int i = 0; i < more.length; i += 2) {
      String last = i == 0 ? "x" : "m" + (i - 1);
      more[i] = Edited.node("Gemm", List.of(last, "w", "bias"), "m" + i, "transB", 1);
      more[i + 1] = Edited.node("Relu", List.of("m" + i), "m" + (i + 1));
    }
    edited.after(edited.nodes("Relu").get(5), "x", more);
    edited.isRefused("its weights unfold to", "the file has");
  }

  private long weightWidth(int gemm) throws IOException {
    Edited edited = new Edited(VGG, folder);
    String name = edited.nodes("Gemm").get(gemm).getInput(1);
    return edited.graph.getInitializerList().stream()
        .filter(tensor -> tensor.getName().equals(name))
        .findFirst()
        .orElseThrow()
        .getDims(1);
  }

  /** A backbone file of no arrays that announces two thousand million blocks. */
  @Test
  void blocksThatAreNotThere() throws IOException {
    refuses(
        backbone(JSON_OF_VIT.replace("DEPTH", String.valueOf(HUGE))), "fewer arrays than blocks");
    refuses(backbone("[".repeat(1 << 24) + "]"), "header makes no sense");
    refuses(backbone("[".repeat(5000) + "]".repeat(5000)), "header is not readable");
  }

  private static final String JSON_OF_VIT =
      """
      {"architecture": {"family": "vit", "side": 32, "classes": 7, "patch": 8, "width": 12,
       "depth": DEPTH, "heads": 3, "mlp": 24, "normEps": 1e-6}, "mean": [0, 0, 0], "std": [1, 1, 1],
       "provenance": {}, "arrays": []}""";

  private Path backbone(String header) throws IOException {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    int end = (16 + json.length + 63) / 64 * 64;
    CRC32C sum = new CRC32C();
    sum.update(json);
    ByteBuffer bytes = ByteBuffer.allocate(end + 4).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put("TTAMEBB1".getBytes(StandardCharsets.US_ASCII)).putLong(json.length).put(json);
    bytes.putInt(end, (int) sum.getValue());
    return Files.write(folder.resolve("hostile.ttame"), bytes.array());
  }

  private static void refuses(Path file, String... words) {
    assertThatThrownBy(() -> Backbones.load(file, BackboneOptions.defaults()).close())
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContainingAll(words);
  }
}
