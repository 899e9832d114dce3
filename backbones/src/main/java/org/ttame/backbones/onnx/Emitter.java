package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.nd4j.autodiff.samediff.NameScope;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.graph.BackboneGraph;
import org.ttame.backbones.graph.ImportedLayers.Role;
import org.ttame.backbones.graph.LayerWriter;

/**
 * Writes an imported graph's operations: keeps where each value lies and in which order of axes,
 * names what is written after ONNX's values, and takes weights by name.
 */
final class Emitter {
  private final LayerWriter writer;
  private final Geometry geometry;
  private final long batch;
  private boolean ownBatch;
  private Set<Operation> mixing;
  private final IdentityHashMap<Value, Tensor> tensors = new IdentityHashMap<>();
  private final Set<String> names = new HashSet<>(Set.of(BackboneGraph.INPUT));
  private final IdentityHashMap<Value, String> labels = new IdentityHashMap<>();
  private final Set<SDVariable> owned = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Map<String, Weight> weights;
  private final Map<String, Role> roles = new LinkedHashMap<>();

  /** Makes a weight of the file's constants; called only where it is read from the ONNX file. */
  @FunctionalInterface
  interface Weight {
    Recipe make() throws IOException;
  }

  /**
   * Starts.
   *
   * @param writer writes the graph
   * @param geometry where in the image values are
   * @param batch how many images the file's shapes are for
   */
  Emitter(LayerWriter writer, Geometry geometry, long batch) {
    this(writer, geometry, batch, new LinkedHashMap<>());
  }

  /**
   * Starts.
   *
   * @param writer writes the graph
   * @param geometry where in the image values are
   * @param batch how many images the file's shapes are for
   * @param weights where to note how each weight is made, before the writer asks for it
   */
  Emitter(LayerWriter writer, Geometry geometry, long batch, Map<String, Weight> weights) {
    this.writer = writer;
    this.geometry = geometry;
    this.batch = batch;
    this.weights = weights;
  }

  /** Where in the image values are. */
  Geometry geometry() {
    return geometry;
  }

  /** How many images the file's shapes are for. */
  long batch() {
    return batch;
  }

  /**
   * From here on the graph is written for the file's own batch: no axis carries the images, {@link
   * Tensor#NONE}, and no size is free.
   */
  void keepOwnBatch() {
    ownBatch = true;
  }

  /**
   * From here on an operation that cannot keep images apart by itself is written for the file's own
   * batch, and what follows it, too.
   *
   * @param operations those that are known to be such; others that are found are added
   */
  void mayMix(Set<Operation> operations) {
    mixing = operations;
  }

  SameDiff graph() {
    return writer.graph();
  }

  /** The images as they come, batch first and channels last. */
  void image(ImageInput image) {
    SDVariable input = writer.input(image.size(), image.channels());
    owned.add(input);
    tensors.put(image.value(), new Tensor(input, image.value().shape(), image.order(), 0));
  }

  /**
   * Writes operations whose inputs have been handed over; those that cannot be written, and what
   * reads them, are left out.
   *
   * @param operations in an order in which each can be computed
   * @param opset the version of the operator set that they are of
   * @return for each that cannot be written, why
   */
  List<String> write(List<Operation> operations, long opset) throws IOException {
    List<String> refusals = new ArrayList<>();
    Set<Value> missing = Collections.newSetFromMap(new IdentityHashMap<>());
    int number = 0;
    for (Operation operation : operations) {
      boolean possible = operation.values().stream().noneMatch(missing::contains);
      if (possible) {
        // SameDiff tries one number after another where an operation's name is taken: a scope each.
        NameScope scope = graph().withNameScope("at" + number++);
        try {
          convert(operation, opset);
        } catch (UnsupportedGraphException e) {
          refusals.add(e.getMessage());
          possible = false;
        } finally {
          scope.close();
        }
      }
      if (!possible) {
        missing.addAll(operation.outputs());
      }
    }
    return refusals;
  }

  private void convert(Operation operation, long opset) throws IOException {
    Converter converter = ConverterRegistry.all().converter(operation.type(), opset);
    boolean mixed =
        mixing != null
            && (mixing.contains(operation)
                || operation.values().stream().anyMatch(v -> tensor(v).batch() == Tensor.NONE));
    if (!mixed) {
      try {
        converter.convert(operation, this);
        return;
      } catch (UnsupportedGraphException e) {
        if (mixing == null) {
          throw e;
        }
        mixing.add(operation);
      }
    }
    IdentityHashMap<Value, Tensor> apart = new IdentityHashMap<>();
    for (Value value : operation.values()) {
      Tensor tensor = tensor(value);
      apart.put(value, tensor);
      tensors.put(
          value, new Tensor(tensor.variable(), tensor.shape(), tensor.order(), Tensor.NONE));
    }
    try {
      converter.convert(operation, this);
    } finally {
      tensors.putAll(apart);
    }
  }

  /** Where a value lies. */
  Tensor tensor(Value value) {
    return tensors.get(value);
  }

  /** Whether a value has been written. */
  boolean has(Value value) {
    return tensors.containsKey(value);
  }

  // Names.

  /**
   * The name of an operation's first output in the graph: ONNX's, but for characters that SameDiff
   * gives a meaning to, and unique.
   */
  String name(Operation operation) {
    return name(operation.output());
  }

  /** The same of any value. */
  String name(Value value) {
    return labels.computeIfAbsent(value, this::unique);
  }

  private String unique(Value value) {
    String clean = value.name().replaceAll("[^A-Za-z0-9_./-]", "_");
    String name = clean.startsWith("ttame_") ? "_" + clean : clean;
    for (int i = 2; names.contains(name) || graph().hasVariable(name); i++) {
      name = clean + "." + i;
    }
    names.add(name);
    return name;
  }

  /** A name for a step on the way to an operation's output. */
  String step(Operation operation, String what) {
    String base = name(operation) + "." + what;
    String name = base;
    for (int i = 2; !names.add(name); i++) {
      name = base + i;
    }
    return name;
  }

  // Weights.

  /**
   * A weight or another constant of the graph.
   *
   * @param what it is called, after the operation: {@code weight}, {@code bias} and the like
   * @param role what it does
   * @param weight makes it of the file's constants
   * @param shape its shape in the graph
   */
  SDVariable parameter(Operation operation, String what, Role role, Weight weight, long... shape)
      throws IOException {
    String name = step(operation, what);
    weights.put(name, weight);
    roles.put(name, role);
    return writer.weight(name, shape);
  }

  /** How each weight is made, by name. */
  Map<String, Weight> weights() {
    return weights;
  }

  /** What each weight does, by name. */
  Map<String, Role> roles() {
    return roles;
  }

  /** A list of integers that an operation reads, of any shape. */
  SDVariable integers(Operation operation, String what, INDArray values) {
    return graph().constant(step(operation, what), values);
  }

  /** Numbers that follow from shapes, in the graph's precision. */
  SDVariable numbers(Operation operation, String what, double[] values, long... shape) {
    INDArray array = Nd4j.create(values, shape, 'c').castTo(writer.precision());
    return graph().constant(step(operation, what), array);
  }

  // Layouts.

  /** A value's variable with its axes in a given order: permuted where it lies in another. */
  SDVariable arranged(Value value, int... order) {
    return arrange(tensor(value), order).variable();
  }

  /** A tensor with its axes in a given order. */
  Tensor arrange(Tensor tensor, int... order) {
    if (Arrays.equals(tensor.order(), order)) {
      return tensor;
    }
    SDVariable moved;
    if (Arrays.equals(significant(tensor, tensor.order()), significant(tensor, order))) {
      // Axes of one value move without moving any.
      moved = graph().reshape(tensor.variable(), sizes(tensor.shape(), order, tensor.batch()));
    } else {
      moved = graph().permute(tensor.variable(), IntStream.of(order).map(tensor::place).toArray());
    }
    return new Tensor(moved, tensor.shape(), order, tensor.batch());
  }

  /**
   * A tensor with an axis moved behind all others.
   *
   * @throws UnsupportedGraphException naming the operation, if that is the batch's
   */
  Tensor axisLast(Tensor tensor, int axis, Object what) {
    if (axis == tensor.batch()) {
      throw new UnsupportedGraphException(what + " mixes the images of a batch");
    }
    IntStream others = IntStream.of(tensor.order()).filter(other -> other != axis);
    return arrange(tensor, IntStream.concat(others, IntStream.of(axis)).toArray());
  }

  /** The axes in their order, those of one value left out. */
  private static int[] significant(Tensor tensor, int[] order) {
    return IntStream.of(order)
        .filter(axis -> tensor.shape()[axis] != 1 || axis == tensor.batch())
        .toArray();
  }

  /**
   * A tensor whose shape has ones in front until it has {@code rank} axes, as broadcasting reads
   * it, in a given order.
   */
  SDVariable broadcastable(Tensor tensor, int rank, int... order) {
    int more = rank - tensor.rank();
    int[] own = IntStream.of(order).filter(axis -> axis >= more).map(axis -> axis - more).toArray();
    Tensor arranged = arrange(tensor, own);
    if (more == 0) {
      return arranged.variable();
    }
    long[] shape = new long[rank];
    for (int i = 0; i < rank; i++) {
      int axis = order[i] - more;
      shape[i] = axis < 0 ? 1 : axis == tensor.batch() ? -1 : tensor.shape()[axis];
    }
    return graph().reshape(arranged.variable(), shape);
  }

  /**
   * The sizes of a tensor as it lies, the batch's free.
   *
   * @param shape in ONNX
   * @param order how it lies
   * @param batch the axis with the batch
   */
  static long[] sizes(long[] shape, int[] order, int batch) {
    return IntStream.of(order).mapToLong(axis -> axis == batch ? -1 : shape[axis]).toArray();
  }

  /**
   * A tensor under another shape: without a copy where axes that are merged or split lie together.
   *
   * @param target the shape wanted, of as many values
   * @param what for messages
   * @throws UnsupportedGraphException if the batch would no longer be outermost on an axis
   */
  Tensor reshape(Tensor tensor, long[] target, Object what) {
    Regrouping groups = Regrouping.of(tensor.shape(), target, tensor.batch(), batch, what);
    Tensor ready = tensor;
    int[] order = groups.order(tensor.order());
    if (order == null) {
      ready = arrange(tensor, Tensor.plain(tensor.rank()));
      order = Tensor.plain(target.length);
    }
    long[] sizes = sizes(target, order, groups.batch());
    SDVariable variable = ready.variable();
    if (!Arrays.equals(sizes, sizes(ready.shape(), ready.order(), ready.batch()))) {
      variable = graph().reshape(variable, sizes);
    }
    return new Tensor(variable, target, order, groups.batch());
  }

  /**
   * A tensor's last axis as the columns of a matrix, whatever the order of the others.
   *
   * @param matrix {@code [rows, columns]}
   * @param order in which the tensor lies then, its last axis last
   * @param batch the axis with the batch
   */
  @SuppressWarnings("ArrayRecordComponent")
  record Rows(SDVariable matrix, int[] order, int batch) {}

  /** A tensor as a matrix over its last axis. */
  Rows rows(Tensor tensor, Object what) {
    int last = tensor.rank() - 1;
    if (tensor.batch() == last) {
      throw new UnsupportedGraphException(what + " mixes the images of a batch");
    }
    int[] order =
        IntStream.concat(
                IntStream.of(tensor.order()).filter(axis -> axis != last), IntStream.of(last))
            .toArray();
    SDVariable variable = arrange(tensor, order).variable();
    return new Rows(
        tensor.rank() == 2 ? variable : graph().reshape(variable, -1, tensor.shape()[last]),
        order,
        tensor.batch());
  }

  /** Hands over an operation's first output, computed as a matrix over its last axis. */
  void putRows(Operation operation, SDVariable matrix, Rows like) {
    long[] sizes = sizes(operation.output().shape(), like.order(), like.batch());
    SDVariable variable = sizes.length == 2 ? matrix : graph().reshape(matrix, sizes);
    put(operation, variable, like.order(), like.batch());
  }

  // Results.

  /**
   * Hands over an operation's first output.
   *
   * @param variable holds it; takes the name of ONNX's value
   * @param order the order it lies in
   * @param batch the axis with the batch
   */
  void put(Operation operation, SDVariable variable, int[] order, int batch) {
    put(operation.output(), variable, order, batch);
  }

  /** Hands over a value; a variable that is another value's already keeps that one's name. */
  void put(Value value, SDVariable variable, int[] order, int carrier) {
    int batch = ownBatch ? Tensor.NONE : carrier;
    Tensor tensor = new Tensor(variable, value.shape(), order, batch);
    if (!owned.add(variable)) {
      alias(value, tensor);
      return;
    }
    // What may be explained must lie as layers do, and what follows must read it so.
    Tensor lying =
        geometry.order(value, batch).map(wanted -> arrange(tensor, wanted)).orElse(tensor);
    owned.add(lying.variable());
    String name = name(value);
    SDVariable named =
        lying.variable().name().equals(name) ? lying.variable() : lying.variable().rename(name);
    tensors.put(value, new Tensor(named, value.shape(), lying.order(), batch));
  }

  /** Hands over an output that has the layout of an operand. */
  void putLike(Operation operation, SDVariable variable, Tensor like) {
    put(operation, variable, like.order(), like.batch());
  }

  /** Hands over an output that is an operand, or lies as one does. */
  void alias(Value value, Tensor same) {
    tensors.put(value, same);
    labels.put(value, same.variable().name());
  }
}
