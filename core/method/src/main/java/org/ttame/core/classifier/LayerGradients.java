package org.ttame.core.classifier;

import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.engine.GraphResult;

/**
 * Feature maps of a batch and the gradients of the asked classes' logits with respect to them. Owns
 * its arrays; lists follow the order of the layers asked for.
 */
public final class LayerGradients implements AutoCloseable {
  private final GraphResult result;
  private final INDArray logits;
  private final List<INDArray> features;
  private final List<INDArray> gradients;

  LayerGradients(
      GraphResult result, INDArray logits, List<INDArray> features, List<INDArray> gradients) {
    this.result = result;
    this.logits = logits;
    this.features = List.copyOf(features);
    this.gradients = List.copyOf(gradients);
  }

  /** Logits, {@code [B, K]}. */
  public INDArray logits() {
    return logits;
  }

  /** Feature maps, each {@code [B, h, w, C]} or {@code [B, 1 + h·w, C]}. */
  public List<INDArray> features() {
    return features;
  }

  /** ∂ logit[b, class_b] / ∂ feature[b], each of its feature map's shape. */
  public List<INDArray> gradients() {
    return gradients;
  }

  @Override
  public void close() {
    result.close();
  }
}
