package org.ttame.core.engine;

import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A step's own way to compute, in place of ND4J's operation. Belongs to one step of one plan. */
interface Kernel extends AutoCloseable {
  /** What it computes, for profiles. */
  String kind();

  /** Floating-point operations of a run. */
  long operations();

  /** Whether inputs and output are blocks of channels; see {@link BlockedLayoutPass}. */
  default boolean blocked() {
    return false;
  }

  /** Whether it may write over its first input: each value depends on those at its place alone. */
  default boolean elementwise() {
    return false;
  }

  /**
   * Ties it to the step's arrays; an earlier tie ends.
   *
   * @param inputs in the step's order, dense, in c order
   * @param output where it writes
   */
  OperationCall.Bound bind(List<INDArray> inputs, INDArray output);

  @Override
  void close();
}
