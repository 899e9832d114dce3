package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import onnx.Onnx;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Attributes that change what a node computes are read, or refused by name. */
class AttributesTest {
  private static final String VGG = "vgg-torch2.15-script-opset20";
  private static final String VGG_BN = "vgg_bn-torch2.15-dynamo-opset20-dynamic-raw";
  private static final List<String> REACH =
      List.of(
          VGG,
          VGG_BN,
          "resnet-torch2.15-dynamo-opset20-dynamic-raw",
          "resnet-torch1.13-script-opset13-kept",
          "vit-torch2.15-script-opset17-nofold",
          "vit-torch2.15-dynamo-opset20-raw",
          "vit-torch2.15-dynamo-opset23-dynamic-raw");

  @TempDir Path folder;

  /** PyTorch says training by five outputs up to operator set 13, by an attribute from 14 on. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "vgg_bn-torch1.13-script-opset13-training",
        "resnet-torch1.13-script-opset13-training",
        "resnet-torch2.15-script-opset17-training"
      })
  void exportedForTraining(String member) throws IOException {
    new Edited(member, folder)
        .isRefused(
            "was not exported for evaluation: BatchNormalization node \"",
            "after model.eval(), with training=torch.onnx.TrainingMode.EVAL");
  }

  @Test
  void normalisationsByTheBatchsOwnStatistics() throws IOException {
    Edited now = new Edited(VGG_BN, folder);
    Edited.set(now.nodes("BatchNormalization").get(2), "training_mode", 1);
    now.isRefused("BatchNormalization node \"", "training_mode = 1", "model.eval()");

    Edited old = new Edited(VGG_BN, folder).opset(6);
    old.nodes("BatchNormalization").forEach(norm -> Edited.set(norm, "is_test", 0));
    old.isRefused("is_test = 0", "model.eval()");

    Edited spatial = new Edited(VGG_BN, folder).opset(8);
    Edited.set(spatial.nodes("BatchNormalization").get(0), "spatial", 0);
    spatial.isRefused("BatchNormalization node \"", "has spatial = 0, which is not supported");
  }

  @Test
  void dropoutThatIsOn() throws Exception {
    Onnx.TensorProto yes =
        Onnx.TensorProto.newBuilder().setName("on").setDataType(9).addInt32Data(1).build();
    Edited on = dropout(yes);
    on.isRefused("Dropout node \"drop\" has training_mode = true", "model.eval()");
    dropout(yes.toBuilder().setInt32Data(0, 0).build()).agreesWithOnnxRuntime();

    Edited old = dropout(yes).opset(6);
    old.nodes("Dropout").get(0).clearInput().addInput("before");
    old.isRefused("Dropout node \"drop\" has is_test = 0");
  }

  private Edited dropout(Onnx.TensorProto training) throws IOException {
    Edited edited = new Edited(VGG, folder).constant("half", new long[0], new float[] {0.5f});
    edited.graph.addInitializer(training);
    return edited.after(
        edited.nodes("Relu").get(0),
        "before",
        Edited.node("Dropout", List.of("before", "half", training.getName()), "drop"));
  }

  /** Beside numbers so large the logarithm of how many they are is lost. */
  @Test
  void logarithmsOfLargeNumbers() throws Exception {
    Edited edited = new Edited(VGG, folder);
    edited.constant("large", new long[] {1, 2}, new float[] {1e20f, 1e20f});
    edited.after(
        edited.nodes("Relu").get(0),
        "before",
        Edited.node("LogSoftmax", List.of("large"), "small", "axis", 1),
        Edited.node("ReduceSum", List.of("small"), "number", "keepdims", 0),
        Edited.node("Sub", List.of("before", "number"), "sum"));
    edited.agreesWithOnnxRuntime();
  }

  /** ONNX Runtime's shapes and values differ where the axes are counted from the end. */
  @Test
  void proportionsThatAreKept() throws Exception {
    resized(2, 3).agreesWithOnnxRuntime();
    resized(-2, -1).isRefused("Resize node \"size\" keeps the aspect ratio along negative axes");
    resized(2, 2).isRefused("Resize node \"size\" names an axis more than once");
  }

  private Edited resized(long... axes) throws IOException {
    Edited edited = new Edited(VGG, folder).constant("sides", new long[] {2}, new long[] {32, 40});
    return edited.after(
        edited.nodes("Relu").get(0),
        "before",
        Edited.node(
            "Resize",
            List.of("before", "", "", "sides"),
            "size",
            "axes",
            axes,
            "keep_aspect_ratio_policy",
            "not_larger"));
  }

  @Test
  void randomNumbers() throws IOException {
    Edited noisy = new Edited(VGG, folder);
    noisy.after(
        noisy.nodes("Relu").get(0),
        "before",
        Edited.node("RandomNormalLike", List.of("before"), "noise"),
        Edited.node("Add", List.of("before", "noise"), "sum"));
    noisy.isRefused("RandomNormalLike node \"noise\" draws random numbers", "model.eval()");
  }

  /** Whatever operator a file of these has: an attribute that nothing knows is not passed over. */
  @TestFactory
  Stream<DynamicTest> unknownAttributes() throws IOException {
    Set<String> seen = new TreeSet<>();
    List<DynamicTest> tests = new java.util.ArrayList<>();
    for (String member : REACH) {
      Edited whole = new Edited(member, folder);
      for (Onnx.NodeProto node : whole.graph.getNodeList()) {
        if (seen.add(node.getOpType())) {
          tests.add(
              DynamicTest.dynamicTest(
                  node.getOpType(),
                  () -> {
                    Edited edited = new Edited(member, folder);
                    Edited.set(edited.nodes(node.getOpType()).get(0), "strange", 3);
                    edited.isRefused(node.getOpType() + " node \"", "has strange = 3");
                  }));
        }
      }
    }
    assertThat(seen).hasSizeGreaterThan(25);
    return tests.stream();
  }

  @Test
  void attributesThatContradictTheWeights() throws IOException {
    Edited kernel = new Edited(VGG, folder);
    Edited.set(kernel.nodes("Conv").get(1), "kernel_shape", new long[] {1, 1});
    kernel.isRefused("declares a kernel of [1, 1]");
  }

  /** Padding that auto_pad = VALID switches off. */
  @Test
  void validPadding() throws IOException {
    Edited valid = new Edited(VGG, folder);
    Edited.set(valid.nodes("Conv").get(1), "auto_pad", "VALID");
    valid.isRefused("Gemm node \"", "[2, 72]");
  }

  /** Places that rounding decides on, and windows that runtimes lay elsewhere. */
  @Test
  void whatRuntimesDoNotAgreeOn() {
    SmallNetwork.Body nearest =
        (onnx, image) -> {
          String fourteen = onnx.node("Pad", List.of(image, onnx.integers(0, 0, 3, 3, 0, 0, 0, 0)));
          return onnx.node(
              "Resize",
              List.of(fourteen, "", "", onnx.integers(2, 3, 4, 14)),
              "coordinate_transformation_mode",
              "asymmetric",
              "nearest_mode",
              "floor");
        };
    assertThatThrownBy(() -> load(nearest)).hasMessageContaining("rounds to the nearest of two");
    SmallNetwork.Body antialiased =
        (onnx, image) -> {
          onnx.opset(18);
          return onnx.node(
              "Resize",
              List.of(image, "", onnx.numbers(1, 1, 1.05f, 0.5f)),
              "mode",
              "linear",
              "antialias",
              1);
        };
    assertThatThrownBy(() -> load(antialiased)).hasMessageContaining("antialiases 11 values");
    for (String type : List.of("MaxPool", "AveragePool", "LpPool")) {
      SmallNetwork.Body pool =
          (onnx, image) -> {
            onnx.opset(22);
            return onnx.node(
                type,
                List.of(image),
                "kernel_shape",
                new long[] {2, 2},
                "dilations",
                new long[] {2, 1},
                "auto_pad",
                "SAME_LOWER");
          };
      assertThatThrownBy(() -> load(pool))
          .hasMessageContaining("is dilated and pads by SAME_LOWER");
    }
  }

  /** What is wrong with any operator is said of the node. */
  @Test
  void refusalsNameTheNode() {
    assertThatThrownBy(
            () ->
                load(
                    (onnx, image) -> {
                      String rows = onnx.node("Reshape", List.of(image, onnx.integers(2, 3, 121)));
                      return onnx.node("MeanVarianceNormalization", List.of(rows));
                    }))
        .hasMessageContaining("MeanVarianceNormalization")
        .hasMessageContaining("cannot be read: axis 3 does not exist");
  }

  private void load(SmallNetwork.Body body) throws Exception {
    Path file = SmallNetwork.network(folder, "disputed", body);
    Backbones.load(file, org.ttame.backbones.source.BackboneOptions.defaults()).close();
  }

  /** What a call leaves out has the value that the function gives it. */
  @Test
  void attributesOfFunctions() throws Exception {
    Edited edited = new Edited(VGG, folder);
    edited.model.setIrVersion(9);
    edited.model.addOpsetImport(
        Onnx.OperatorSetIdProto.newBuilder().setDomain("local").setVersion(1));
    Onnx.NodeProto shift =
        Onnx.NodeProto.newBuilder()
            .setOpType("Constant")
            .addOutput("shift")
            .addAttribute(
                Onnx.AttributeProto.newBuilder()
                    .setName("value_float")
                    .setType(Onnx.AttributeProto.AttributeType.FLOAT)
                    .setRefAttrName("by"))
            .build();
    Onnx.FunctionProto.Builder function =
        Onnx.FunctionProto.newBuilder()
            .setName("Shift")
            .setDomain("local")
            .addInput("x")
            .addOutput("y")
            .addNode(shift)
            .addNode(Edited.node("Add", List.of("x", "shift"), "y"))
            .addOpsetImport(Onnx.OperatorSetIdProto.newBuilder().setVersion(20));
    // FunctionProto.attribute_proto, which this protobuf class does not know yet.
    org.nd4j.shade.protobuf.UnknownFieldSet defaults =
        org.nd4j.shade.protobuf.UnknownFieldSet.newBuilder()
            .addField(
                11,
                org.nd4j.shade.protobuf.UnknownFieldSet.Field.newBuilder()
                    .addLengthDelimited(Edited.attribute("by", 0.75f).toByteString())
                    .build())
            .build();
    edited.model.addFunctions(function.setUnknownFields(defaults));
    Onnx.NodeProto.Builder last = edited.nodes("Gemm").get(2);
    String bias = last.getInput(2);
    last.setInput(2, "shifted");
    edited
        .first(
            Edited.node("Shift", List.of(bias), "once").toBuilder().setDomain("local").build(),
            Edited.node("Shift", List.of("once"), "shifted", "by", -0.5f).toBuilder()
                .setDomain("local")
                .build())
        .agreesWithOnnxRuntime();

    edited.model.addFunctions(function);
    edited.isRefused("more than one function \"Shift\"");
  }
}
