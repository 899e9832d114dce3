package org.ttame.core.loss;

import java.util.Collections;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What a training step needs from the way back. Owns its arrays. */
public final class StepGradients implements AutoCloseable {
  private final double area;
  private final double variation;
  private final Map<String, INDArray> gradients;
  private final Map<String, INDArray> statistics;

  StepGradients(
      double area,
      double variation,
      Map<String, INDArray> gradients,
      Map<String, INDArray> statistics) {
    this.area = area;
    this.variation = variation;
    this.gradients = Collections.unmodifiableMap(gradients);
    this.statistics = Collections.unmodifiableMap(statistics);
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
    gradients.values().forEach(StepGradients::release);
    statistics.values().forEach(StepGradients::release);
  }

  private static void release(INDArray array) {
    if (!array.wasClosed()) {
      array.close();
    }
  }
}
