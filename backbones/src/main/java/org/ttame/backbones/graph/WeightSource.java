package org.ttame.backbones.graph;

import java.io.IOException;
import org.nd4j.linalg.api.ndarray.INDArray;

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
}
