package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;

/**
 * Nodes that leave an operand as it is: a zero added, a multiplication by one, a mask that lets
 * everything through, a reshape to the same shape. Exporters write many of them; they are dropped
 * before anything is recognised, so that no reader has to know them.
 */
final class Neutral {
  private Neutral() {}

  /**
   * What a node's outputs are where it changes nothing.
   *
   * @param node a node whose operands depend on the image
   * @param inputs its operands, null for one left out
   * @return for each output the operand that it is, or null where it is computed; the list is empty
   *     where all are
   */
  static List<Operand> outputs(OnnxNode node, List<Operand> inputs) throws IOException {
    if (Movement.moves(node.type()) && inputs.get(0) instanceof Value value) {
      return unmoved(node, value, inputs);
    }
    Operand same =
        switch (node.type()) {
          case "Identity", "Dropout" -> inputs.get(0);
          case "Cast" ->
              ElementType.of(node.integer("to", 1)) == ElementType.FLOAT ? inputs.get(0) : null;
          case "CastLike" -> isReal(inputs.get(1)) ? inputs.get(0) : null;
          case "Add" -> besides(inputs, 0, true);
          case "Sub" -> besides(inputs, 0, false);
          case "Mul" -> besides(inputs, 1, true);
          case "Div", "Pow" -> besides(inputs, 1, false);
          case "And" -> besides(inputs, 1, true);
          case "Or" -> besides(inputs, 0, true);
          case "Max", "Min", "Sum", "Mean" -> inputs.size() == 1 ? inputs.get(0) : null;
          case "Clip" -> unclipped(node, inputs);
          case "Where" -> chosen(inputs);
          case "Concat" -> onlyPart(node, inputs);
          case "Pad" -> unpadded(node, inputs);
          default -> null;
        };
    return same == null ? List.of() : Collections.singletonList(same);
  }

  /**
   * Of a movement the outputs whose elements are all of the input's, in their order and shape, or
   * none of them: the tokens in front where there are none.
   */
  private static List<Operand> unmoved(OnnxNode node, Value value, List<Operand> inputs)
      throws IOException {
    Constant positions = Constant.positions(value.shape());
    Operand[] outputs =
        Movement.apply(node, positions, inputs).stream()
            .map(
                moved ->
                    moved.equalsView(positions)
                        ? value
                        : moved.size() == 0
                            ? Constant.ofValues(new double[0], false, moved.shape())
                            : null)
            .toArray(Operand[]::new);
    return Arrays.stream(outputs).allMatch(Objects::isNull) ? List.of() : Arrays.asList(outputs);
  }

  /** The operand beside a constant of that value only, if that does not change its shape. */
  private static Operand besides(List<Operand> inputs, double neutral, boolean commutes)
      throws IOException {
    Operand left = inputs.get(0);
    Operand right = inputs.get(1);
    if (right instanceof Constant constant && keepsShape(left, right) && constant.all(neutral)) {
      return left;
    }
    boolean other =
        commutes
            && left instanceof Constant constant
            && keepsShape(right, left)
            && constant.all(neutral);
    return other ? right : null;
  }

  private static boolean keepsShape(Operand operand, Operand other) {
    long[] shape = operand.shape();
    return Arrays.equals(Shapes.broadcast(shape, other.shape()), shape);
  }

  /** Of a condition that is known and the same everywhere, what it chooses. */
  private static Operand chosen(List<Operand> inputs) throws IOException {
    if (!(inputs.get(0) instanceof Constant condition)) {
      return null;
    }
    boolean no = condition.all(0);
    if (!no && !condition.none(0)) {
      return null;
    }
    Operand operand = inputs.get(no ? 2 : 1);
    long[] shape =
        Shapes.broadcast(
            Shapes.broadcast(condition.shape(), inputs.get(1).shape()), inputs.get(2).shape());
    if (operand instanceof Constant constant) {
      return constant.broadcast(shape);
    }
    return Arrays.equals(shape, operand.shape()) ? operand : null;
  }

  private static Operand unclipped(OnnxNode node, List<Operand> inputs) throws IOException {
    double low = bound(node, "min", inputs, 1, Double.NEGATIVE_INFINITY);
    double high = bound(node, "max", inputs, 2, Double.POSITIVE_INFINITY);
    return low <= -Float.MAX_VALUE && high >= Float.MAX_VALUE ? inputs.get(0) : null;
  }

  private static double bound(
      OnnxNode node, String name, List<Operand> inputs, int index, double none) throws IOException {
    Operand operand = index < inputs.size() ? inputs.get(index) : null;
    if (operand == null) {
      return node.real(name, none);
    }
    return operand instanceof Constant constant ? constant.scalar() : Double.NaN;
  }

  /** The only part that has elements. */
  private static Operand onlyPart(OnnxNode node, List<Operand> inputs) {
    int axis = Shapes.concatAxis(node, inputs.get(0).shape().length);
    List<Operand> parts = inputs.stream().filter(part -> part.shape()[axis] != 0).toList();
    return parts.size() == 1 ? parts.get(0) : null;
  }

  private static Operand unpadded(OnnxNode node, List<Operand> inputs) throws IOException {
    if (inputs.size() > 1) {
      return inputs.get(1) instanceof Constant pads && pads.all(0) ? inputs.get(0) : null;
    }
    long[] pads = node.integers("pads");
    return pads != null && Arrays.stream(pads).allMatch(pad -> pad == 0) ? inputs.get(0) : null;
  }

  /**
   * Whether an operand is of floats: what depends on the image is, until it is cast or compared.
   */
  private static boolean isReal(Operand operand) {
    if (operand instanceof Constant constant) {
      return !constant.integer();
    }
    Value value = (Value) operand;
    Operation producer = value.producer();
    return !Choices.isMask(value) && (producer == null || !producer.is("Cast", "CastLike"));
  }
}
