package org.ttame.core.attention;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Copies in another shape that can be closed. What {@code reshape} returns is a view to ND4J, even
 * if nobody else holds the memory, and views cannot be closed.
 */
final class Copies {
  private Copies() {}

  /** Copies values of any strides and type in their C order; the caller closes the copy. */
  static INDArray of(INDArray from, DataType type, long... shape) {
    INDArray copy = Nd4j.createUninitialized(type, shape, 'c');
    copy.reshape('c', from.shape().clone()).assign(from);
    return copy;
  }
}
