package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.function.BinaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.ttame.backbones.graph.ImportedLayers.Role;

/**
 * Comparisons, logic, and what is chosen by them. Whether something holds is a number, 1 or 0, in
 * the graph's precision; it has no derivative, what is chosen has.
 */
final class Choices {
  private Choices() {}

  static void register(ConverterRegistry registry) {
    registry.add("Less", 7, several((a, b) -> number(a.lt(b), a)));
    registry.add("Greater", 7, several((a, b) -> number(a.gt(b), a)));
    registry.add("LessOrEqual", 12, several((a, b) -> number(a.lte(b), a)));
    registry.add("GreaterOrEqual", 12, several((a, b) -> number(a.gte(b), a)));
    registry.add("Equal", 7, several((a, b) -> number(a.eq(b), a)));
    registry.add("And", 7, several(SDVariable::mul));
    registry.add("Or", 7, several((a, b) -> number(a.add(b).gt(0), a)));
    registry.add("Xor", 7, several((a, b) -> number(a.neq(b), a)));
    registry.add("Not", 1, unary(x -> x.rsub(1.0)));
    registry.add("IsNaN", 9, unary(x -> number(x.getSameDiff().math().isNaN(x), x)));
    registry.add("Max", 6, several(Choices::greater));
    registry.add("Min", 6, several((a, b) -> greater(a.neg(), b.neg()).neg()));
    registry.add("Sum", 6, several(SDVariable::add));
    registry.add("Mean", 6, several(SDVariable::add));
    registry.add("Where", 9, Choices::where);
  }

  /** One where something holds and zero elsewhere, in the precision of another value. */
  static SDVariable number(SDVariable condition, SDVariable like) {
    return condition.castTo(like.dataType());
  }

  /** Whether a value says what holds: a comparison's, moved or joined by whatever. */
  static boolean isMask(Operand operand) {
    if (operand instanceof Constant constant) {
      return constant.type() == ElementType.BOOL;
    }
    Operation producer = ((Value) operand).producer();
    if (producer == null) {
      return false;
    }
    if (producer.is("Cast")) {
      return ElementType.of(producer.node().integer("to", 1)) == ElementType.BOOL;
    }
    boolean compares =
        producer.is(
            "Less",
            "Greater",
            "LessOrEqual",
            "GreaterOrEqual",
            "Equal",
            "And",
            "Or",
            "Xor",
            "Not",
            "IsNaN");
    boolean moves = Movement.moves(producer.type()) || producer.is("Concat", "Tile");
    return compares
        || (moves && isMask(producer.input(0)))
        || (producer.is("Where") && isMask(producer.input(1)));
  }

  private interface One {
    SDVariable apply(SDVariable x);
  }

  private static Converter unary(One function) {
    return new Elementwise.Unary(
        (operation, emitter) -> {
          Tensor x = emitter.tensor(operation.value(0));
          emitter.putLike(operation, function.apply(x.variable()), x);
        });
  }

  /** One operand after the other, with numpy's broadcasting; a mean is a sum by their number. */
  private static Converter several(BinaryOperator<SDVariable> operator) {
    return new Converter() {
      @Override
      public List<long[]> shapes(OnnxNode node, List<Operand> inputs) {
        return List.of(inputs.stream().map(Operand::shape).reduce(Shapes::broadcast).orElseThrow());
      }

      @Override
      public void convert(Operation operation, Emitter emitter) throws IOException {
        Elementwise.Broadcast all = Elementwise.Broadcast.of(operation, emitter);
        Stream<SDVariable> operands = all.operands().stream();
        // The greatest of a value and itself would have its derivative twice.
        operands = operation.is("Max", "Min") ? operands.distinct() : operands;
        SDVariable y = operands.reduce(operator).orElseThrow();
        if (operation.is("Mean")) {
          y = y.mul(1.0 / all.operands().size());
        }
        emitter.put(operation, y, all.order(), all.batch());
      }
    };
  }

  /**
   * The greater of two; where one is broadcast the library's derivative for the second is wrong.
   */
  private static SDVariable greater(SDVariable a, SDVariable b) {
    SameDiff graph = a.getSameDiff();
    return graph.max(a.mul(graph.onesLike(b)), b.mul(graph.onesLike(a)));
  }

  /** mask·a + (1 − mask)·b; infinite constants stand only where they are chosen. */
  private static void where(Operation where, Emitter emitter) throws IOException {
    Elementwise.Broadcast frame = Elementwise.Broadcast.ofValues(where, emitter);
    boolean known = where.input(0) instanceof Constant;
    Constant condition = known ? frame.lying(where, emitter, 0) : null;
    SDVariable mask =
        known
            ? emitter.parameter(
                where,
                "mask",
                Role.FIXED,
                () -> Recipe.of(condition),
                Elementwise.Broadcast.withoutOnes(condition.shape()))
            : frame.operand(0);
    SDVariable y = null;
    for (int index = 1; index <= 2; index++) {
      SDVariable gate = index == 1 ? mask : mask.rsub(1.0);
      SDVariable part;
      if (where.input(index) instanceof Value) {
        part = gate.mul(hidden(frame.operand(index), gate));
      } else {
        Constant constant = frame.lying(where, emitter, index);
        part =
            known
                ? laid(where, emitter, condition, constant, index)
                : gated(where, emitter, gate, constant, index);
      }
      y = y == null ? part : y.add(part);
    }
    emitter.put(where, y, frame.order(), frame.batch());
  }

  /**
   * A value where a mask lets it through, elsewhere something at least zero: -∞ or what is not a
   * number would come through a product with zero.
   */
  private static SDVariable hidden(SDVariable value, SDVariable gate) {
    SameDiff graph = value.getSameDiff();
    return graph.max(value, graph.math().log(gate.rsub(1.0)));
  }

  /** A constant where a mask that is known chooses it, zero elsewhere. */
  private static SDVariable laid(
      Operation where, Emitter emitter, Constant condition, Constant constant, int index)
      throws IOException {
    long[] shape = Shapes.broadcast(condition.shape(), constant.shape());
    double chosen = index == 1 ? 1 : 0;
    Emitter.Weight weight =
        () ->
            Recipe.ofMask(
                ConstantMath.binary(
                    condition.broadcast(shape),
                    constant.broadcast(shape),
                    constant.type(),
                    (mask, value) -> (mask == 0 ? 0 : 1) == chosen ? value : 0));
    return emitter.parameter(
        where, "chosen" + index, Role.FIXED, weight, Elementwise.Broadcast.withoutOnes(shape));
  }

  /**
   * A constant times a mask. Infinity times zero is not a number: infinities are logarithms of
   * zeros where they are chosen, and of ones elsewhere.
   */
  private static SDVariable gated(
      Operation where, Emitter emitter, SDVariable gate, Constant constant, int index)
      throws IOException {
    long[] shape = Elementwise.Broadcast.withoutOnes(constant.shape());
    if (!ImportedGraph.isInline(constant)) {
      Emitter.Weight weight = () -> Recipe.of(constant);
      return gate.mul(emitter.parameter(where, "constant" + index, Role.FIXED, weight, shape));
    }
    double[] values = constant.values();
    double[] finite = Arrays.stream(values).map(v -> Double.isInfinite(v) ? 0 : v).toArray();
    SDVariable part = gate.mul(emitter.numbers(where, "constant" + index, finite, shape));
    SameDiff graph = emitter.graph();
    for (double infinity : new double[] {Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY}) {
      double[] infinite = Arrays.stream(values).map(v -> v == infinity ? 1 : 0).toArray();
      if (IntStream.range(0, infinite.length).anyMatch(i -> infinite[i] != 0)) {
        SDVariable places = emitter.numbers(where, "infinite" + index, infinite, shape);
        SDVariable depth = graph.math().log(gate.mul(places).rsub(1.0));
        part = infinity < 0 ? part.add(depth) : part.sub(depth);
      }
    }
    return part;
  }
}
