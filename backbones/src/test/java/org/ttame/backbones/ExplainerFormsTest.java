package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnxruntime.platform.Fp16Conversions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import onnx.Onnx;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.shade.protobuf.ByteString;
import org.ttame.backbones.onnx.export.ExplainerFile.Classes;
import org.ttame.backbones.onnx.export.ExplainerFile.MapSizes;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.OutputKind;

/** Images, outputs, names, formats and files of every form, with a mechanism behind them. */
class ExplainerFormsTest {
  private static final int FLOAT16 = 10;
  private static final int UINT8 = 2;
  private static final int CLASSES = 5;

  /** ONNX Runtime leaves the rounding to 11 bits out where a value is cast back at once. */
  private static final double HALF = 1e-3;

  @TempDir Path folder;

  /** What a file ends in, given class scores {@code [B, 5]}; names its outputs. */
  private interface Head {
    void of(OnnxWriter onnx, String scores);
  }

  private static final Head LOGITS = (onnx, scores) -> onnx.output(scores, "logits");

  /** Two convolutions that halve images of height×width; pixels are channels first. */
  private Path file(int opset, int height, int width, int classes, Head head) throws IOException {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, height, width);
    onnx.opset(opset);
    String map = "image";
    int channels = 3;
    for (int next : new int[] {4, 6}) {
      String conv =
          onnx.node(
              "Conv",
              List.of(map, onnx.weight(0, 0.3, next, channels, 3, 3), onnx.weight(0, 0.1, next)),
              "kernel_shape",
              new long[] {3, 3},
              "strides",
              new long[] {2, 2},
              "pads",
              new long[] {1, 1, 1, 1});
      map = onnx.node("Relu", List.of(conv));
      channels = next;
    }
    String flat = onnx.node("Flatten", List.of(map));
    long values = 6L * ((height + 3) / 4) * ((width + 3) / 4);
    head.of(onnx, onnx.node("MatMul", List.of(flat, onnx.weight(0, 0.2, values, classes))));
    Path file = folder.resolve("classifier.onnx");
    onnx.write(file, 3);
    return file;
  }

  private static void edit(Path file, Consumer<Onnx.ModelProto.Builder> change) throws IOException {
    Onnx.ModelProto.Builder model = Onnx.ModelProto.parseFrom(Files.readAllBytes(file)).toBuilder();
    change.accept(model);
    Files.write(file, model.build().toByteArray());
  }

  private Path out() {
    return folder.resolve("out").resolve("explainer.onnx");
  }

  /** On all of its layers. */
  private void agrees(Path file, BackboneOptions options, Classes classes, MapSizes size)
      throws Exception {
    try (ExplainerCheck check = new ExplainerCheck(file, options);
        AttentionMechanism mechanism =
            check.mechanism(List.copyOf(check.classifier.layers().values()), Variant.PROPOSED)) {
      check.agrees(mechanism, classes, size, out());
      check.keepsLogits(out());
    }
  }

  private void agrees(Path file) throws Exception {
    for (Classes classes : Classes.values()) {
      agrees(file, BackboneOptions.defaults(), classes, MapSizes.NATIVE);
    }
  }

  private static Stream<Integer> operatorSets() {
    return Stream.iterate(9, opset -> opset <= 23, opset -> opset + 1);
  }

  /** Sides that are multiples of each other, so that there is a Resize, and others. */
  @ParameterizedTest
  @MethodSource("operatorSets")
  void everyOperatorSet(int opset) throws Exception {
    agrees(
        file(opset, 16, 24, CLASSES, LOGITS),
        BackboneOptions.defaults(),
        Classes.PREDICTED,
        MapSizes.IMAGE);
    assertThat(operators()).contains(opset < 11 ? "MatMul" : "Resize");
    agrees(
        file(opset, 18, 21, CLASSES, LOGITS),
        BackboneOptions.defaults(),
        Classes.ALL,
        MapSizes.IMAGE);
    assertThat(operators()).doesNotContain("Resize");
  }

  private List<String> operators() throws IOException {
    return Onnx.ModelProto.parseFrom(Files.readAllBytes(out())).getGraph().getNodeList().stream()
        .filter(node -> node.getName().startsWith("ttame/"))
        .map(Onnx.NodeProto::getOpType)
        .toList();
  }

  /** Of scores [B, K, 1, 1] and what comes out of them. */
  @ParameterizedTest
  @ValueSource(strings = {"Identity", "Softmax", "Sigmoid"})
  void scoresAmongAxesOfOne(String end) throws Exception {
    for (int classes : new int[] {CLASSES, 1}) {
      Head head =
          (onnx, scores) -> {
            String nested = onnx.node("Reshape", List.of(scores, onnx.integers(2, classes, 1, 1)));
            onnx.output(
                end.equals("Softmax")
                    ? onnx.node(end, List.of(nested), "axis", 1)
                    : onnx.node(end, List.of(nested)),
                "logits");
          };
      if (classes > 1 || !end.equals("Softmax")) {
        agrees(file(17, 16, 16, classes, head));
      }
    }
  }

  /** Before version 4 of the format every initialiser had to be an input, too. */
  @Test
  void oldFormat() throws Exception {
    Path file = file(9, 16, 16, CLASSES, LOGITS);
    edit(
        file,
        model -> {
          model.setIrVersion(3);
          for (Onnx.TensorProto weight : model.getGraph().getInitializerList()) {
            Onnx.TensorShapeProto.Builder shape = Onnx.TensorShapeProto.newBuilder();
            weight.getDimsList().forEach(size -> shape.addDimBuilder().setDimValue(size));
            model
                .getGraphBuilder()
                .addInputBuilder()
                .setName(weight.getName())
                .getTypeBuilder()
                .getTensorTypeBuilder()
                .setElemType(weight.getDataType())
                .setShape(shape);
          }
        });
    int weights =
        Onnx.ModelProto.parseFrom(Files.readAllBytes(file)).getGraph().getInitializerCount();
    agrees(file, BackboneOptions.defaults(), Classes.INPUT, MapSizes.NATIVE);
    assertThat(
            Onnx.ModelProto.parseFrom(Files.readAllBytes(out())).getGraph().getInitializerCount())
        .isEqualTo(weights);
  }

  /** One logit alone, behind a sigmoid, and without an axis of its own: two classes. */
  @ParameterizedTest
  @ValueSource(strings = {"", "Sigmoid", "Squeeze"})
  void oneLogit(String end) throws Exception {
    agrees(
        file(
            12,
            16,
            16,
            1,
            (onnx, scores) ->
                onnx.output(
                    switch (end) {
                      case "Sigmoid" -> onnx.node("Sigmoid", List.of(scores));
                      case "Squeeze" ->
                          onnx.node("Squeeze", List.of(scores), "axes", new long[] {1});
                      default -> scores;
                    },
                    "logits")));
  }

  /** Scores so large that several probabilities are rounded to 1: the class is the logits'. */
  @ParameterizedTest
  @ValueSource(strings = {"Sigmoid", "Softmax"})
  void saturatedProbabilities(String end) throws Exception {
    agrees(
        file(
            13,
            16,
            16,
            CLASSES,
            (onnx, scores) ->
                onnx.output(
                    onnx.node(end, List.of(onnx.node("Mul", List.of(scores, onnx.number(50))))),
                    "logits")));
  }

  @Test
  void probabilitiesOfNoSoftmax() throws Exception {
    Path file =
        file(
            13,
            16,
            16,
            CLASSES,
            (onnx, scores) -> {
              String positive = onnx.node("Exp", List.of(scores));
              String sum = onnx.node("ReduceSum", List.of(positive, onnx.integers(1)));
              onnx.output(onnx.node("Div", List.of(positive, sum)), "logits");
            });
    BackboneOptions options = BackboneOptions.defaults().withOutputKind(OutputKind.PROBABILITIES);
    agrees(file, options, Classes.PREDICTED, MapSizes.NATIVE);
  }

  @Test
  void severalOutputs() throws Exception {
    Path file =
        file(
            17,
            16,
            16,
            CLASSES,
            (onnx, scores) -> {
              onnx.output(scores, "first");
              onnx.output(onnx.node("Neg", List.of(scores)), "second");
            });
    for (String output : List.of("first", "second")) {
      BackboneOptions options = BackboneOptions.defaults().withOutput(output);
      agrees(file, options, Classes.PREDICTED, MapSizes.NATIVE);
    }
  }

  /** The graph has all the names that would be added, one of them inside a branch of it. */
  @ParameterizedTest
  @EnumSource(Classes.class)
  void takenNames(Classes classes) throws Exception {
    Path file =
        file(
            17,
            16,
            16,
            CLASSES,
            (onnx, scores) -> {
              String more = onnx.node("Neg", List.of(scores));
              for (String name : List.of("explanation", "explanations", "ttame/class")) {
                onnx.output(more, name);
              }
              onnx.output(scores, "logits");
            });
    edit(
        file,
        model -> {
          Onnx.GraphProto.Builder inner = Onnx.GraphProto.newBuilder().setName("inner");
          inner.addNode(
              Onnx.NodeProto.newBuilder().setOpType("Neg").addInput("logits").addOutput("class"));
          inner.addOutputBuilder().setName("class");
          Onnx.NodeProto.Builder branch =
              Onnx.NodeProto.newBuilder().setOpType("If").addInput("yes").addOutput("chosen");
          for (String side : List.of("then_branch", "else_branch")) {
            branch
                .addAttributeBuilder()
                .setName(side)
                .setType(Onnx.AttributeProto.AttributeType.GRAPH)
                .setG(inner);
          }
          model
              .getGraphBuilder()
              .addInitializer(
                  Onnx.TensorProto.newBuilder().setName("yes").setDataType(9).addInt32Data(1))
              .addNode(branch)
              .addOutput(model.getGraph().getOutput(0).toBuilder().setName("chosen"));
        });
    BackboneOptions options = BackboneOptions.defaults().withOutput("logits");
    try (ExplainerCheck check = new ExplainerCheck(file, options);
        AttentionMechanism mechanism = check.mechanism(Variant.PROPOSED)) {
      check.write(mechanism, classes, MapSizes.NATIVE, out());
      check.keepsLogits(out());
    }
    try (OnnxOracle explained = new OnnxOracle(out())) {
      String map = ExplainerCheck.output(classes) + "_2";
      assertThat(explained.metadata()).containsEntry("ttame.map", map);
      assertThat(explained.shape(map)).hasSize(classes == Classes.ALL ? 4 : 3);
      if (classes == Classes.INPUT) {
        assertThat(explained.metadata()).containsEntry("ttame.class", "class_2");
        assertThat(explained.inputs()).containsExactly("image", "class_2");
      }
    }
  }

  /** Computed in half precision: the mechanism is float32 all the same. */
  @Test
  void halfPrecision() throws Exception {
    Path file = file(17, 16, 16, CLASSES, LOGITS);
    edit(file, ExplainerFormsTest::halve);
    try (ExplainerCheck check = new ExplainerCheck(file);
        AttentionMechanism mechanism =
            check.mechanism(List.copyOf(check.classifier.layers().values()), Variant.PROPOSED)) {
      check.agreesOnItsLayers(mechanism, HALF, out());
      assertThat(operators()).contains("Cast");
      check.keepsLogits(out());
    }
  }

  private static void halve(Onnx.ModelProto.Builder model) {
    Onnx.GraphProto.Builder graph = model.getGraphBuilder();
    for (Onnx.TensorProto.Builder weight : graph.getInitializerBuilderList()) {
      var floats = weight.getRawData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
      var halves = ByteBuffer.allocate(floats.remaining() / 2).order(ByteOrder.LITTLE_ENDIAN);
      while (floats.hasRemaining()) {
        halves.putShort(Fp16Conversions.floatToFp16(floats.getFloat()));
      }
      weight.setDataType(FLOAT16).setRawData(ByteString.copyFrom(halves.flip()));
    }
    Stream.concat(graph.getInputBuilderList().stream(), graph.getOutputBuilderList().stream())
        .forEach(value -> value.getTypeBuilder().getTensorTypeBuilder().setElemType(FLOAT16));
  }

  /** Bytes with channels last, cast, standardised and turned inside. */
  @Test
  void bytes() throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", -1, 16, 16, 3);
    String real = onnx.node("Cast", List.of("image"), "to", 1);
    String scaled = onnx.node("Div", List.of(real, onnx.number(255)));
    String planes = onnx.node("Transpose", List.of(scaled), "perm", new long[] {0, 3, 1, 2});
    String map =
        onnx.node(
            "Relu",
            List.of(
                onnx.node(
                    "Conv",
                    List.of(planes, onnx.weight(0, 0.3, 4, 3, 3, 3)),
                    "strides",
                    new long[] {2, 2})));
    String flat = onnx.node("Flatten", List.of(map));
    onnx.output(
        onnx.node("MatMul", List.of(flat, onnx.weight(0, 0.2, 4 * 7 * 7, CLASSES))), "logits");
    Path file = folder.resolve("bytes.onnx");
    onnx.write(file, 3);
    edit(
        file,
        model ->
            model
                .getGraphBuilder()
                .getInputBuilder(0)
                .getTypeBuilder()
                .getTensorTypeBuilder()
                .setElemType(UINT8));
    agrees(file);
  }

  /** A constant map is zero, and no division by zero. */
  @Test
  void constantMaps() throws Exception {
    Path file = file(17, 16, 16, CLASSES, LOGITS);
    try (ExplainerCheck check = new ExplainerCheck(file);
        AttentionMechanism mechanism = check.mechanism(Variant.PROPOSED)) {
      mechanism.parameters().get("fusion.weight").assign(0);
      check.write(mechanism, Classes.ALL, MapSizes.IMAGE, out());
      try (OnnxOracle explained = new OnnxOracle(out());
          INDArray planes = check.planes(check.images(2));
          INDArray maps = explained.run(planes, new long[0]).get("explanations")) {
        assertThat(maps.amaxNumber().doubleValue()).isZero();
      }
    }
  }

  private void isRefused(Path file, Path out, String... words) throws IOException {
    try (ExplainerCheck check = new ExplainerCheck(file);
        AttentionMechanism mechanism = check.mechanism(Variant.PROPOSED)) {
      assertThatThrownBy(() -> check.write(mechanism, Classes.PREDICTED, MapSizes.NATIVE, out))
          .isInstanceOf(BackboneException.class)
          .hasMessageContainingAll(words);
    }
  }

  @Test
  void refusesWhatItCannotAppendTo() throws Exception {
    Path file = file(17, 16, 16, CLASSES, LOGITS);
    byte[] before = Files.readAllBytes(file);
    isRefused(file, file, "the classifier's own file");
    assertThat(file).hasBinaryContent(before);
    agrees(file, BackboneOptions.defaults(), Classes.PREDICTED, MapSizes.NATIVE);
    isRefused(out(), folder.resolve("twice.onnx"), "has explanations in it already");
    isRefused(file(8, 16, 16, CLASSES, LOGITS), folder.resolve("old.onnx"), "operator set 8");
    assertThat(folder.resolve("twice.onnx")).doesNotExist();
    assertThat(folder.resolve("old.onnx")).doesNotExist();
  }

  /** Weights beside the file go with it; nothing that is there already is overwritten. */
  @Test
  void weightsBesideTheFile() throws Exception {
    String member = "vgg-torch2.15-dynamo-opset18-external";
    Path file = Members.unpack(member, Files.createDirectories(folder.resolve("members")));
    Path beside = file.resolveSibling(member + ".data");
    Path copied = out().resolveSibling(member + ".data");
    agrees(file, BackboneOptions.defaults(), Classes.PREDICTED, MapSizes.NATIVE);
    assertThat(copied).hasSameBinaryContentAs(beside);
    agrees(file, BackboneOptions.defaults(), Classes.PREDICTED, MapSizes.NATIVE);
    Files.writeString(copied, "something of the user's");
    isRefused(file, out(), copied.toString(), "holds something else", "another folder");
    assertThat(copied).hasContent("something of the user's");
    isRefused(file, file.resolveSibling(member + ".data"), "which the new one may not be called");
    edit(
        file,
        model ->
            model.getGraphBuilder().getInitializerBuilderList().stream()
                .flatMap(weight -> weight.getExternalDataBuilderList().stream())
                .filter(entry -> entry.getKey().equals("location"))
                .forEach(entry -> entry.setValue("../members/" + entry.getValue())));
    isRefused(file, folder.resolve("up.onnx"), "../members/", "does not stay beside it");
  }
}
