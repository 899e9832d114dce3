package org.ttame.backbones.onnx;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.InflaterInputStream;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.InputSpec.Layout;
import org.ttame.core.image.InputSpec.Stored;

/**
 * An imported graph as JSON: operations with their attributes, values by number, small constants in
 * full, large ones by their shape.
 */
final class GraphJson {
  private static final String SHAPE = "shape";
  private static final String NAME = "name";

  private static final String LAYOUT = "layout";
  private static final String TYPE = "imageType";
  private static final String OWN_BATCH = "ownBatch";

  /** Numbers of the operations that are written for the file's own batch. */
  private static final String MIXING = "mixing";

  private static final String PACKED = "packed";

  /** Values of an integer constant that is written digit by digit; more are compressed. */
  private static final int LISTED = 1024;

  /** Values that a graph may unpack: a small file can claim to hold any number of them. */
  private static final long UNPACKED = 1L << 26;

  private GraphJson() {}

  static ObjectNode write(
      String name,
      long opset,
      ImageInput image,
      Value logits,
      List<Operation> operations,
      Set<Operation> mixing) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put(NAME, name);
    json.put("opset", opset);
    if (mixing != null) {
      json.put(OWN_BATCH, true);
      ArrayNode together = json.putArray(MIXING);
      IntStream.range(0, operations.size())
          .filter(i -> mixing.contains(operations.get(i)))
          .forEach(together::add);
    }
    IdentityHashMap<Value, Integer> numbers = new IdentityHashMap<>();
    json.set("image", value(image.value(), numbers));
    json.put(LAYOUT, image.stored().layout().name());
    json.put(TYPE, image.stored().type().fileName());
    ArrayNode list = json.putArray("operations");
    for (Operation operation : operations) {
      ObjectNode node = list.addObject();
      node.put("type", operation.type());
      node.put("operator", operation.node().type());
      node.put("node", operation.node().name());
      ObjectNode attributes = node.putObject("attributes");
      operation.node().attributes().forEach((key, a) -> attributes.set(key, attribute(a)));
      ArrayNode inputs = node.putArray("inputs");
      for (Operand operand : operation.inputs()) {
        if (operand == null) {
          inputs.addNull();
        } else if (operand instanceof Value value) {
          inputs.add(numbers.get(value));
        } else {
          inputs.add(constant((Constant) operand));
        }
      }
      ArrayNode outputs = node.putArray("outputs");
      operation.outputs().forEach(output -> outputs.add(value(output, numbers)));
    }
    json.put("logits", numbers.get(logits));
    return json;
  }

  private static ObjectNode value(Value value, IdentityHashMap<Value, Integer> numbers) {
    numbers.put(value, numbers.size());
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put(NAME, value.name());
    longs(json.putArray(SHAPE), value.shape());
    return json;
  }

  private static ObjectNode attribute(OnnxAttribute attribute) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("real", attribute.real());
    json.put("integer", attribute.integer());
    json.put("text", attribute.text());
    if (attribute.integers() != null) {
      longs(json.putArray("integers"), attribute.integers());
    }
    if (attribute.reals() != null) {
      doubles(json.putArray("reals"), attribute.reals());
    }
    return json;
  }

  private static ObjectNode constant(Constant constant) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    longs(json.putArray(SHAPE), constant.shape());
    json.put("integer", constant.integer());
    if (ImportedGraph.isInline(constant)) {
      try {
        if (constant.integer() && constant.size() > LISTED) {
          json.put(PACKED, pack(constant.integers(), row(constant.shape())));
        } else {
          doubles(json.putArray("values"), constant.values());
        }
      } catch (IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    }
    return json;
  }

  /** Indices come in rows; the difference from one to the next is mostly the same. */
  private static int row(long[] shape) {
    return (int) shape[shape.length - 1];
  }

  private static byte[] pack(long[] values, int row) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(new DeflaterOutputStream(bytes))) {
      for (int i = 0; i < values.length; i++) {
        out.writeLong(values[i] - (i < row ? 0 : values[i - row]));
      }
    }
    return bytes.toByteArray();
  }

  /** Room for all values is made before they are read: the caller bounds what a file has of it. */
  private static double[] unpack(byte[] packed, long[] shape) throws IOException {
    double[] values = Constant.room(shape);
    int row = row(shape);
    try (DataInputStream in =
        new DataInputStream(
            new BufferedInputStream(new InflaterInputStream(new ByteArrayInputStream(packed))))) {
      for (int i = 0; i < values.length; i++) {
        values[i] = in.readLong() + (i < row ? 0 : values[i - row]);
      }
    }
    return values;
  }

  private static void longs(ArrayNode array, long[] values) {
    for (long value : values) {
      array.add(value);
    }
  }

  /** JSON knows no infinities as numbers; they are written as text. */
  private static void doubles(ArrayNode array, double[] values) {
    for (double value : values) {
      if (Double.isFinite(value)) {
        array.add(value);
      } else {
        array.add(String.valueOf(value));
      }
    }
  }

  static ImportedGraph read(JsonNode json) throws IOException {
    List<Value> values = new ArrayList<>();
    Value image = value(json.path("image"));
    values.add(image);
    List<Operation> operations = new ArrayList<>();
    long[] room = {UNPACKED};
    for (JsonNode node : json.path("operations")) {
      Map<String, OnnxAttribute> attributes = new LinkedHashMap<>();
      node.path("attributes")
          .properties()
          .forEach(field -> attributes.put(field.getKey(), readAttribute(field.getValue())));
      List<Operand> inputs = new ArrayList<>();
      for (JsonNode input : node.path("inputs")) {
        inputs.add(
            input.isNull()
                ? null
                : input.isInt() ? values.get(input.asInt()) : constant(input, room));
      }
      List<Value> outputs = new ArrayList<>();
      List<String> names = new ArrayList<>();
      for (JsonNode output : node.path("outputs")) {
        outputs.add(value(output));
        names.add(output.path(NAME).asText());
      }
      OnnxNode original =
          new OnnxNode(
              node.path("node").asText(),
              "",
              node.path("operator").asText(),
              List.of(),
              names,
              attributes);
      Operation operation = new Operation(node.path("type").asText(), original, inputs, outputs);
      outputs.forEach(output -> output.producer(operation));
      values.addAll(outputs);
      operations.add(operation);
    }
    String name = json.path(NAME).asText();
    long opset = json.path("opset").asLong();
    ImageInput input = new ImageInput(image, stored(json), false, false);
    Value logits = values.get(json.path("logits").asInt());
    if (!json.has(MIXING)) {
      // Of an earlier version, which left it to the reader to find out.
      boolean fixed = json.path(OWN_BATCH).asBoolean();
      return new ImportedGraph(name, opset, input, logits, operations, fixed);
    }
    Set<Operation> mixing = Collections.newSetFromMap(new IdentityHashMap<>());
    json.path(MIXING).forEach(number -> mixing.add(operations.get(number.asInt())));
    return new ImportedGraph(name, opset, input, logits, operations, mixing);
  }

  /** Files of the first stage have no images but the usual ones. */
  private static Stored stored(JsonNode json) {
    return new Stored(
        Layout.valueOf(json.path(LAYOUT).asText(Stored.USUAL.layout().name())),
        InputSpec.Type.parse(json.path(TYPE).asText(Stored.USUAL.type().fileName())));
  }

  private static Value value(JsonNode json) {
    return new Value(json.path(NAME).asText(), longs(json.path(SHAPE)));
  }

  private static OnnxAttribute readAttribute(JsonNode json) {
    return new OnnxAttribute(
        json.path("real").asDouble(),
        json.path("integer").asLong(),
        json.path("text").asText(),
        json.has("integers") ? longs(json.path("integers")) : null,
        json.has("reals") ? doubles(json.path("reals")) : null,
        null,
        "",
        null);
  }

  private static Constant constant(JsonNode json, long[] room) throws IOException {
    long[] shape = longs(json.path(SHAPE));
    boolean integer = json.path("integer").asBoolean();
    if (json.has(PACKED)) {
      long count = Constant.count(shape);
      room[0] -= Math.min(count, UNPACKED + 1);
      if (room[0] < 0) {
        throw new IOException("its constants are too large");
      }
      return Constant.ofValues(unpack(json.path(PACKED).binaryValue(), shape), integer, shape);
    }
    return json.has("values")
        ? Constant.ofValues(doubles(json.path("values")), integer, shape)
        : Constant.of(new Storage.Elsewhere(Constant.count(shape)), shape);
  }

  private static long[] longs(JsonNode array) {
    long[] values = new long[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).asLong();
    }
    return values;
  }

  private static double[] doubles(JsonNode array) {
    double[] values = new double[array.size()];
    for (int i = 0; i < values.length; i++) {
      JsonNode value = array.get(i);
      values[i] = value.isTextual() ? Double.parseDouble(value.asText()) : value.asDouble();
    }
    return values;
  }
}
