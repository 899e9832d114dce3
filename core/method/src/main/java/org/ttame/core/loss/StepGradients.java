package org.ttame.core.loss;

import java.util.Collections;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What a training step needs from the way back. Owns its arrays, but for gradients that are lent,
 * see {@link AttentionTrainingGraph.Forward#backwardBorrowing}.
 */
public final class StepGradients implements AutoCloseable {
  private final double area;
  private final double variation;
  private final Map<String, INDArray> gradients;
  private final Map<String, INDArray> statistics;
  private final Runnable giveBack;

  /**
   * Takes ownership of the statistics; {@code giveBack} is called when the gradients are needed no
   * more.
   */
  StepGradients(
      double area,
      double variation,
      Map<String, INDArray> gradients,
      Map<String, INDArray> statistics,
      Runnable giveBack) {
    this.area = area;
    this.variation = variation;
    this.gradients = Collections.unmodifiableMap(gradients);
    this.statistics = Collections.unmodifiableMap(statistics);
    this.giveBack = giveBack;
  }

  /** The area term E(Ψ), Eq. 16. */
  public double area() {
    return area;
  }

  /** The variation term V, Eq. 17. */
  public double variation() {
    return variation;
  }

  /**
   * The gradient of the whole loss, λ1·CE included, by parameter name; names, order and shapes are
   * those of the mechanism's parameters.
   */
  public Map<String, INDArray> gradients() {
    return gradients;
  }

  /**
   * The batch's statistics, for {@link
   * org.ttame.core.attention.AttentionMechanism#updateStatistics}: means, and unbiased variances,
   * under the names of the running ones.
   */
  public Map<String, INDArray> batchStatistics() {
    return statistics;
  }

  @Override
  public void close() {
    giveBack.run();
    release(statistics);
  }

  static void release(Map<String, INDArray> arrays) {
    arrays.values().stream().filter(array -> !array.wasClosed()).forEach(INDArray::close);
  }
}
