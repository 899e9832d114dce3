package org.ttame.core.engine;

import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * In which types a step's arrays are kept: what a kernel is made for.
 *
 * @param inputs of the step's inputs, in order
 * @param output of its output
 * @param over whether the result is written over the array that is added to it first, the second
 *     input
 */
record ArrayTypes(List<DataType> inputs, DataType output, boolean over) {

  /** Makes a step's kernel for arrays of any types it may be asked for. */
  interface Maker {
    /**
     * The kernel.
     *
     * @throws OneDnn.UnsupportedException if oneDNN has nothing fast for such types
     */
    Kernel make(ArrayTypes types);
  }

  ArrayTypes {
    inputs = List.copyOf(inputs);
  }

  ArrayTypes(List<DataType> inputs, DataType output) {
    this(inputs, output, false);
  }

  /** The types that values have. */
  static ArrayTypes of(List<PlanValue> inputs, PlanValue output) {
    return new ArrayTypes(inputs.stream().map(input -> input.type).toList(), output.type);
  }

  /** The one type of all arrays, for kernels that cannot mix them. */
  DataType uniform() {
    requireApart();
    if (!inputs.stream().allMatch(output::equals)) {
      throw new OneDnn.UnsupportedException("arrays of several types");
    }
    return output;
  }

  /** For kernels that do not write over what they add. */
  void requireApart() {
    if (over) {
      throw new OneDnn.UnsupportedException("a result over what is added to it");
    }
  }

  DataType input(int place) {
    return inputs.get(place);
  }

  /** The types from one input on: those of the arrays that post operations read. */
  List<DataType> from(int place) {
    return inputs.subList(place, inputs.size());
  }
}
