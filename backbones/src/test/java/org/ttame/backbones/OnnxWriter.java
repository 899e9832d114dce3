package org.ttame.backbones;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import onnx.Onnx;
import org.nd4j.shade.protobuf.ByteString;
import org.nd4j.shade.protobuf.CodedOutputStream;

/**
 * Writes ONNX files of any size with random weights, in the structure that exporters give them. Raw
 * weights are drawn while they are written: a network of half a gigabyte needs no memory.
 */
final class OnnxWriter {
  private static final int RAW_DATA = 9;
  private static final int INITIALIZER = 5;
  private static final int GRAPH = 7;
  private static final int BLOCK = 1 << 16;

  private final List<Onnx.NodeProto> nodes = new ArrayList<>();
  private final List<Weight> weights = new ArrayList<>();
  private final List<String> outputs = new ArrayList<>();
  private final Onnx.GraphProto.Builder frame = Onnx.GraphProto.newBuilder().setName("main");
  private int opset = 17;
  private String prefix = "";
  private int counter;
  private int branches;

  /** A weight of normal values times {@code spread} plus {@code centre}, floor {@code low}. */
  private record Weight(Onnx.TensorProto header, long count, double centre, double spread) {
    long bytes() {
      return count * Float.BYTES;
    }

    long length() {
      return header.getSerializedSize()
          + CodedOutputStream.computeTagSize(RAW_DATA)
          + CodedOutputStream.computeUInt64SizeNoTag(bytes())
          + bytes();
    }
  }

  private OnnxWriter() {}

  OnnxWriter(String input, long... shape) {
    Onnx.TensorShapeProto.Builder dimensions = Onnx.TensorShapeProto.newBuilder();
    for (long size : shape) {
      if (size < 0) {
        dimensions.addDimBuilder().setDimParam("free");
      } else {
        dimensions.addDimBuilder().setDimValue(size);
      }
    }
    frame.addInput(
        Onnx.ValueInfoProto.newBuilder()
            .setName(input)
            .setType(
                Onnx.TypeProto.newBuilder()
                    .setTensorType(
                        Onnx.TypeProto.Tensor.newBuilder().setElemType(1).setShape(dimensions))));
  }

  /** A graph for an attribute of a node of this one, whose names it may read. */
  OnnxWriter branch() {
    OnnxWriter branch = new OnnxWriter();
    branch.prefix = prefix + "branch" + branches++ + "_";
    return branch;
  }

  private Onnx.GraphProto graph() {
    for (String name : outputs) {
      frame.addOutput(
          Onnx.ValueInfoProto.newBuilder()
              .setName(name)
              .setType(
                  Onnx.TypeProto.newBuilder()
                      .setTensorType(Onnx.TypeProto.Tensor.newBuilder().setElemType(1))));
    }
    return frame.addAllNode(nodes).build();
  }

  /** Sets the version of the operator set; 17 where it is not called. */
  void opset(int version) {
    opset = version;
  }

  /** A random weight; returns its name. */
  String weight(double centre, double spread, long... shape) {
    String name = "onnx::W_" + prefix + counter++;
    Onnx.TensorProto header =
        Onnx.TensorProto.newBuilder()
            .addAllDims(Arrays.stream(shape).boxed().toList())
            .setDataType(1)
            .setName(name)
            .build();
    long count = LongStream.of(shape).reduce(1, (a, b) -> a * b);
    weights.add(new Weight(header, count, centre, spread));
    return name;
  }

  /** A list of integers; returns its name. */
  String integers(long... values) {
    return constant(7, values.length, values, new float[0]);
  }

  /** A single integer; returns its name. */
  String index(long value) {
    return constant(7, -1, new long[] {value}, new float[0]);
  }

  /** A single number; returns its name. */
  String number(float value) {
    return constant(1, -1, new long[0], new float[] {value});
  }

  /** A list of numbers; returns its name. */
  String numbers(float... values) {
    return constant(1, values.length, new long[0], values);
  }

  private String constant(int type, int length, long[] longs, float[] floats) {
    String name = "onnx::C_" + prefix + counter++;
    Onnx.TensorProto.Builder tensor = Onnx.TensorProto.newBuilder().setDataType(type).setName(name);
    if (length >= 0) {
      tensor.addDims(length);
    }
    LongStream.of(longs).forEach(tensor::addInt64Data);
    for (float value : floats) {
      tensor.addFloatData(value);
    }
    frame.addInitializer(tensor);
    return name;
  }

  /** A node; attributes are name, value, name, value …; returns its output's name. */
  String node(String type, List<String> inputs, Object... attributes) {
    return nodes(type, inputs, 1, attributes).get(0);
  }

  /** A node of several outputs; returns their names. */
  List<String> nodes(String type, List<String> inputs, int outputs, Object... attributes) {
    String name = "/" + prefix + type + "_" + counter++ + "_output_";
    List<String> named = IntStream.range(0, outputs).mapToObj(i -> name + i).toList();
    Onnx.NodeProto.Builder node =
        Onnx.NodeProto.newBuilder()
            .setOpType(type)
            .setName(named.get(0))
            .addAllInput(inputs)
            .addAllOutput(named);
    for (int i = 0; i < attributes.length; i += 2) {
      Onnx.AttributeProto.Builder attribute =
          Onnx.AttributeProto.newBuilder().setName((String) attributes[i]);
      Object value = attributes[i + 1];
      if (value instanceof long[] list) {
        attribute.setType(Onnx.AttributeProto.AttributeType.INTS);
        LongStream.of(list).forEach(attribute::addInts);
      } else if (value instanceof OnnxWriter branch) {
        attribute.setType(Onnx.AttributeProto.AttributeType.GRAPH).setG(branch.graph());
      } else if (value instanceof Float real) {
        attribute.setType(Onnx.AttributeProto.AttributeType.FLOAT).setF(real);
      } else if (value instanceof String text) {
        attribute
            .setType(Onnx.AttributeProto.AttributeType.STRING)
            .setS(ByteString.copyFromUtf8(text));
      } else {
        attribute.setType(Onnx.AttributeProto.AttributeType.INT).setI(((Number) value).longValue());
      }
      node.addAttribute(attribute);
    }
    nodes.add(node.build());
    return named;
  }

  /** Names a value for the outside; returns the name. */
  String output(String value, String name) {
    nodes.add(
        Onnx.NodeProto.newBuilder()
            .setOpType("Identity")
            .setName("out_" + name)
            .addInput(value)
            .addOutput(name)
            .build());
    outputs.add(name);
    return value;
  }

  /** Writes the file, its outputs in the order of naming but the logits first. */
  void write(Path file, long seed) throws IOException {
    outputs.sort((a, b) -> Boolean.compare(b.equals("logits"), a.equals("logits")));
    Onnx.GraphProto graph = graph();
    Onnx.ModelProto model =
        Onnx.ModelProto.newBuilder()
            .setIrVersion(8)
            .setProducerName("generated")
            .addOpsetImport(Onnx.OperatorSetIdProto.newBuilder().setDomain("").setVersion(opset))
            .build();
    long length = graph.getSerializedSize();
    for (Weight weight : weights) {
      length +=
          CodedOutputStream.computeTagSize(INITIALIZER)
              + CodedOutputStream.computeUInt64SizeNoTag(weight.length())
              + weight.length();
    }
    Random random = new Random(seed);
    try (OutputStream stream = new BufferedOutputStream(Files.newOutputStream(file), BLOCK)) {
      CodedOutputStream out = CodedOutputStream.newInstance(stream);
      model.writeTo(out);
      out.writeTag(GRAPH, 2);
      out.writeUInt64NoTag(length);
      graph.writeTo(out);
      for (Weight weight : weights) {
        out.writeTag(INITIALIZER, 2);
        out.writeUInt64NoTag(weight.length());
        weight.header().writeTo(out);
        out.writeTag(RAW_DATA, 2);
        out.writeUInt64NoTag(weight.bytes());
        draw(weight, random, out);
      }
      out.flush();
    }
  }

  /** Uniform values of the weight's mean and deviation: faster to draw than normal ones. */
  private static void draw(Weight weight, Random random, CodedOutputStream out) throws IOException {
    ByteBuffer block = ByteBuffer.allocate(BLOCK).order(ByteOrder.LITTLE_ENDIAN);
    double width = weight.spread() * Math.sqrt(12);
    for (long i = 0; i < weight.count(); i++) {
      block.putFloat((float) (weight.centre() + width * (random.nextFloat() - 0.5)));
      if (!block.hasRemaining() || i == weight.count() - 1) {
        out.writeRawBytes(ByteString.copyFrom(block.flip()));
        block.clear();
      }
    }
  }
}
