package org.ttame.core.classifier;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.engine.GraphResult;

/**
 * The cross-entropy of a batch and its gradient with respect to the images. Owns its arrays.
 *
 * @param result holds the arrays
 * @param crossEntropy mean over the batch of −log softmax(logits)[label], in nats
 * @param logits {@code [B, K]}
 * @param gradient ∂ crossEntropy / ∂ images, {@code [B, H, W, C]}
 */
public record InputGradient(
    GraphResult result, double crossEntropy, INDArray logits, INDArray gradient)
    implements AutoCloseable {
  @Override
  public void close() {
    result.close();
  }
}
