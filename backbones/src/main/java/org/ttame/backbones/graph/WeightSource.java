package org.ttame.backbones.graph;

import java.io.IOException;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.engine.NarrowConstants;

/** Hands out the weights of a graph, one at a time, in the graph's own layout. */
@FunctionalInterface
public interface WeightSource {
  /**
   * Loads a weight.
   *
   * @param name its name in the graph, see {@link Parameter}
   * @param shape the shape the graph needs
   * @return a new float32 array in c order; the caller owns it
   * @throws IOException if it cannot be read or does not fit
   */
  INDArray load(String name, long... shape) throws IOException;

  /**
   * Loads a weight in bfloat16.
   *
   * @param name as of {@link #load}
   * @param shape as of {@link #load}
   * @return a new array of type BFLOAT16 in c order; the caller owns it
   * @throws IOException as {@link #load}
   */
  default INDArray loadNarrow(String name, long... shape) throws IOException {
    try (INDArray wide = load(name, shape)) {
      return NarrowConstants.rounded(wide);
    }
  }
}
