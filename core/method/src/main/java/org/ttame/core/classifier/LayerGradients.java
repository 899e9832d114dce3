package org.ttame.core.classifier;

import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.engine.GraphResult;

/**
 * Feature maps of a batch and the gradients of the asked classes' logits with respect to them. Owns
 * its arrays; lists follow the order of the layers asked for.
 *
 * @param result holds the arrays
 * @param logits {@code [B, K]}
 * @param features each {@code [B, h, w, C]} or {@code [B, 1 + h·w, C]}
 * @param gradients ∂ logit[b, class_b] / ∂ feature[b], each of its feature map's shape
 */
public record LayerGradients(
    GraphResult result, INDArray logits, List<INDArray> features, List<INDArray> gradients)
    implements AutoCloseable {
  @Override
  public void close() {
    result.close();
  }
}
