package org.ttame.core.attention;

import java.util.List;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * The gradient of the fusion's weights and biases, in memory that is kept from step to step: of K
 * rows only those of Ψ are ever other than zero, so only those need to be cleared. Owns its arrays.
 */
public final class FusionGradient implements AutoCloseable {
  /** The weights' name among a mechanism's parameters. */
  public static final String WEIGHT = ArrayLayout.FUSION_WEIGHT;

  /** The biases' name among a mechanism's parameters. */
  public static final String BIAS = ArrayLayout.FUSION_BIAS;

  private final INDArray weight;
  private final INDArray bias;
  private int[] filled = {};

  /**
   * Takes memory.
   *
   * @param mechanism whose fusion
   */
  public FusionGradient(AttentionMechanism mechanism) {
    INDArray weights = mechanism.array(ArrayLayout.FUSION_WEIGHT);
    weight = Nd4j.zeros(weights.dataType(), weights.shape());
    bias = Nd4j.zeros(weights.dataType(), mechanism.array(ArrayLayout.FUSION_BIAS).shape());
  }

  /**
   * Forgets the step before and sums the gradients of this one's rows.
   *
   * @param rows this step's
   * @param weightGradients for each branch {@code [B, M, C_i]}; stay the caller's
   * @param biasGradient {@code [B, M]}; stays the caller's
   */
  public void set(FusionRows rows, List<INDArray> weightGradients, INDArray biasGradient) {
    for (int row : filled) {
      weight.get(NDArrayIndex.point(row), NDArrayIndex.all()).assign(0);
    }
    bias.assign(0);
    filled = IntStream.of(rows.index().toIntVector()).distinct().toArray();
    rows.addWeightGradient(weight, weightGradients);
    rows.addBiasGradient(bias, biasGradient);
  }

  /** {@code [K, ΣC]}; live, not to be written to. */
  public INDArray weight() {
    return weight;
  }

  /** {@code [K]}; live, not to be written to. */
  public INDArray bias() {
    return bias;
  }

  @Override
  public void close() {
    weight.close();
    bias.close();
  }
}
