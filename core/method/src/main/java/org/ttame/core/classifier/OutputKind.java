package org.ttame.core.classifier;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Named;

/**
 * What the numbers z that a classifier ends in mean. Decides the probability ψ of a class, the
 * cross-entropy of the training loss, and the score that methods differentiate and compare:
 *
 * <table>
 * <caption>By kind</caption>
 * <tr><th>kind</th><th>ψ_k</th><th>CE(z, y)</th><th>score of class k</th></tr>
 * <tr><td>LOGITS, PROBABILITIES</td><td>softmax(z)_k</td><td>−log softmax(z)_y</td><td>z_k</td></tr>
 * <tr><td>MULTI_LABEL</td><td>σ(z_k)</td><td>−log σ(z_y)</td><td>z_k</td></tr>
 * <tr><td>ONE_LOGIT, as [0, z]</td><td>softmax([0, z])_k</td><td>−log softmax([0, z])_y</td>
 * <td>−z, z</td></tr>
 * </table>
 */
public enum OutputKind implements Named {
  /** Logits of classes that are mutually exclusive. */
  LOGITS("logits"),
  /** The graph ends in their softmax; z is what stands before it. */
  PROBABILITIES("probabilities"),
  /** Logits of classes that are independent; the graph may end in their sigmoid. */
  MULTI_LABEL("multi-label"),
  /**
   * The logit of one class: two classes, of which 1 is that one. Its score is z, that of its
   * contrary −z: a constant logit of 0 would explain nothing.
   */
  ONE_LOGIT("one-logit");

  private final String text;

  OutputKind(String text) {
    this.text = text;
  }

  @Override
  public String optionName() {
    return text;
  }

  /**
   * Reads a name.
   *
   * @param name e.g. {@code multi-label}
   * @throws IllegalArgumentException if there is none of that name
   */
  public static OutputKind parse(String name) {
    return Named.parse(OutputKind.class, "kind of output", name);
  }

  /** Whether the classes' probabilities sum to one. */
  public boolean isExclusive() {
    return this != MULTI_LABEL;
  }

  /**
   * ψ of each class.
   *
   * @param logits {@code [B, K]}
   * @return B rows of K probabilities
   */
  public double[][] probabilities(INDArray logits) {
    return isExclusive() ? Predictions.softmax(logits) : Predictions.sigmoid(logits);
  }

  /**
   * What methods take for a class: its logit; of one logit, the logit or its negative.
   *
   * @param logits {@code [B, K]}
   * @return its score
   */
  public double score(INDArray logits, int row, int target) {
    double score = logits.getDouble(row, target);
    return this == ONE_LOGIT ? score - logits.getDouble(row, 1 - target) : score;
  }
}
