package org.ttame.eval.bench;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;

/**
 * How fast this machine multiplies large float32 matrices (sgemm), through the same library as
 * everything else: what convolutions and matrix products could reach at best.
 */
public final class MatrixPeak {
  private static final int SIDE = 2048;
  private static final int REPEATS = 12;

  private MatrixPeak() {}

  /** Billions of floating-point operations a second, of the fastest of a dozen products. */
  public static double gigaflops() {
    try (INDArray x = Nd4j.valueArrayOf(new long[] {SIDE, SIDE}, 0.5, DataType.FLOAT);
        INDArray y = Nd4j.valueArrayOf(new long[] {SIDE, SIDE}, 0.25, DataType.FLOAT);
        INDArray z = Nd4j.createUninitialized(DataType.FLOAT, SIDE, SIDE)) {
      double best = Double.POSITIVE_INFINITY;
      for (int i = 0; i < REPEATS; i++) {
        long began = System.nanoTime();
        Nd4j.exec(DynamicCustomOp.builder("matmul").addInputs(x, y).addOutputs(z).build());
        best = Math.min(best, (System.nanoTime() - began) / 1e9);
      }
      return 2.0 * SIDE * SIDE * SIDE / best / 1e9;
    }
  }
}
