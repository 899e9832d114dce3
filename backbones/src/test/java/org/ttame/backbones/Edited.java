package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import onnx.Onnx;
import onnx.Onnx.AttributeProto.AttributeType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.shade.protobuf.ByteString;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;

/** A member's file with nodes, attributes or constants changed. */
final class Edited {
  /** As the members': rounding of float32 in another order of summation. */
  private static final double TOLERANCE = 2e-5;

  /**
   * Of the images. What an edit divides by must not be a rounding away from zero, where ONNX
   * Runtime's own float32 is up to 1e-3 from double precision; with these images it is 7e-7.
   */
  private static final int SEED = 5;

  final Onnx.ModelProto.Builder model;
  final Onnx.GraphProto.Builder graph;
  private final Path file;

  Edited(String member, Path folder) throws IOException {
    Path fresh = Files.createTempDirectory(folder, "fresh");
    model =
        Onnx.ModelProto.parseFrom(Files.readAllBytes(Members.unpack(member, fresh))).toBuilder();
    graph = model.getGraphBuilder();
    file = fresh.resolve("edited.onnx");
  }

  /** Sets the version of ONNX's own operators. */
  Edited opset(long version) {
    model.getOpsetImportBuilderList().stream()
        .filter(set -> set.getDomain().isEmpty())
        .forEach(set -> set.setVersion(version));
    return this;
  }

  List<Onnx.NodeProto.Builder> nodes(String type) {
    return graph.getNodeBuilderList().stream().filter(n -> n.getOpType().equals(type)).toList();
  }

  /** Gives an attribute to a node, in place of one of that name: an integer, a list or a text. */
  static void set(Onnx.NodeProto.Builder node, String name, Object value) {
    List<Onnx.AttributeProto> others =
        node.getAttributeList().stream().filter(a -> !a.getName().equals(name)).toList();
    node.clearAttribute().addAllAttribute(others).addAttribute(attribute(name, value));
  }

  static Onnx.AttributeProto attribute(String name, Object value) {
    Onnx.AttributeProto.Builder attribute = Onnx.AttributeProto.newBuilder().setName(name);
    if (value instanceof long[] list) {
      attribute.setType(AttributeType.INTS);
      java.util.Arrays.stream(list).forEach(attribute::addInts);
    } else if (value instanceof String text) {
      attribute.setType(AttributeType.STRING).setS(ByteString.copyFromUtf8(text));
    } else if (value instanceof Float real) {
      attribute.setType(AttributeType.FLOAT).setF(real);
    } else {
      attribute.setType(AttributeType.INT).setI(((Number) value).longValue());
    }
    return attribute.build();
  }

  /** A node; attributes are name, value, name, value … */
  static Onnx.NodeProto node(
      String type, List<String> inputs, String output, Object... attributes) {
    Onnx.NodeProto.Builder node =
        Onnx.NodeProto.newBuilder()
            .setOpType(type)
            .setName(output)
            .addAllInput(inputs)
            .addOutput(output);
    for (int i = 0; i < attributes.length; i += 2) {
      node.addAttribute(attribute((String) attributes[i], attributes[i + 1]));
    }
    return node.build();
  }

  /** Adds a constant of floats, or of 64-bit integers if the values are {@code long}. */
  Edited constant(String name, long[] shape, Object values) {
    Onnx.TensorProto.Builder tensor = Onnx.TensorProto.newBuilder().setName(name);
    java.util.Arrays.stream(shape).forEach(tensor::addDims);
    if (values instanceof long[] integers) {
      tensor.setDataType(7);
      java.util.Arrays.stream(integers).forEach(tensor::addInt64Data);
    } else {
      tensor.setDataType(1);
      for (float value : (float[]) values) {
        tensor.addFloatData(value);
      }
    }
    graph.addInitializer(tensor);
    return this;
  }

  /** Puts nodes in front of all others. */
  Edited first(Onnx.NodeProto... nodes) {
    List<Onnx.NodeProto> old = List.copyOf(graph.getNodeList());
    graph.clearNode().addAllNode(List.of(nodes)).addAllNode(old);
    return this;
  }

  /**
   * Sends what a node computes through further nodes: they read {@code from}, and the last one's
   * output is what the node's readers get.
   */
  Edited after(Onnx.NodeProto.Builder node, String from, Onnx.NodeProto... nodes) {
    String output = node.getOutput(0);
    int index = 0;
    while (!graph.getNode(index).getOutputList().contains(output)) {
      index++;
    }
    node.setOutput(0, from);
    for (int i = 0; i < nodes.length; i++) {
      Onnx.NodeProto.Builder next = nodes[i].toBuilder();
      if (i == nodes.length - 1) {
        next.setOutput(0, output);
      }
      graph.addNode(index + 1 + i, next);
    }
    return this;
  }

  Path write() throws IOException {
    return Files.write(file, model.build().toByteArray());
  }

  /** It is refused, in one sentence with these words. */
  void isRefused(String... words) throws IOException {
    write();
    assertThatThrownBy(() -> Backbones.load(file, BackboneOptions.defaults()).close())
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContainingAll(words);
  }

  /** It is not taken for what it is like: refused, or taken for what it is. */
  void isNotMistaken() throws Exception {
    write();
    try {
      Backbones.inspect(file);
    } catch (BackboneException e) {
      assertThat(e).hasMessageContaining("not a supported classifier");
      return;
    }
    agreesWithOnnxRuntime();
  }

  /** Its logits are those of ONNX Runtime. */
  void agreesWithOnnxRuntime() throws Exception {
    agreesWithOnnxRuntime(logits -> logits);
  }

  /** What is made of its logits is what ONNX Runtime gives. */
  void agreesWithOnnxRuntime(UnaryOperator<INDArray> end) throws Exception {
    write();
    try (FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults());
        OnnxOracle oracle = new OnnxOracle(file)) {
      int side = classifier.inputSpec().height();
      Nd4j.getRandom().setSeed(SEED);
      try (INDArray images = Nd4j.rand(2, side, side, 3).muli(4).subi(2);
          ClassifierOutput output = classifier.forward(images, List.of())) {
        Map<String, INDArray> expected = oracle.run(images);
        INDArray first = expected.values().iterator().next();
        assertThat(Members.difference(end.apply(output.logits()), first)).isLessThan(TOLERANCE);
        expected.values().forEach(INDArray::close);
      }
    }
  }
}
