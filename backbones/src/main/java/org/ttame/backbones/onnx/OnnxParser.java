package org.ttame.backbones.onnx;

import static org.ttame.backbones.onnx.WireReader.BYTES;
import static org.ttame.backbones.onnx.WireReader.FIXED32;
import static org.ttame.backbones.onnx.WireReader.VARINT;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.ttame.backbones.onnx.OnnxModel.Function;
import org.ttame.backbones.onnx.OnnxModel.GraphInput;
import org.ttame.backbones.onnx.WireReader.Tag;
import org.ttame.backbones.source.BackboneException;
import org.ttame.core.Text;

/** Reads an ONNX file's structure; field numbers are those of {@code onnx.proto}. */
final class OnnxParser {
  /** The fields of {@code ModelProto}, those to come in the next versions included. */
  private static final Set<Integer> MODEL_FIELDS = Set.of(1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26);

  /** Graphs inside graphs: a conditional in a conditional in a loop. */
  private static final int DEEPEST = 8;

  private final Path file;
  private final WireReader in;
  private final TensorParser tensors;
  private final Budget budget;
  private final List<DataFile> files = new ArrayList<>();

  private final List<OnnxNode> nodes = new ArrayList<>();
  private final Map<String, Constant> initialisers = new LinkedHashMap<>();
  private final List<GraphInput> inputs = new ArrayList<>();
  private final List<String> outputs = new ArrayList<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final Map<String, Function> functions = new LinkedHashMap<>();
  private final Map<String, Long> opsets = new LinkedHashMap<>();
  private String producer = "";
  private String producerVersion = "";
  private boolean hasGraph;
  private int nodeCount;
  private int depth;

  private OnnxParser(Path file, DataFile own) throws IOException {
    this.file = file;
    files.add(own);
    in = new WireReader(own.channel(), file.toString());
    budget = new Budget(file, own.channel().size());
    tensors = new TensorParser(file, own, in, files, budget);
  }

  /**
   * Reads a file.
   *
   * @param file the .onnx file
   * @return the model; the caller closes it when the weights have been taken
   * @throws BackboneException if it is no ONNX model or damaged
   */
  static OnnxModel parse(Path file) throws IOException {
    if (!Files.exists(file)) {
      throw new BackboneException("There is no file " + file);
    }
    if (Files.isDirectory(file)) {
      throw new BackboneException(file + " is a folder; give the .onnx file itself");
    }
    if (Files.size(file) == 0) {
      throw new BackboneException(file + " is empty; copy or export it again");
    }
    OnnxParser parser = new OnnxParser(file, new DataFile(file));
    OnnxModel model = null;
    try {
      model = parser.model();
      return model;
    } finally {
      if (model == null) {
        for (DataFile opened : parser.files) {
          opened.close();
        }
      }
    }
  }

  /** Whether a model has such a field: numbers are plain, everything else has a length. */
  private static boolean isOfModel(Tag tag) {
    boolean number = tag.field() == 1 || tag.field() == 5;
    return MODEL_FIELDS.contains(tag.field()) && tag.wireType() == (number ? VARINT : BYTES);
  }

  private OnnxModel model() throws IOException {
    long end = in.size();
    while (in.position() < end) {
      Tag tag = in.tag();
      if (!isOfModel(tag)) {
        // A text may begin like one, and then announces nonsense.
        throw in.malformed();
      }
      if (tag.wireType() == BYTES) {
        switch (tag.field()) {
          case 2 -> producer = in.string(end);
          case 3 -> producerVersion = in.string(end);
          case 7 -> graph(in.enter(end));
          case 8 -> opset(in.enter(end), opsets);
          case 14 -> metadata(in.enter(end));
          case 25 -> function(in.enter(end));
          default -> in.skip(tag.wireType(), end);
        }
      } else {
        in.skip(tag.wireType(), end);
      }
    }
    if (!hasGraph || nodes.isEmpty()) {
      throw new BackboneException(
          file
              + " is not an ONNX model: it holds no graph; supported are .onnx files and backbone"
              + " files written by import");
    }
    inputs.removeIf(input -> initialisers.containsKey(input.name()));
    return new OnnxModel(
        file,
        (producer + " " + producerVersion).trim(),
        opsets.getOrDefault("", 0L),
        List.copyOf(NodeOrder.sorted(nodes)),
        initialisers,
        List.copyOf(inputs),
        List.copyOf(outputs),
        Map.copyOf(functions),
        files,
        Map.copyOf(metadata));
  }

  private void graph(long end) throws IOException {
    hasGraph = true;
    graph(
        end, nodes, tensor -> initialisers.put(tensor.name(), tensor.constant()), inputs, outputs);
  }

  private void graph(
      long end,
      List<OnnxNode> body,
      Consumer<TensorParser.Named> weights,
      List<GraphInput> formalInputs,
      List<String> formalOutputs)
      throws IOException {
    while (in.position() < end) {
      Tag tag = in.tag();
      if (tag.wireType() != BYTES) {
        in.skip(tag.wireType(), end);
        continue;
      }
      switch (tag.field()) {
        case 1 -> body.add(counted(node(in.enter(end))));
        case 5 -> weights.accept(tensors.parse(in.enter(end)));
        case 11 -> formalInputs.add(graphInput(in.enter(end)));
        case 12 -> formalOutputs.add(graphInput(in.enter(end)).name());
        case 15 ->
            throw new BackboneException(
                file + " holds sparse weights, which are not supported; export it with dense ones");
        default -> in.skip(tag.wireType(), end);
      }
    }
  }

  private OnnxNode counted(OnnxNode node) throws BackboneException {
    if (++nodeCount > Budget.NODES) {
      throw new BackboneException(
          Text.format(
              "%s has more than %,d nodes, which no classifier needs; give another file",
              file, Budget.NODES));
    }
    return node;
  }

  private void metadata(long end) throws IOException {
    String key = "";
    String value = "";
    while (in.position() < end) {
      Tag tag = in.tag();
      if (tag.field() == 1 && tag.wireType() == BYTES) {
        key = in.string(end);
      } else if (tag.field() == 2 && tag.wireType() == BYTES) {
        value = in.string(end);
      } else {
        in.skip(tag.wireType(), end);
      }
    }
    metadata.put(key, value);
  }

  private void opset(long end, Map<String, Long> into) throws IOException {
    String domain = "";
    long version = 0;
    while (in.position() < end) {
      Tag tag = in.tag();
      if (tag.field() == 1 && tag.wireType() == BYTES) {
        domain = in.string(end);
      } else if (tag.field() == 2 && tag.wireType() == VARINT) {
        version = in.varint();
      } else {
        in.skip(tag.wireType(), end);
      }
    }
    into.put(domain.equals("ai.onnx") ? "" : domain, version);
  }

  private void function(long end) throws IOException {
    String name = "";
    String domain = "";
    List<String> formalInputs = new ArrayList<>();
    List<String> formalOutputs = new ArrayList<>();
    List<OnnxNode> body = new ArrayList<>();
    Map<String, Long> imports = new LinkedHashMap<>();
    Map<String, OnnxAttribute> defaults = new LinkedHashMap<>();
    while (in.position() < end) {
      Tag tag = in.tag();
      if (tag.wireType() != BYTES) {
        in.skip(tag.wireType(), end);
        continue;
      }
      switch (tag.field()) {
        case 1 -> name = in.string(end);
        case 4 -> formalInputs.add(in.string(end));
        case 5 -> formalOutputs.add(in.string(end));
        case 7 -> body.add(counted(node(in.enter(end))));
        case 9 -> opset(in.enter(end), imports);
        case 11 -> attribute(in.enter(end), defaults);
        case 10 -> domain = in.string(end);
        default -> in.skip(tag.wireType(), end);
      }
    }
    Function function =
        new Function(
            formalInputs, formalOutputs, body, imports.getOrDefault("", 0L), Map.copyOf(defaults));
    if (functions.put(OnnxModel.functionKey(domain, name), function) != null) {
      throw new BackboneException(
          Text.format(
              "%s has more than one function \"%s\", which is not supported; export it without"
                  + " functions",
              file, name));
    }
  }

  private OnnxNode node(long end) throws IOException {
    String name = "";
    String domain = "";
    String type = "";
    List<String> nodeInputs = new ArrayList<>();
    List<String> nodeOutputs = new ArrayList<>();
    Map<String, OnnxAttribute> attributes = new LinkedHashMap<>();
    while (in.position() < end) {
      Tag tag = in.tag();
      if (tag.wireType() != BYTES) {
        in.skip(tag.wireType(), end);
        continue;
      }
      switch (tag.field()) {
        case 1 -> nodeInputs.add(in.string(end));
        case 2 -> nodeOutputs.add(in.string(end));
        case 3 -> name = in.string(end);
        case 4 -> type = in.string(end);
        case 5 -> attribute(in.enter(end), attributes);
        case 7 -> domain = in.string(end);
        default -> in.skip(tag.wireType(), end);
      }
    }
    return new OnnxNode(
        name, domain.equals("ai.onnx") ? "" : domain, type, nodeInputs, nodeOutputs, attributes);
  }

  private void attribute(long end, Map<String, OnnxAttribute> into) throws IOException {
    String name = "";
    double real = 0;
    long integer = 0;
    String text = "";
    String reference = "";
    List<Long> integers = new ArrayList<>();
    List<Double> reals = new ArrayList<>();
    Constant tensor = null;
    Function graph = null;
    while (in.position() < end) {
      Tag tag = in.tag();
      int wire = tag.wireType();
      switch (tag.field()) {
        case 1 -> name = in.string(end);
        case 2 -> real = Float.intBitsToFloat(in.fixed32());
        case 3 -> integer = in.varint();
        case 4 -> text = in.string(end);
        case 5 -> tensor = tensors.parse(in.enter(end)).constant();
        case 6, 11 -> graph = inner(in.enter(end));
        case 7 -> reals.addAll(reals(wire, end));
        case 8 -> integers.addAll(integers(wire, end));
        case 21 -> reference = in.string(end);
        default -> in.skip(wire, end);
      }
    }
    budget.values((long) integers.size() + reals.size());
    into.put(
        name,
        new OnnxAttribute(
            real,
            integer,
            text,
            integers.stream().mapToLong(Long::longValue).toArray(),
            reals.stream().mapToDouble(Double::doubleValue).toArray(),
            tensor,
            reference,
            graph));
  }

  /** A graph inside a node. */
  private Function inner(long end) throws IOException {
    if (++depth > DEEPEST) {
      throw new BackboneException(
          Text.format(
              "%s has graphs inside graphs, more than %d deep, which no classifier needs; give another file",
              file, DEEPEST));
    }
    List<GraphInput> formalInputs = new ArrayList<>();
    List<String> formalOutputs = new ArrayList<>();
    List<OnnxNode> body = new ArrayList<>();
    graph(end, body, tensor -> body.add(constant(tensor)), formalInputs, formalOutputs);
    depth--;
    List<String> names = formalInputs.stream().map(GraphInput::name).toList();
    return new Function(names, formalOutputs, NodeOrder.sorted(body), 0, Map.of());
  }

  private static OnnxNode constant(TensorParser.Named tensor) {
    Map<String, OnnxAttribute> value = Map.of("value", OnnxAttribute.of(tensor.constant()));
    return new OnnxNode("", "", "Constant", List.of(), List.of(tensor.name()), value);
  }

  private List<Double> reals(int wire, long end) throws IOException {
    List<Double> values = new ArrayList<>();
    if (wire == FIXED32) {
      values.add((double) Float.intBitsToFloat(in.fixed32()));
    } else {
      long stop = in.enter(end);
      while (in.position() < stop) {
        values.add((double) Float.intBitsToFloat(in.fixed32()));
      }
    }
    return values;
  }

  private List<Long> integers(int wire, long end) throws IOException {
    List<Long> values = new ArrayList<>();
    if (wire == VARINT) {
      values.add(in.varint());
    } else {
      long stop = in.enter(end);
      while (in.position() < stop) {
        values.add(in.varint());
      }
    }
    return values;
  }

  /** ValueInfoProto: name = 1, type = 2 → tensor_type = 1 → elem_type = 1, shape = 2 → dim = 1. */
  private GraphInput graphInput(long end) throws IOException {
    String name = "";
    int elementType = 0;
    long[] shape = null;
    while (in.position() < end) {
      Tag tag = in.tag();
      if (tag.field() == 1 && tag.wireType() == BYTES) {
        name = in.string(end);
      } else if (tag.field() == 2 && tag.wireType() == BYTES) {
        long typeEnd = in.enter(end);
        while (in.position() < typeEnd) {
          Tag typeTag = in.tag();
          if (typeTag.field() != 1 || typeTag.wireType() != BYTES) {
            in.skip(typeTag.wireType(), typeEnd);
            continue;
          }
          long tensorEnd = in.enter(typeEnd);
          while (in.position() < tensorEnd) {
            Tag tensorTag = in.tag();
            if (tensorTag.field() == 1 && tensorTag.wireType() == VARINT) {
              elementType = (int) in.varint();
            } else if (tensorTag.field() == 2 && tensorTag.wireType() == BYTES) {
              shape = shape(in.enter(tensorEnd));
            } else {
              in.skip(tensorTag.wireType(), tensorEnd);
            }
          }
        }
      } else {
        in.skip(tag.wireType(), end);
      }
    }
    return new GraphInput(name, elementType, shape);
  }

  private long[] shape(long end) throws IOException {
    long[] shape = new long[0];
    while (in.position() < end) {
      Tag tag = in.tag();
      if (tag.field() != 1 || tag.wireType() != BYTES) {
        in.skip(tag.wireType(), end);
        continue;
      }
      long size = -1;
      long dimensionEnd = in.enter(end);
      while (in.position() < dimensionEnd) {
        Tag dimension = in.tag();
        if (dimension.field() == 1 && dimension.wireType() == VARINT) {
          size = in.varint();
        } else {
          in.skip(dimension.wireType(), dimensionEnd);
        }
      }
      shape = Arrays.copyOf(shape, shape.length + 1);
      shape[shape.length - 1] = size > 0 ? size : -1;
    }
    return shape;
  }

  /**
   * Brings nodes into an order in which each can be computed. ONNX asks for one, runtimes do not:
   * tools that convert a file to float16, say, put their casts at its end.
   */
  static final class NodeOrder {
    private NodeOrder() {}

    /**
     * Sorts.
     *
     * @param nodes in the file's order
     * @return the same where that can be computed; else each node behind all that it reads, and
     *     behind the rest those that read what nothing computes
     */
    static List<OnnxNode> sorted(List<OnnxNode> nodes) {
      Set<String> computed = new HashSet<>();
      nodes.forEach(node -> computed.addAll(node.outputs()));
      computed.remove("");
      Map<String, List<OnnxNode>> waiting = new HashMap<>();
      IdentityHashMap<OnnxNode, Integer> missing = new IdentityHashMap<>();
      List<OnnxNode> order = new ArrayList<>();
      Deque<OnnxNode> ready = new ArrayDeque<>();
      for (OnnxNode node : nodes) {
        // What is computed and not yet out of the set is still to come.
        List<String> reads = node.reads().stream().distinct().filter(computed::contains).toList();
        if (!reads.isEmpty()) {
          missing.put(node, reads.size());
          reads.forEach(name -> waiting.computeIfAbsent(name, key -> new ArrayList<>()).add(node));
          continue;
        }
        ready.add(node);
        while (!ready.isEmpty()) {
          OnnxNode next = ready.poll();
          order.add(next);
          for (String name : next.outputs()) {
            computed.remove(name);
            for (OnnxNode reader : waiting.getOrDefault(name, List.of())) {
              if (missing.merge(reader, -1, Integer::sum) == 0) {
                missing.remove(reader);
                ready.add(reader);
              }
            }
            waiting.remove(name);
          }
        }
      }
      nodes.stream().filter(missing::containsKey).forEach(order::add);
      return order;
    }
  }
}
