package org.ttame.core.engine;

import java.util.IdentityHashMap;
import java.util.function.Consumer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Frozen convolution weights as the way back reads them. The input gradient of a convolution of
 * stride one is a convolution too, with the kernel turned by 180° and its channels exchanged; the
 * forward kernels are the fast ones. Plans of one runner share the turned copies.
 */
final class RotatedWeights implements AutoCloseable {
  private final IdentityHashMap<INDArray, INDArray> turned = new IdentityHashMap<>();
  private final NarrowConstants constants;

  /**
   * None yet.
   *
   * @param constants the graph's; weights may be among them
   */
  RotatedWeights(NarrowConstants constants) {
    this.constants = constants;
  }

  /**
   * The turned weights.
   *
   * @param weights {@code [kH, kW, I, O]}, never changed
   * @return {@code [kH, kW, O, I]}, element (y, x, o, i) that of (kH−1−y, kW−1−x, i, o); stays this
   *     object's
   */
  INDArray of(INDArray weights) {
    return turned.computeIfAbsent(weights, key -> turn(constants.wide(key)));
  }

  /** As {@link #of}, in an array of the caller's. */
  static INDArray turn(INDArray weights) {
    long height = weights.size(0);
    long width = weights.size(1);
    INDArray result =
        Nd4j.createUninitialized(
            weights.dataType(), new long[] {height, width, weights.size(3), weights.size(2)}, 'c');
    for (long y = 0; y < height; y++) {
      for (long x = 0; x < width; x++) {
        INDArray from =
            weights.get(NDArrayIndex.point(height - 1 - y), NDArrayIndex.point(width - 1 - x));
        result.get(NDArrayIndex.point(y), NDArrayIndex.point(x)).assign(from.transpose());
      }
    }
    return result;
  }

  /**
   * Forgets weights that are gone.
   *
   * @param before hears of the turned ones before they are gone, too
   */
  void forget(INDArray weights, Consumer<INDArray> before) {
    INDArray gone = turned.remove(weights);
    if (gone != null) {
      before.accept(gone);
      GraphResult.release(gone);
    }
  }

  @Override
  public void close() {
    turned.values().forEach(GraphResult::release);
    turned.clear();
  }
}
