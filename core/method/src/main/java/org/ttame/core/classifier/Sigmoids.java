package org.ttame.core.classifier;

import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.factory.Nd4j;

/** The logarithm of the sigmoid, as losses need it. */
public final class Sigmoids {
  /** Below this log σ(z) equals z in every digit of a double. */
  private static final double LINEAR_BELOW = -37;

  private Sigmoids() {}

  /**
   * log σ(z) for any z: −log(1 + e^−c) + (z − c) with c = max(z, −37). ND4J's own logSigmoid is −∞
   * below −88, with gradient NaN.
   *
   * @param graph the graph that z belongs to
   * @param z of any shape
   * @return of the same shape
   */
  public static SDVariable log(SameDiff graph, SDVariable z) {
    SDVariable bound = graph.constant(Nd4j.scalar(z.dataType(), LINEAR_BELOW));
    SDVariable c = graph.math().max(z, bound);
    return z.sub(c).sub(graph.nn().softplus(c.neg()));
  }
}
