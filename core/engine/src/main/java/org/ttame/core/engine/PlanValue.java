package org.ttame.core.engine;

import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * One array of a plan: a leaf of the graph, something computed once while planning, or the output
 * of a step. A value with a {@link #base} is the same memory under another shape.
 */
final class PlanValue {
  /** Where a value's memory is. */
  enum Kind {
    /** A variable or constant of the graph; its array is looked up when the plan is bound. */
    LEAF,
    /** Computed while planning; {@link #fixed} holds it. */
    FIXED,
    /** A placeholder: copied into the plan's memory at the start, or when the late inputs come. */
    INPUT,
    /** The output of a step, in the plan's memory. */
    COMPUTED
  }

  final String name;
  final Kind kind;
  final DataType type;
  final long[] shape;

  /** The array of a fixed value; of a leaf, what it was while planning. */
  final INDArray fixed;

  /** Which part of which constant this was computed from, or null. */
  Part part;

  /**
   * A part of a constant: one of several of the same length along the last axis.
   *
   * @param whole the constant
   * @param place which of the parts
   * @param count how many there are
   */
  record Part(PlanValue whole, int place, int count) {}

  /** The value whose memory this one shares, or null. */
  PlanValue base;

  /** Position of the step that first writes this memory; −1 for inputs present from the start. */
  int defined = Integer.MAX_VALUE;

  /** Position of the last step that reads this memory. */
  int lastUsed = -1;

  /** Byte offset in the plan's memory, for roots that live there. */
  long offset = -1;

  PlanValue(String name, Kind kind, DataType type, long[] shape, INDArray fixed) {
    this.name = name;
    this.kind = kind;
    this.type = type;
    this.shape = shape;
    this.fixed = fixed;
  }

  static PlanValue computed(String name, DataType type, long... shape) {
    return new PlanValue(name, Kind.COMPUTED, type, shape, null);
  }

  /** The value that owns the memory. */
  PlanValue root() {
    PlanValue value = this;
    while (value.base != null) {
      value = value.base;
    }
    return value;
  }

  boolean inPlanMemory() {
    PlanValue root = root();
    return root.kind == Kind.COMPUTED || root.kind == Kind.INPUT;
  }

  long length() {
    return OperationCall.length(shape);
  }

  long bytes() {
    return length() * type.width();
  }

  /** The length of the last axis. */
  long channels() {
    return shape.length == 0 ? 1 : shape[shape.length - 1];
  }

  boolean sameShape(PlanValue other) {
    return type == other.type && Arrays.equals(shape, other.shape);
  }

  @Override
  public String toString() {
    return name + Arrays.toString(shape);
  }
}
