package org.ttame.backbones.onnx;

import java.util.ArrayList;
import java.util.List;
import org.ttame.core.Text;

/** A node of the graph that computes something from the image, or several that were fused. */
final class Operation {
  private final String type;
  private final OnnxNode node;
  private final List<Operand> inputs;
  private final List<Value> outputs;

  /**
   * Makes an operation.
   *
   * @param type ONNX operator type, or a fused one of {@link Fusion}
   * @param node the node, for its attributes and its name
   * @param inputs operands in order, null for one left out
   * @param outputs values in order
   */
  Operation(String type, OnnxNode node, List<Operand> inputs, List<Value> outputs) {
    this.type = type;
    this.node = node;
    this.inputs = new ArrayList<>(inputs);
    this.outputs = List.copyOf(outputs);
  }

  String type() {
    return type;
  }

  OnnxNode node() {
    return node;
  }

  List<Operand> inputs() {
    return inputs;
  }

  List<Value> outputs() {
    return outputs;
  }

  boolean is(String... types) {
    for (String candidate : types) {
      if (type.equals(candidate)) {
        return true;
      }
    }
    return false;
  }

  Value output() {
    return outputs.get(0);
  }

  /** An operand, or null where there is none. */
  Operand input(int index) {
    return index < inputs.size() ? inputs.get(index) : null;
  }

  /** An operand that must depend on the image. */
  Value value(int index) {
    if (input(index) instanceof Value value) {
      return value;
    }
    throw new UnsupportedGraphException(
        Text.format("%s should have the image's data as input", this));
  }

  /** An operand that must be known. */
  Constant constant(int index) {
    if (input(index) instanceof Constant constant) {
      return constant;
    }
    throw new UnsupportedGraphException(
        Text.format("%s does not have a constant as input %d", this, index));
  }

  /** The operands that depend on the image. */
  List<Value> values() {
    return inputs.stream().filter(Value.class::isInstance).map(Value.class::cast).toList();
  }

  /** Of an operation on a value and a constant, in any order, the constant; else null. */
  Constant onlyConstant() {
    if (inputs.size() != 2) {
      return null;
    }
    if (inputs.get(0) instanceof Constant constant && inputs.get(1) instanceof Value) {
      return constant;
    }
    return inputs.get(1) instanceof Constant constant && inputs.get(0) instanceof Value
        ? constant
        : null;
  }

  /** Of an operation on a value and a constant, in any order, the value. */
  Value onlyValue() {
    return inputs.get(0) instanceof Value value ? value : (Value) inputs.get(1);
  }

  /** For messages: {@code Conv node "/features/features.0/Conv"}. */
  @Override
  public String toString() {
    return Text.format("%s node \"%s\"", type, node.displayName());
  }
}
