package org.ttame.core.engine;

import java.util.Arrays;

/**
 * Where the elements of a stack of matrices {@code [..., M, N]} lie: a dense array, or one whose
 * axes are read in another order, so that nothing need be copied to turn them.
 */
final class StackLayout {
  private final long[] shape;
  private final long[] strides;

  private StackLayout(long[] shape, long[] strides) {
    this.shape = shape;
    this.strides = strides;
  }

  /** A dense array in c order. */
  static StackLayout dense(long... shape) {
    long[] strides = new long[shape.length];
    long apart = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      strides[i] = apart;
      apart *= shape[i];
    }
    return new StackLayout(shape.clone(), strides);
  }

  /** An array whose elements are so many apart along each axis. */
  static StackLayout of(long[] shape, long[] strides) {
    return new StackLayout(shape.clone(), strides.clone());
  }

  /** A part of this of another shape, which begins anywhere. */
  StackLayout part(long... lengths) {
    return new StackLayout(lengths.clone(), strides);
  }

  /**
   * What permuting gives, in the same memory.
   *
   * @param order for each axis of the result which one of this it is
   */
  StackLayout permuted(long... order) {
    long[] lengths = new long[order.length];
    long[] apart = new long[order.length];
    for (int i = 0; i < order.length; i++) {
      lengths[i] = shape[(int) order[i]];
      apart[i] = strides[(int) order[i]];
    }
    return new StackLayout(lengths, apart);
  }

  /** What must be permuted to give this, in this memory: the way back of {@link #permuted}. */
  StackLayout before(long... order) {
    long[] back = new long[order.length];
    for (int i = 0; i < order.length; i++) {
      back[(int) order[i]] = i;
    }
    return permuted(back);
  }

  /** Each matrix transposed. */
  StackLayout transposed() {
    long[] order = new long[shape.length];
    for (int i = 0; i < order.length; i++) {
      order[i] = i;
    }
    int last = order.length - 1;
    long rows = order[last - 1];
    order[last - 1] = order[last];
    order[last] = rows;
    return permuted(order);
  }

  /** Lengths of the axes. */
  long[] shape() {
    return shape.clone();
  }

  /** For each axis how many elements its neighbours are apart. */
  long[] strides() {
    return strides.clone();
  }

  /** M. */
  long rows() {
    return shape[shape.length - 2];
  }

  /** N. */
  long columns() {
    return shape[shape.length - 1];
  }

  /** Whether neighbours in a row are neighbours in memory. */
  boolean hasDenseRows() {
    return strides[strides.length - 1] == 1;
  }

  /** How many elements. */
  long length() {
    return OperationCall.length(shape);
  }

  /** Whether both are stacks of as many matrices, in the same axes. */
  boolean sameStack(StackLayout other) {
    int axes = shape.length - 2;
    return axes >= 0
        && shape.length == other.shape.length
        && Arrays.equals(shape, 0, axes, other.shape, 0, axes);
  }
}
