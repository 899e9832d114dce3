package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.ttame.backbones.graph.ImportedLayers.Role;
import org.ttame.core.Text;

/** Operators that compute each value from those at the same place. */
final class Elementwise {
  private Elementwise() {}

  static void register(ConverterRegistry registry) {
    Converter pass = Elementwise::pass;
    registry.add("Identity", 1, pass);
    registry.add("Dropout", 1, pass, "ratio", "is_test", "consumed_inputs", "seed");
    registry.add("Cast", 6, new Cast(), "to", "saturate", "round_mode");
    registry.add("Relu", 1, unary((g, x, node) -> g.nn().relu(x, 0)), "consumed_inputs");
    registry.add("Sigmoid", 1, unary((g, x, node) -> g.nn().sigmoid(x)), "consumed_inputs");
    registry.add("Erf", 9, unary((g, x, node) -> g.math().erf(x)));
    registry.add("Exp", 1, unary((g, x, node) -> g.math().exp(x)), "consumed_inputs");
    registry.add("Neg", 1, unary((g, x, node) -> g.math().neg(x)), "consumed_inputs");
    registry.add("Sqrt", 1, unary((g, x, node) -> g.math().sqrt(x)), "consumed_inputs");
    registry.add("Sin", 7, unary((g, x, node) -> g.math().sin(x)));
    registry.add("Cos", 7, unary((g, x, node) -> g.math().cos(x)));
    registry.add("Floor", 6, unary((g, x, node) -> g.math().floor(x)));
    registry.add("Ceil", 6, unary((g, x, node) -> g.math().ceil(x)));
    registry.add("Round", 11, unary((g, x, node) -> rounded(g, x)));
    registry.add("Sign", 9, unary((g, x, node) -> g.math().sign(x)));
    registry.add(
        "HardSigmoid",
        1,
        unary((g, x, node) -> gate(x, node.real("alpha", 0.2), node.real("beta", 0.5))),
        "alpha",
        "beta",
        "consumed_inputs");
    registry.add("HardSwish", 14, unary((g, x, node) -> x.mul(gate(x, 1.0 / 6, 0.5))));
    registry.add("Gelu", 20, new ApproximateGelu(), "approximate");
    registry.add(Fusion.GELU, 1, unary((g, x, node) -> exactGelu(x)));
    registry.add("Clip", 1, new Clip(), "min", "max", "consumed_inputs");
    registry.add("Add", 7, new Pairs(SDVariable::add, SDVariable::add, SDVariable::add));
    registry.add("Mul", 7, new Pairs(SDVariable::mul, SDVariable::mul, SDVariable::mul));
    registry.add("Sub", 7, new Pairs(SDVariable::sub, SDVariable::sub, SDVariable::rsub));
    registry.add("Div", 7, new Pairs(SDVariable::div, SDVariable::div, SDVariable::rdiv));
    registry.add("Reciprocal", 6, Elementwise::reciprocal);
    registry.add("Pow", 7, Elementwise::pow);
  }

  /** What an operator on one value does. */
  interface Function {
    SDVariable apply(SameDiff graph, SDVariable x, OnnxNode node);
  }

  static Converter unary(Function function) {
    return new Unary(
        (operation, emitter) -> {
          Tensor x = emitter.tensor(operation.value(0));
          SDVariable y = function.apply(emitter.graph(), x.variable(), operation.node());
          emitter.putLike(operation, y, x);
        });
  }

  /** What gives a value of its only operand's shape. */
  record Unary(Converter converter) implements Converter {
    @Override
    public List<long[]> shapes(OnnxNode node, List<Operand> inputs) {
      return List.of(inputs.get(0).shape());
    }

    @Override
    public void convert(Operation operation, Emitter emitter) throws IOException {
      converter.convert(operation, emitter);
    }
  }

  /** To the nearest whole number, halves to the even one, which the library's round is not. */
  private static SDVariable rounded(SameDiff graph, SDVariable x) {
    SDVariable floor = graph.math().floor(x);
    SDVariable rest = x.sub(floor);
    SDVariable odd = floor.sub(graph.math().floor(floor.mul(0.5)).mul(2));
    SDVariable up = graph.math().sign(graph.nn().relu(rest.sub(0.5), 0));
    SDVariable half = rest.eq(0.5).castTo(x.dataType());
    return floor.add(up).add(half.mul(odd));
  }

  /** max(0, min(1, αx + β)). */
  private static SDVariable gate(SDVariable x, double alpha, double beta) {
    return x.getSameDiff().math().clipByValue(x.mul(alpha).add(beta), 0, 1);
  }

  /** With u = x/√2: (u + u·erf(u))/√2, whose gate the engine has a kernel for. */
  private static SDVariable exactGelu(SDVariable x) {
    SDVariable u = x.mul(Math.sqrt(0.5));
    return u.add(u.mul(x.getSameDiff().math().erf(u))).mul(Math.sqrt(0.5));
  }

  /** By tanh; the exact one is {@link Fusion#GELU}. */
  private static final class ApproximateGelu implements Converter {
    @Override
    public List<long[]> shapes(OnnxNode node, List<Operand> inputs) throws IOException {
      String approximate = node.text("approximate", "none");
      if (!List.of("none", "tanh").contains(approximate)) {
        throw new UnsupportedGraphException(
            Text.format("Gelu node \"%s\" is approximated by %s", node.displayName(), approximate));
      }
      return Converter.super.shapes(node, inputs);
    }

    @Override
    public void convert(Operation gelu, Emitter emitter) {
      Tensor tensor = emitter.tensor(gelu.value(0));
      SDVariable x = tensor.variable();
      SDVariable inner = x.add(x.mul(x).mul(x).mul(0.044715)).mul(Math.sqrt(2 / Math.PI));
      SDVariable y = x.mul(emitter.graph().math().tanh(inner).add(1)).mul(0.5);
      emitter.putLike(gelu, y, tensor);
    }
  }

  private static void pass(Operation operation, Emitter emitter) {
    emitter.alias(operation.output(), emitter.tensor(operation.value(0)));
  }

  /** Between kinds of floats nothing happens: everything is computed in the graph's precision. */
  private static final class Cast implements Converter {
    @Override
    public void convert(Operation cast, Emitter emitter) {
      ElementType type = ElementType.of(cast.node().integer("to", 1));
      if (type == ElementType.BOOL) {
        Tensor x = emitter.tensor(cast.value(0));
        emitter.putLike(cast, Choices.number(x.variable().neq(0), x.variable()), x);
        return;
      }
      if (type == null || type.integer()) {
        throw new UnsupportedGraphException(cast + " casts the image's data to integers");
      }
      pass(cast, emitter);
    }
  }

  /** Bounds are attributes up to operator set 10, inputs from 11 on. */
  private static final class Clip implements Converter {
    @Override
    public void convert(Operation clip, Emitter emitter) throws IOException {
      double min = bound(clip, "min", 1, -Float.MAX_VALUE);
      double max = bound(clip, "max", 2, Float.MAX_VALUE);
      Tensor x = emitter.tensor(clip.value(0));
      // With its bounds in the wrong order every value becomes the upper one.
      SDVariable y =
          min < max
              ? emitter.graph().math().clipByValue(x.variable(), min, max)
              : x.variable().mul(0).add(max);
      emitter.putLike(clip, y, x);
    }

    private static double bound(Operation clip, String attribute, int input, double otherwise)
        throws IOException {
      double given =
          clip.input(input) == null
              ? clip.node().real(attribute, otherwise)
              : clip.constant(input).scalar();
      return Math.max(-Float.MAX_VALUE, Math.min(Float.MAX_VALUE, given));
    }
  }

  /** Arithmetic on two values, or on a value and a constant, with numpy's broadcasting. */
  private record Pairs(Operator values, Scalar scalar, Scalar reversed) implements Converter {
    interface Operator {
      SDVariable apply(SDVariable left, SDVariable right);
    }

    interface Scalar {
      SDVariable apply(SDVariable x, double number);
    }

    @Override
    public void convert(Operation operation, Emitter emitter) throws IOException {
      Constant constant = operation.onlyConstant();
      if (constant != null && constant.size() == 1 && fits(operation, constant)) {
        Tensor x = emitter.tensor(operation.onlyValue());
        boolean inOrder = operation.input(0) instanceof Value;
        double number = constant.scalar();
        SDVariable y = (inOrder ? scalar : reversed).apply(x.variable(), number);
        emitter.putLike(operation, y, x);
        return;
      }
      Broadcast broadcast = Broadcast.of(operation, emitter);
      SDVariable y = values.apply(broadcast.operand(0), broadcast.operand(1));
      emitter.put(operation, y, broadcast.order(), broadcast.batch());
    }

    private static boolean fits(Operation operation, Constant constant) {
      return constant.shape().length <= operation.onlyValue().rank();
    }
  }

  /** Operands of an operation brought to one rank and one order of axes. */
  @SuppressWarnings("ArrayRecordComponent")
  record Broadcast(List<SDVariable> operands, int[] order, int batch) {
    SDVariable operand(int index) {
      return operands.get(index);
    }

    static Broadcast of(Operation operation, Emitter emitter) throws IOException {
      return of(operation, emitter, true);
    }

    /** Its values alone; null stands for each constant. */
    static Broadcast ofValues(Operation operation, Emitter emitter) throws IOException {
      return of(operation, emitter, false);
    }

    private static Broadcast of(Operation operation, Emitter emitter, boolean constants)
        throws IOException {
      long[] shape = operation.output().shape();
      int rank = shape.length;
      Tensor leading = null;
      for (Value value : operation.values()) {
        Tensor tensor = emitter.tensor(value);
        if (leading == null
            || tensor.rank() > leading.rank()
            || (tensor.rank() == leading.rank() && size(tensor) > size(leading))) {
          leading = tensor;
        }
      }
      int more = rank - leading.rank();
      int[] own = leading.order();
      int[] order =
          IntStream.range(0, rank).map(i -> i < more ? i : own[i - more] + more).toArray();
      int batch = leading.batch() == Tensor.NONE ? Tensor.NONE : leading.batch() + more;
      List<SDVariable> operands = new ArrayList<>();
      for (int i = 0; i < operation.inputs().size(); i++) {
        if (operation.input(i) instanceof Value value) {
          Tensor tensor = emitter.tensor(value);
          boolean together =
              batch == Tensor.NONE
                  ? tensor.batch() == batch
                  : tensor.batch() + rank - tensor.rank() == batch
                      && tensor.shape()[tensor.batch()] == shape[batch];
          if (!together) {
            throw new UnsupportedGraphException(operation + " mixes the images of a batch");
          }
          operands.add(emitter.broadcastable(tensor, rank, order));
        } else if (constants) {
          Constant view = lying(operation, emitter, order, batch, operation.constant(i));
          String what = operation.inputs().size() == 2 ? "constant" : "constant" + i;
          operands.add(
              emitter.parameter(
                  operation,
                  what,
                  Role.FIXED,
                  () -> Recipe.ofMask(view),
                  withoutOnes(view.shape())));
        } else {
          operands.add(null);
        }
      }
      return new Broadcast(operands, order, batch);
    }

    private static long size(Tensor tensor) {
      return Constant.count(tensor.shape());
    }

    /** A shape as broadcasting reads it, ones in front left out. */
    static long[] withoutOnes(long... shape) {
      int ones = 0;
      while (ones < shape.length - 1 && shape[ones] == 1) {
        ones++;
      }
      return Arrays.copyOfRange(shape, ones, shape.length);
    }

    /** A constant as {@link #lying} for these values. */
    Constant lying(Operation operation, Emitter emitter, int index) throws IOException {
      return lying(operation, emitter, order, batch, operation.constant(index));
    }

    /** A constant with as many axes as the values and in their order, for one image. */
    private static Constant lying(
        Operation operation, Emitter emitter, int[] order, int batch, Constant constant)
        throws IOException {
      int more = order.length - constant.shape().length;
      long[] full = new long[order.length];
      Arrays.fill(full, 1);
      System.arraycopy(constant.shape(), 0, full, more, constant.shape().length);
      Constant once = constant.reshape(full);
      if (batch != Tensor.NONE && full[batch] != 1) {
        if (full[batch] != emitter.batch()) {
          throw new UnsupportedGraphException(
              operation + " has a constant that differs between the images of a batch");
        }
        once = once.unrepeated(batch, operation);
      }
      return once.transpose(order);
    }
  }

  private static void reciprocal(Operation operation, Emitter emitter) {
    Tensor x = emitter.tensor(operation.value(0));
    emitter.putLike(operation, x.variable().rdiv(1.0), x);
  }

  /** By a known number, or by others. */
  private static void pow(Operation pow, Emitter emitter) throws IOException {
    if (pow.input(0) instanceof Value base
        && pow.input(1) instanceof Constant exponent
        && exponent.size() == 1
        && exponent.shape().length <= base.rank()) {
      Tensor x = emitter.tensor(base);
      emitter.putLike(pow, power(emitter.graph(), x.variable(), exponent.scalar()), x);
      return;
    }
    Elementwise.Broadcast pair = Elementwise.Broadcast.of(pow, emitter);
    SDVariable y = emitter.graph().math().pow(pair.operand(0), pair.operand(1));
    emitter.put(pow, y, pair.order(), pair.batch());
  }

  private static SDVariable power(SameDiff graph, SDVariable x, double exponent) {
    if (exponent == 2) {
      return x.mul(x);
    }
    if (exponent == 0.5) {
      return graph.math().sqrt(x);
    }
    if (exponent == -1) {
      return x.rdiv(1.0);
    }
    return exponent == 3 ? x.mul(x).mul(x) : graph.math().pow(x, exponent);
  }
}
