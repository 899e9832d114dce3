package org.ttame.core.attention;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.ttame.core.Text;
import org.ttame.core.classifier.FeatureLayer;

/**
 * The mechanism as it runs after training. Batch normalisation with running statistics and the skip
 * connection fold into the convolution: γ·(Wx + b − μ)/√(σ² + ε) + β + x is one affine map of x.
 */
final class InferenceMaps {
  private InferenceMaps() {}

  static SDVariable append(
      AttentionMechanism mechanism, SameDiff graph, List<SDVariable> features, SDVariable classes) {
    AttentionSpec spec = mechanism.spec();
    List<FeatureLayer> layers = spec.features();
    if (features.size() != layers.size()) {
      throw new IllegalArgumentException(
          Text.format(
              "The mechanism reads %d feature maps, got %d", layers.size(), features.size()));
    }
    List<SDVariable> activations = new ArrayList<>();
    List<SDVariable> weights = new ArrayList<>();
    int channel = 0;
    for (int i = 0; i < layers.size(); i++) {
      FeatureLayer layer = layers.get(i);
      SDVariable rows = BranchOps.adapt(features.get(i), layer);
      activations.add(spec.variant().hasBranches() ? branch(mechanism, graph, i, rows) : rows);
      INDArray block =
          mechanism
              .array(ArrayLayout.FUSION_WEIGHT)
              .get(NDArrayIndex.all(), NDArrayIndex.interval(channel, channel + layer.channels()))
              .dup('c');
      weights.add(graph.gather(graph.constant(block), classes, 0));
      channel += layer.channels();
    }
    int h = spec.mapHeight();
    int w = spec.mapWidth();
    SDVariable maps = BranchOps.fuse(graph, layers, activations, weights, h, w);
    // As a column: gather on a vector with a matrix of indices crashes the JVM.
    INDArray column =
        Copies.of(
            mechanism.array(ArrayLayout.FUSION_BIAS), mechanism.dataType(), spec.classes(), 1);
    SDVariable bias = graph.gather(graph.constant(column), classes, 0);
    SDVariable size = graph.constant(Nd4j.createFromArray(new long[] {h, w}));
    SDVariable shape = graph.concat(0, graph.shape(classes).castTo(DataType.INT64), size);
    return graph.reshape(maps.add(bias.reshape(-1, 1, 1)), shape);
  }

  private static SDVariable branch(
      AttentionMechanism mechanism, SameDiff graph, int i, SDVariable rows) {
    Variant variant = mechanism.spec().variant();
    INDArray weight = mechanism.array(ArrayLayout.convWeight(i)).dup('c');
    INDArray bias = mechanism.array(ArrayLayout.convBias(i)).dup('c');
    if (variant.hasBatchNorm()) {
      try (INDArray deviation =
              mechanism.array(ArrayLayout.runningVar(i)).add(AttentionMechanism.BN_EPSILON);
          INDArray scale = mechanism.array(ArrayLayout.bnWeight(i)).dup('c')) {
        org.nd4j.linalg.ops.transforms.Transforms.sqrt(deviation, false);
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
    SDVariable sum =
        graph.mmul(rows, graph.constant(weight), false, true, false).add(graph.constant(bias));
    return BranchOps.activate(graph, variant, sum);
  }
}
