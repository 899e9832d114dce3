package org.ttame.core.classifier;

import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;

/**
 * The scalars a classifier is differentiated from, as variables of its graph.
 *
 * @param type of the logits
 * @param classes K
 */
record Objectives(DataType type, int classes) {
  /** Placeholder for one-hot classes, {@code [B, K]}. */
  static final String TARGET = "ttame_target";

  /** The mean cross-entropy of logits and {@link #TARGET}, by the output's kind. */
  static final String CROSS_ENTROPY = "ttame_cross_entropy";

  /** The sum over the batch of the {@link #TARGET} classes' scores. */
  static final String LOGIT_SUM = "ttame_logit_sum";

  /** The two logits [0, z] of a classifier with one. */
  private static final String BOTH = "ttame_both_logits";

  /** The variable with K logits: the graph's own, or of a single one z the two [0, z]. */
  static String logits(SameDiff graph, String logits, OutputKind kind) {
    if (kind != OutputKind.ONE_LOGIT) {
      return logits;
    }
    if (!graph.hasVariable(BOTH)) {
      SDVariable z = graph.getVariable(logits);
      graph.mmul(BOTH, z, matrix(graph, z.dataType(), new double[][] {{0, 1}}));
    }
    return BOTH;
  }

  private static SDVariable matrix(SameDiff graph, DataType type, double[][] values) {
    return graph.constant(Nd4j.createFromArray(values).castTo(type));
  }

  /** Adds the objectives to a graph that does not have them. */
  static Objectives of(SameDiff graph, String logits, OutputSpec output) {
    SDVariable z = graph.getVariable(logits);
    int classes = output.classes();
    Objectives objectives = new Objectives(z.dataType(), classes);
    if (graph.hasVariable(TARGET)) {
      return objectives;
    }
    SDVariable target = graph.placeHolder(TARGET, z.dataType(), -1, classes);
    SDVariable entropies =
        output.kind().isExclusive()
            ? softmaxEntropies(graph, z, target)
            : Sigmoids.log(graph, z).neg().mul(target).sum(1);
    entropies.mean(false, 0).rename(CROSS_ENTROPY);
    SDVariable scores = z;
    if (output.kind() == OutputKind.ONE_LOGIT) {
      scores = graph.mmul(z, matrix(graph, z.dataType(), new double[][] {{1, -1}, {-1, 1}}));
    }
    scores.mul(target).sum(1).sum(0).rename(LOGIT_SUM);
    return objectives;
  }

  private static SDVariable softmaxEntropies(SameDiff graph, SDVariable z, SDVariable target) {
    // Not through logSoftmax: ND4J's is -inf for a class 104 or more below the largest, and -inf
    // times the zero of a class that is not asked for is not a number.
    SDVariable shifted = z.sub(graph.max(z, true, 1));
    SDVariable normaliser = graph.math().log(graph.math().exp(shifted).sum(1));
    // Rows without a target are copies that fill up a batch and count for nothing.
    return normaliser.mul(target.sum(1)).sub(shifted.mul(target).sum(1));
  }

  /** Checks that there is a class for each image. */
  void checkCount(int[] labels, long images) {
    if (labels.length != images) {
      throw new IllegalArgumentException(
          Text.format("Expected a class for each of %d images, got %d", images, labels.length));
    }
  }

  /**
   * Classes as {@link #TARGET}'s value, {@code [B, K]}; the caller closes it. Throws
   * IllegalArgumentException if a class does not exist.
   */
  INDArray oneHot(String name, int[] labels) {
    INDArray target = Nd4j.zeros(type, labels.length, classes);
    for (int row = 0; row < labels.length; row++) {
      if (labels[row] < 0 || labels[row] >= classes) {
        target.close();
        throw new IllegalArgumentException(
            Text.format(
                "Class %d does not exist; %s has classes 0 to %d", labels[row], name, classes - 1));
      }
      target.putScalar(row, labels[row], 1);
    }
    return target;
  }
}
