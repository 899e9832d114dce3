package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.DoubleStream;
import org.ttame.core.Text;

/** Evaluates nodes whose inputs are all known: exporters compute shapes and scales with them. */
final class Arithmetic {
  private Arithmetic() {}

  /**
   * Evaluates a node.
   *
   * @param node the node
   * @param inputs its operands, all constants, null for one left out
   * @return its outputs
   * @throws UnsupportedGraphException if the operator is not known
   */
  static List<Constant> evaluate(OnnxNode node, List<Operand> inputs) throws IOException {
    if (Movement.moves(node.type())) {
      return Movement.apply(node, at(inputs, 0), inputs);
    }
    return switch (node.type()) {
      case "Constant" -> List.of(literal(node));
      case "ConstantOfShape" -> List.of(filled(node, at(inputs, 0)));
      case "Concat" -> List.of(concat(node, inputs));
      case "Cast" -> List.of(cast(node, at(inputs, 0)));
      case "CastLike" -> List.of(convert(at(inputs, 0), at(inputs, 1).integer()));
      case "Dropout" -> List.of(at(inputs, 0));
      case "Range" -> List.of(range(inputs));
      case "Where" -> List.of(where(inputs));
      case "Add" -> binary(inputs, Double::sum);
      case "Sub" -> binary(inputs, (a, b) -> a - b);
      case "Mul" -> binary(inputs, (a, b) -> a * b);
      case "Div" ->
          at(inputs, 0).integer()
              ? binary(inputs, Arithmetic::quotient)
              : binary(inputs, (a, b) -> a / b);
      case "Mod" -> binary(inputs, (a, b) -> a - b * Math.floor(a / b));
      case "Pow" -> binary(inputs, Math::pow);
      case "Max" -> binary(inputs, Math::max);
      case "Min" -> binary(inputs, Math::min);
      case "Equal" -> binary(inputs, (a, b) -> a == b ? 1 : 0);
      case "Greater" -> binary(inputs, (a, b) -> a > b ? 1 : 0);
      case "Less" -> binary(inputs, (a, b) -> a < b ? 1 : 0);
      case "And" -> binary(inputs, (a, b) -> a != 0 && b != 0 ? 1 : 0);
      case "Or" -> binary(inputs, (a, b) -> a != 0 || b != 0 ? 1 : 0);
      case "Not" -> unary(inputs, a -> a == 0 ? 1 : 0);
      case "Sqrt" -> unary(inputs, Math::sqrt);
      case "Reciprocal" -> unary(inputs, a -> 1 / a);
      case "Neg" -> unary(inputs, a -> -a);
      case "Abs" -> unary(inputs, Math::abs);
      case "Floor" -> unary(inputs, Math::floor);
      case "Ceil" -> unary(inputs, Math::ceil);
      case "Round" -> unary(inputs, Math::rint);
      case "ReduceProd" -> List.of(product(at(inputs, 0)));
      default ->
          throw new UnsupportedGraphException(
              Text.format(
                  "a %s node (\"%s\") on constants is not supported",
                  node.type(), node.displayName()));
    };
  }

  private static double quotient(double a, double b) {
    long whole = (long) a / (long) b;
    return whole;
  }

  private static Constant at(List<Operand> inputs, int index) {
    return (Constant) inputs.get(index);
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
        Text.format("Constant node \"%s\" holds no numbers", node.displayName()));
  }

  private static Constant filled(OnnxNode node, Constant shape) throws IOException {
    OnnxAttribute value = node.attributes().get("value");
    Constant scalar = value == null ? Constant.ofValues(new double[1], false, 1) : value.tensor();
    return scalar.reshape().broadcast(shape.integers());
  }

  private static Constant concat(OnnxNode node, List<Operand> inputs) throws IOException {
    long[] shape = Shapes.of(node, inputs).get(0);
    int axis = Movement.axis(node.integer("axis", 0), shape.length);
    int outer = (int) Constant.count(Arrays.copyOf(shape, axis));
    double[] result = new double[(int) Constant.count(shape)];
    int row = outer == 0 ? 0 : result.length / outer;
    int start = 0;
    for (Operand input : inputs) {
      double[] values = ((Constant) input).values();
      int part = outer == 0 ? 0 : values.length / outer;
      for (int i = 0; i < outer; i++) {
        System.arraycopy(values, i * part, result, i * row + start, part);
      }
      start += part;
    }
    return Constant.ofValues(result, at(inputs, 0).integer(), shape);
  }

  private static Constant cast(OnnxNode node, Constant input) throws IOException {
    ElementType type = ElementType.of(node.integer("to", 1));
    if (type == null) {
      throw new UnsupportedGraphException(
          Text.format(
              "Cast node \"%s\" casts to element type %d",
              node.displayName(), node.integer("to", 1)));
    }
    return convert(input, type.integer());
  }

  /** Between kinds of floats a weight stays where it is: it is read as float anyway. */
  private static Constant convert(Constant input, boolean toInteger) throws IOException {
    if (input.integer() == toInteger) {
      return input;
    }
    double[] values = input.values();
    if (toInteger) {
      for (int i = 0; i < values.length; i++) {
        values[i] = (double) (long) values[i];
      }
    }
    return Constant.ofValues(values, toInteger, input.shape());
  }

  private static Constant range(List<Operand> inputs) throws IOException {
    double start = at(inputs, 0).scalar();
    double limit = at(inputs, 1).scalar();
    double step = at(inputs, 2).scalar();
    int count = (int) Math.max(0, Math.ceil((limit - start) / step));
    double[] values = new double[count];
    Arrays.setAll(values, i -> start + i * step);
    return Constant.ofValues(values, at(inputs, 0).integer(), count);
  }

  private static Constant where(List<Operand> inputs) throws IOException {
    long[] shape = at(inputs, 0).shape();
    for (Operand input : inputs) {
      shape = Shapes.broadcast(shape, input.shape());
    }
    List<double[]> values = new ArrayList<>();
    for (Operand input : inputs) {
      values.add(((Constant) input).broadcast(shape).values());
    }
    double[] result = new double[values.get(0).length];
    Arrays.setAll(result, i -> values.get(values.get(0)[i] != 0 ? 1 : 2)[i]);
    return Constant.ofValues(result, at(inputs, 1).integer(), shape);
  }

  private static List<Constant> binary(List<Operand> inputs, DoubleBinaryOperator operator)
      throws IOException {
    Constant a = at(inputs, 0);
    Constant b = at(inputs, 1);
    long[] shape = Shapes.broadcast(a.shape(), b.shape());
    double[] left = a.broadcast(shape).values();
    double[] right = b.broadcast(shape).values();
    double[] result = new double[left.length];
    Arrays.setAll(result, i -> operator.applyAsDouble(left[i], right[i]));
    return List.of(Constant.ofValues(result, a.integer(), shape));
  }

  private static List<Constant> unary(List<Operand> inputs, DoubleUnaryOperator operator)
      throws IOException {
    Constant input = at(inputs, 0);
    double[] result = DoubleStream.of(input.values()).map(operator).toArray();
    return List.of(Constant.ofValues(result, input.integer(), input.shape()));
  }

  private static Constant product(Constant input) throws IOException {
    double result = DoubleStream.of(input.values()).reduce(1, (a, b) -> a * b);
    return Constant.ofValues(new double[] {result}, input.integer());
  }
}
