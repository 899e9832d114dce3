package org.ttame.core.classifier;

import java.util.List;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.engine.GraphResult;

/**
 * What a classifier said about a batch. Owns its arrays.
 *
 * <p>{@link #logits()} is {@code [B, K]}; {@link #features()} are in the order asked for, each
 * {@code [B, h, w, C]} or {@code [B, 1 + h·w, C]} by its layer's kind.
 */
public final class ClassifierOutput implements AutoCloseable {
  private final GraphResult result;
  private final OutputKind kind;
  private final INDArray images;
  private final INDArray logits;
  private final List<INDArray> features;

  /** Answers for images, which stay their owner's. */
  ClassifierOutput(
      GraphResult result,
      OutputKind kind,
      INDArray images,
      INDArray logits,
      List<INDArray> features) {
    this.images = images;
    this.result = result;
    this.kind = kind;
    this.logits = logits;
    this.features = List.copyOf(features);
  }

  /** Logits, {@code [B, K]}. */
  public INDArray logits() {
    return logits;
  }

  /**
   * ψ of each class, by the output's kind.
   *
   * @return B rows of K probabilities
   */
  public double[][] probabilities() {
    return kind.probabilities(logits);
  }

  /**
   * ψ of one class of each image.
   *
   * @param classes B class indices
   * @return B probabilities
   */
  public double[] probabilities(int[] classes) {
    double[][] all = probabilities();
    return IntStream.range(0, classes.length).mapToDouble(b -> all[b][classes[b]]).toArray();
  }

  /**
   * What methods take for a class of an image: its logit; of a single logit, that or its negative.
   *
   * @param image row in the batch
   */
  public double score(int image, int target) {
    return kind.score(logits, image, target);
  }

  /** Feature maps in the order asked for. */
  public List<INDArray> features() {
    return features;
  }

  /**
   * The most probable class of each image; of equal ones the first.
   *
   * @return B class indices
   */
  public int[] predictedClasses() {
    return Predictions.argMax(logits);
  }

  /**
   * Refuses an answer that is none.
   *
   * @throws NonFiniteException if a logit is NaN or infinite, or a pixel was
   */
  public ClassifierOutput requireFinite() {
    if (!images.wasClosed()) {
      NonFiniteException.checkImages(images);
    }
    NonFiniteException.check(logits);
    return this;
  }

  @Override
  public void close() {
    result.close();
  }
}
