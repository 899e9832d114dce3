package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/**
 * Where the elements of a value come from: back through reshapes, transposes, slices and
 * multiplications by single numbers to the operation that computed them.
 *
 * @param source the value that was computed
 * @param positions of the traced value's shape: for each element its row-major position in the
 *     source
 * @param scale what the elements were multiplied by on the way
 */
record Trace(Value source, Constant positions, double scale) {

  static Trace back(Value value) throws IOException {
    return back(value, null);
  }

  /**
   * Traces back.
   *
   * @param value the value to start from
   * @param stop a value not to go beyond, or null
   */
  static Trace back(Value value, Value stop) throws IOException {
    Deque<Operation> path = new ArrayDeque<>();
    Deque<Value> passed = new ArrayDeque<>();
    double scale = 1;
    Value at = value;
    while (at != stop && at.producer() != null) {
      Operation operation = at.producer();
      if (Movement.moves(operation.type()) && operation.input(0) instanceof Value previous) {
        path.push(operation);
        passed.push(at);
        at = previous;
      } else if (operation.is("Mul", "Div")
          && operation.onlyConstant() != null
          && operation.onlyConstant().size() == 1
          && operation.output().rank() == operation.onlyValue().rank()
          && (operation.is("Mul") || operation.input(0) instanceof Value)) {
        double factor = operation.onlyConstant().scalar();
        scale *= operation.is("Mul") ? factor : 1 / factor;
        at = operation.onlyValue();
      } else {
        break;
      }
    }
    Constant positions = Constant.positions(at.shape());
    while (!path.isEmpty()) {
      Operation operation = path.pop();
      int output = operation.outputs().indexOf(passed.pop());
      positions = Movement.apply(operation.node(), positions, operation.inputs()).get(output);
    }
    return new Trace(at, positions, scale);
  }

  /** Whether they are all of the source's elements, row by row; scaled or not. */
  boolean isWhole() throws IOException {
    return positions.size() == Constant.count(source.shape()) && positions.isInOrder();
  }

  /** Whether the elements are, unscaled, where an expected arrangement has them. */
  boolean isUnscaled(Constant expected) throws IOException {
    return scale == 1
        && positions.size() == expected.size()
        && (positions.isInOrder()
            ? expected.isInOrder()
            : Arrays.equals(positions.values(), expected.values()));
  }
}
