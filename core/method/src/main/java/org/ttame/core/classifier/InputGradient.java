package org.ttame.core.classifier;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.engine.GraphResult;

/**
 * The cross-entropy of a batch and its gradient with respect to the images. Owns its arrays.
 *
 * <p>{@link #logits()} is {@code [B, K]}; {@link #gradient()} is {@code [B, H, W, C]}, of the mean
 * over the batch.
 */
public final class InputGradient implements AutoCloseable {
  private final GraphResult result;
  private final double crossEntropy;
  private final INDArray logits;
  private final INDArray gradient;

  InputGradient(GraphResult result, double crossEntropy, INDArray logits, INDArray gradient) {
    this.result = result;
    this.crossEntropy = crossEntropy;
    this.logits = logits;
    this.gradient = gradient;
  }

  /** Mean over the batch of −log softmax(logits)[label], in nats. */
  public double crossEntropy() {
    return crossEntropy;
  }

  /** Logits, {@code [B, K]}. */
  public INDArray logits() {
    return logits;
  }

  /** ∂ {@link #crossEntropy()} / ∂ images, {@code [B, H, W, C]}. */
  public INDArray gradient() {
    return gradient;
  }

  @Override
  public void close() {
    result.close();
  }
}
