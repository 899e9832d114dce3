package org.ttame.backbones.onnx.export;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.LongStream;
import onnx.Onnx;
import onnx.Onnx.AttributeProto.AttributeType;
import org.nd4j.shade.protobuf.ByteString;
import org.ttame.backbones.onnx.export.ModelFile.Dimension;

/**
 * What is appended to a graph: nodes, constants, inputs and outputs, under names that the graph
 * does not have. Written in the graph's own operator set: where an operator's form depends on its
 * version, the method for it says so.
 */
final class AppendedGraph {
  /** Format version from which on constants need not be inputs of the graph, too. */
  private static final long CONSTANTS_ALONE = 4;

  /** Operator sets in which the axes of reductions became an input. */
  private static final long AXES_AS_INPUT = 18;

  /** Operator sets that have {@code Resize} with half-pixel centres. */
  private static final long HALF_PIXEL = 11;

  /** Operator sets in which {@code Slice} takes its places as inputs. */
  private static final long SLICE_BY_INPUT = 10;

  private final Onnx.GraphProto.Builder graph = Onnx.GraphProto.newBuilder();
  private final Set<String> taken;
  private final String prefix;
  private final long opset;
  private final boolean initialisers;

  /**
   * Begins.
   *
   * @param opset version of its operator set
   */
  AppendedGraph(ModelFile file, long opset) {
    this.opset = opset;
    taken = file.names();
    initialisers = file.irVersion() >= CONSTANTS_ALONE;
    String free = "ttame";
    for (int i = 2; isPrefix(free + "/"); i++) {
      free = "ttame_" + i;
    }
    prefix = free + "/";
  }

  private boolean isPrefix(String begin) {
    return taken.stream().anyMatch(name -> name.startsWith(begin));
  }

  /** A name, or the name with a number where the graph has it. */
  private String free(String wanted) {
    String name = wanted;
    for (int i = 2; !taken.add(name); i++) {
      name = wanted + "_" + i;
    }
    return name;
  }

  /** All that was appended. */
  Onnx.GraphProto build() {
    return graph.build();
  }

  /** Adds an input of integers, one for each image; returns its name. */
  String input(String wanted, Dimension batch) {
    String name = free(wanted);
    graph.addInput(value(name, Onnx.TensorProto.DataType.INT64_VALUE, batch));
    return name;
  }

  /**
   * Makes a value an output of its own.
   *
   * @param value float32
   * @param wanted its name, where the graph has none of that name
   * @param batch the first axis
   * @param sizes of the others
   */
  String output(String value, String wanted, Dimension batch, long... sizes) {
    String name = free(wanted);
    long[] shape = LongStream.concat(LongStream.of(0), LongStream.of(sizes)).toArray();
    graph.addNode(
        Onnx.NodeProto.newBuilder()
            .setOpType("Reshape")
            .setName(prefix + wanted)
            .addInput(value)
            .addInput(integers(wanted + "/shape", shape))
            .addOutput(name));
    graph.addOutput(value(name, Onnx.TensorProto.DataType.FLOAT_VALUE, batch, sizes));
    return name;
  }

  private static Onnx.ValueInfoProto value(String name, int type, Dimension batch, long... sizes) {
    Onnx.TensorShapeProto.Builder shape = Onnx.TensorShapeProto.newBuilder();
    Onnx.TensorShapeProto.Dimension.Builder first = shape.addDimBuilder();
    if (batch.value() > 0) {
      first.setDimValue(batch.value());
    } else if (!batch.name().isEmpty()) {
      first.setDimParam(batch.name());
    }
    LongStream.of(sizes).forEach(size -> shape.addDimBuilder().setDimValue(size));
    return Onnx.ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            Onnx.TypeProto.newBuilder()
                .setTensorType(
                    Onnx.TypeProto.Tensor.newBuilder().setElemType(type).setShape(shape)))
        .build();
  }

  /**
   * Adds a node.
   *
   * @param type operator, of ONNX's own set
   * @param step its name, and its output's, behind the prefix
   * @param inputs names of values
   * @param attributes name, value, name, value …: a long, a text or a {@code long[]}
   * @return its output's name
   */
  String node(String type, String step, List<String> inputs, Object... attributes) {
    String name = prefix + step;
    Onnx.NodeProto.Builder node =
        Onnx.NodeProto.newBuilder()
            .setOpType(type)
            .setName(name)
            .addAllInput(inputs)
            .addOutput(name);
    for (int i = 0; i < attributes.length; i += 2) {
      node.addAttribute(attribute((String) attributes[i], attributes[i + 1]));
    }
    graph.addNode(node);
    return name;
  }

  private static Onnx.AttributeProto attribute(String name, Object value) {
    Onnx.AttributeProto.Builder attribute = Onnx.AttributeProto.newBuilder().setName(name);
    if (value instanceof long[] list) {
      attribute.setType(AttributeType.INTS).addAllInts(Arrays.stream(list).boxed().toList());
    } else if (value instanceof String text) {
      attribute.setType(AttributeType.STRING).setS(ByteString.copyFromUtf8(text));
    } else {
      attribute.setType(AttributeType.INT).setI((Long) value);
    }
    return attribute.build();
  }

  /** Adds float32 constants; returns their name. */
  String floats(String step, float[] values, long... shape) {
    ByteBuffer bytes = buffer((long) values.length * Float.BYTES);
    bytes.asFloatBuffer().put(values);
    return constant(step, Onnx.TensorProto.DataType.FLOAT_VALUE, bytes, shape);
  }

  /** Adds a list of integers; returns its name. */
  String integers(String step, long... values) {
    ByteBuffer bytes = buffer((long) values.length * Long.BYTES);
    bytes.asLongBuffer().put(values);
    return constant(step, Onnx.TensorProto.DataType.INT64_VALUE, bytes, values.length);
  }

  private static ByteBuffer buffer(long bytes) {
    return ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
  }

  private String constant(String step, int type, ByteBuffer bytes, long... shape) {
    String name = prefix + step;
    Onnx.TensorProto.Builder tensor =
        Onnx.TensorProto.newBuilder()
            .setDataType(type)
            .addAllDims(Arrays.stream(shape).boxed().toList())
            .setRawData(ByteString.copyFrom(bytes));
    if (initialisers) {
      graph.addInitializer(tensor.setName(name));
    } else {
      graph.addNode(
          Onnx.NodeProto.newBuilder()
              .setOpType("Constant")
              .setName(name)
              .addOutput(name)
              .addAttribute(
                  Onnx.AttributeProto.newBuilder()
                      .setName("value")
                      .setType(AttributeType.TENSOR)
                      .setT(tensor)));
    }
    return name;
  }

  /** Adds a reduction over axes that stay as 1. */
  String reduce(String type, String step, String value, long... axes) {
    return opset < AXES_AS_INPUT
        ? node(type, step, List.of(value), "axes", axes, "keepdims", 1L)
        : node(type, step, List.of(value, integers(step + "/axes", axes)), "keepdims", 1L);
  }

  /** Adds the part of an axis from an index to another. */
  String slice(String step, String value, long axis, long from, long to) {
    if (opset < SLICE_BY_INPUT) {
      return node(
          "Slice",
          step,
          List.of(value),
          "starts",
          new long[] {from},
          "ends",
          new long[] {to},
          "axes",
          new long[] {axis});
    }
    return node(
        "Slice",
        step,
        List.of(
            value,
            integers(step + "/starts", from),
            integers(step + "/ends", to),
            integers(step + "/axes", axis)));
  }

  /** Adds a reshape; a 0 keeps an axis. */
  String reshape(String step, String value, long... shape) {
    return node("Reshape", step, List.of(value, integers(step + "/shape", shape)));
  }

  /**
   * Adds bilinear upsampling with half-pixel centres: {@code Resize} where the operator set has it
   * and both sides are multiplied by whole numbers, else two products with constant matrices. A
   * factor that has to be rounded might give another size.
   *
   * @param value {@code [.., .., h, w]}
   * @param from h and w
   * @param to height and width of the result
   */
  String upsample(String step, String value, MapSize from, MapSize to) {
    if (from.equals(to)) {
      return value;
    }
    boolean whole = to.height() % from.height() == 0 && to.width() % from.width() == 0;
    if (opset < HALF_PIXEL || !whole) {
      String wide =
          node(
              "MatMul",
              step + "/columns",
              List.of(
                  value, floats(step + "/right", from.columnsTo(to), from.width(), to.width())));
      return node(
          "MatMul",
          step,
          List.of(floats(step + "/left", from.rowsTo(to), to.height(), from.height()), wide));
    }
    float[] factors = {
      1, 1, (float) to.height() / from.height(), (float) to.width() / from.width()
    };
    return node(
        "Resize",
        step,
        List.of(
            value,
            floats(step + "/roi", new float[0], 0), // read by no mode but one; 11 insists on it
            floats(step + "/scales", factors, factors.length)),
        "mode",
        "linear",
        "coordinate_transformation_mode",
        "half_pixel");
  }
}
