package org.ttame.core.attention;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.ops.transforms.Transforms;
import org.ttame.core.classifier.FeatureLayer;

/**
 * A mechanism's weights as they are used after training. Batch normalisation with running
 * statistics and the skip connection fold into the convolution: γ·(Wx + b − μ)/√(σ² + ε) + β + x is
 * one affine map of x.
 *
 * @param branches one for each layer; none where the variant has no branches
 * @param fusion the fusion's weights by layer, {@code [K, C_i]} each
 * @param bias the fusion's, {@code [K]}
 */
public record InferenceWeights(List<Affine> branches, List<INDArray> fusion, INDArray bias)
    implements AutoCloseable {
  /**
   * What a branch does before its activation.
   *
   * @param weight {@code [C, C]}, out and in
   * @param bias {@code [C]}
   */
  public record Affine(INDArray weight, INDArray bias) {}

  /** Copies of a mechanism's present values, which the caller has reserved. */
  static InferenceWeights of(AttentionMechanism mechanism) {
    AttentionSpec spec = mechanism.spec();
    List<Affine> branches = new ArrayList<>();
    List<INDArray> fusion = new ArrayList<>();
    int channel = 0;
    for (FeatureLayer layer : spec.features()) {
      if (spec.variant().hasBranches()) {
        branches.add(branch(mechanism, branches.size()));
      }
      fusion.add(
          mechanism
              .array(ArrayLayout.FUSION_WEIGHT)
              .get(NDArrayIndex.all(), NDArrayIndex.interval(channel, channel + layer.channels()))
              .dup('c'));
      channel += layer.channels();
    }
    return new InferenceWeights(
        branches, fusion, mechanism.array(ArrayLayout.FUSION_BIAS).dup('c'));
  }

  private static Affine branch(AttentionMechanism mechanism, int i) {
    Variant variant = mechanism.spec().variant();
    INDArray weight = mechanism.array(ArrayLayout.convWeight(i)).dup('c');
    INDArray bias = mechanism.array(ArrayLayout.convBias(i)).dup('c');
    if (variant.hasBatchNorm()) {
      try (INDArray deviation =
              mechanism.array(ArrayLayout.runningVar(i)).add(AttentionMechanism.BN_EPSILON);
          INDArray scale = mechanism.array(ArrayLayout.bnWeight(i)).dup('c')) {
        Transforms.sqrt(deviation, false);
        scale.divi(deviation);
        weight.muliColumnVector(scale);
        bias.subi(mechanism.array(ArrayLayout.runningMean(i)));
        bias.muli(scale);
        bias.addi(mechanism.array(ArrayLayout.bnBias(i)));
      }
    }
    if (variant.hasSkip()) {
      for (long c = 0; c < weight.rows(); c++) {
        weight.putScalar(c, c, weight.getDouble(c, c) + 1);
      }
    }
    return new Affine(weight, bias);
  }

  @Override
  public void close() {
    branches.forEach(
        branch -> {
          branch.weight().close();
          branch.bias().close();
        });
    fusion.forEach(INDArray::close);
    bias.close();
  }
}
