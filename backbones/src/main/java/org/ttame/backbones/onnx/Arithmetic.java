package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleBinaryOperator;
import java.util.stream.LongStream;
import org.ttame.core.Text;

/**
 * Evaluates nodes whose inputs are all known: exporters compute shapes, masks, position tables and
 * standardised weights with them. Each result is rounded to its tensor's type, as a runtime does.
 */
final class Arithmetic {
  private Arithmetic() {}

  /**
   * Evaluates a node.
   *
   * @param operands its operands, all constants, null for one left out
   * @param opset version of the operator set that the node is of
   * @return its outputs
   * @throws UnsupportedGraphException if the operator or a form of it is not known
   */
  static List<Constant> evaluate(OnnxNode node, List<Operand> operands, long opset)
      throws IOException {
    List<Constant> results = results(node, operands, opset);
    if (node.outputs().stream().skip(results.size()).anyMatch(name -> !name.isEmpty())) {
      throw new UnsupportedGraphException(
          Text.format(
              "%s node \"%s\" on constants gives more than %d outputs",
              node.type(), node.displayName(), results.size()));
    }
    return results;
  }

  private static List<Constant> results(OnnxNode node, List<Operand> operands, long opset)
      throws IOException {
    if (Movement.moves(node.type())) {
      return Movement.apply(node, (Constant) operands.get(0), operands);
    }
    // Not a stream's list: an operand that was left out is null.
    List<Constant> inputs = Arrays.asList(operands.toArray(Constant[]::new));
    Constant one = ConstantMath.evaluate(node, inputs);
    one = one == null ? ConstantIndexing.evaluate(node, inputs) : one;
    one = one == null ? ConstantProducts.evaluate(node, inputs) : one;
    if (one != null) {
      return List.of(one);
    }
    List<Constant> several = ConstantReductions.evaluate(node, inputs, opset);
    return several == null ? made(node, inputs, opset) : several;
  }

  private static List<Constant> made(OnnxNode node, List<Constant> inputs, long opset)
      throws IOException {
    Constant first = inputs.isEmpty() ? null : inputs.get(0);
    return switch (node.type()) {
      case "Constant" -> List.of(literal(node));
      case "ConstantOfShape" -> List.of(filled(node, first));
      case "Range" -> List.of(range(inputs));
      case "Concat" -> List.of(concat(inputs, Shapes.concatAxis(node, first.shape().length)));
      case "Cast" -> List.of(cast(node, first));
      case "CastLike" -> List.of(first.cast(inputs.get(1).type()));
      case "Dropout" -> dropout(node, inputs);
      case "Resize", "Upsample" ->
          List.of(new Interpolation(node, first.shape(), inputs, opset).apply(first));
      case "QuantizeLinear" -> List.of(quantise(node, inputs));
      case "DequantizeLinear" -> List.of(dequantise(node, inputs));
      default ->
          throw new UnsupportedGraphException(
              Text.format(
                  "a %s node (\"%s\") on constants is not supported",
                  node.type(), node.displayName()));
    };
  }

  private static Constant literal(OnnxNode node) {
    OnnxAttribute tensor = node.attributes().get("value");
    if (tensor != null && tensor.tensor() != null) {
      return tensor.tensor();
    }
    if (node.has("value_int")) {
      return Constant.ofIntegers(new long[] {node.integer("value_int", 0)});
    }
    if (node.has("value_ints")) {
      long[] values = node.integers("value_ints");
      return Constant.ofIntegers(values, values.length);
    }
    if (node.has("value_float")) {
      return Constant.ofValues(new double[] {node.real("value_float", 0)}, false);
    }
    if (node.has("value_floats")) {
      double[] values = node.attributes().get("value_floats").reals();
      return Constant.ofValues(values, false, values.length);
    }
    throw new UnsupportedGraphException(
        Text.format("Constant node \"%s\" holds no numeric value", node.displayName()));
  }

  private static Constant filled(OnnxNode node, Constant shape) throws IOException {
    OnnxAttribute value = node.attributes().get("value");
    Constant scalar = value == null ? Constant.ofValues(new double[1], false, 1) : value.tensor();
    return scalar.reshape().broadcast(shape.integers());
  }

  private static Constant range(List<Constant> inputs) throws IOException {
    double start = inputs.get(0).scalar();
    double limit = inputs.get(1).scalar();
    double step = inputs.get(2).scalar();
    long count = (long) Math.max(0, Math.ceil((limit - start) / step));
    double[] values = Constant.room(count);
    Arrays.setAll(values, i -> start + i * step);
    return Constant.computed(values, inputs.get(0).type(), count);
  }

  /** Joins constants along an axis. */
  static Constant concat(List<Constant> inputs, int axis) throws IOException {
    long[] shape = inputs.get(0).shape();
    for (Constant input : inputs.subList(1, inputs.size())) {
      shape[axis] += input.shape()[axis];
    }
    double[] result = Constant.room(shape);
    int outer = (int) Constant.count(Arrays.copyOf(shape, axis));
    int row = outer == 0 ? 0 : result.length / outer;
    int start = 0;
    for (Constant input : inputs) {
      double[] values = input.values();
      int part = outer == 0 ? 0 : values.length / outer;
      for (int i = 0; i < outer; i++) {
        System.arraycopy(values, i * part, result, i * row + start, part);
      }
      start += part;
    }
    return Constant.computed(result, inputs.get(0).type(), shape);
  }

  private static Constant cast(OnnxNode node, Constant input) throws IOException {
    ElementType type = ElementType.of(node.integer("to", 1));
    if (type == null) {
      throw new UnsupportedGraphException(
          Text.format(
              "Cast node \"%s\" casts to element type %d",
              node.displayName(), node.integer("to", 1)));
    }
    return input.cast(type);
  }

  /** Nothing is dropped when a network is evaluated; the mask keeps everything. */
  private static List<Constant> dropout(OnnxNode node, List<Constant> inputs) throws IOException {
    Constant training = inputs.size() > 2 ? inputs.get(2) : null;
    if (training != null && training.scalar() != 0) {
      throw new UnsupportedGraphException(
          Text.format("Dropout node \"%s\" is in training mode", node.displayName()));
    }
    Constant input = inputs.get(0);
    Constant kept = Constant.computed(new double[] {1}, ElementType.BOOL);
    return List.of(input, kept.broadcast(input.shape()));
  }

  private static Constant quantise(OnnxNode node, List<Constant> inputs) throws IOException {
    Constant input = inputs.get(0);
    Constant zero = inputs.size() > 2 ? inputs.get(2) : null;
    long wanted = node.integer("output_dtype", 0);
    ElementType type =
        zero != null ? zero.type() : wanted == 0 ? ElementType.UINT8 : ElementType.of(wanted);
    if (type == null || !type.integer()) {
      throw new UnsupportedGraphException(
          Text.format(
              "QuantizeLinear node \"%s\" produces values that are not integers",
              node.displayName()));
    }
    double[] range = type.range();
    Constant steps =
        ConstantMath.binary(
            input,
            spread(node, inputs.get(1), input),
            ElementType.DOUBLE,
            (v, s) -> Math.rint((float) (v / s)));
    DoubleBinaryOperator shift = (v, z) -> Math.max(range[0], Math.min(range[1], v + z));
    Constant origin =
        zero == null ? Constant.computed(new double[1], type) : spread(node, zero, input);
    return ConstantMath.binary(steps, origin, type, shift);
  }

  private static Constant dequantise(OnnxNode node, List<Constant> inputs) throws IOException {
    Constant input = inputs.get(0);
    Constant scale = spread(node, inputs.get(1), input);
    Constant zero = inputs.size() > 2 ? inputs.get(2) : null;
    Constant centred =
        zero == null
            ? input.cast(ElementType.DOUBLE)
            : ConstantMath.binary(
                input, spread(node, zero, input), ElementType.DOUBLE, (v, z) -> v - z);
    return ConstantMath.binary(centred, scale, inputs.get(1).type(), (v, s) -> v * s);
  }

  /** A scale or zero point, one for all, for each slice of an axis or for blocks of an axis. */
  private static Constant spread(OnnxNode node, Constant parameter, Constant input)
      throws IOException {
    if (parameter.size() == 1) {
      return parameter.reshape();
    }
    long[] shape = input.shape();
    int axis = Movement.axis(node.integer("axis", 1), shape.length);
    int block = (int) node.integer("block_size", 0);
    if (block > 0) {
      return parameter.pick(axis, LongStream.range(0, shape[axis]).map(i -> i / block).toArray());
    }
    long[] along = new long[shape.length];
    Arrays.fill(along, 1);
    along[axis] = shape[axis];
    return parameter.reshape(along);
  }
}
