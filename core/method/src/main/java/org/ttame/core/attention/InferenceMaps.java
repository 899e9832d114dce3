package org.ttame.core.attention;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;
import org.ttame.core.classifier.FeatureLayer;

/** The mechanism as it runs after training, with {@link InferenceWeights}. */
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
    InferenceWeights values = InferenceWeights.of(mechanism); // the graph's own from here on
    List<SDVariable> activations = new ArrayList<>();
    List<SDVariable> weights = new ArrayList<>();
    for (int i = 0; i < layers.size(); i++) {
      SDVariable rows = BranchOps.adapt(features.get(i), layers.get(i));
      activations.add(
          spec.variant().hasBranches()
              ? branch(graph, spec.variant(), values.branches().get(i), rows)
              : rows);
      weights.add(graph.gather(graph.constant(values.fusion().get(i)), classes, 0));
    }
    int h = spec.mapHeight();
    int w = spec.mapWidth();
    SDVariable maps = BranchOps.fuse(graph, layers, activations, weights, h, w);
    // As a column: gather on a vector with a matrix of indices crashes the JVM.
    INDArray column = Copies.of(values.bias(), mechanism.dataType(), spec.classes(), 1);
    values.bias().close();
    SDVariable bias = graph.gather(graph.constant(column), classes, 0);
    SDVariable size = graph.constant(Nd4j.createFromArray(new long[] {h, w}));
    SDVariable shape = graph.concat(0, graph.shape(classes).castTo(DataType.INT64), size);
    return graph.reshape(maps.add(bias.reshape(-1, 1, 1)), shape);
  }

  private static SDVariable branch(
      SameDiff graph, Variant variant, InferenceWeights.Affine affine, SDVariable rows) {
    SDVariable sum =
        graph
            .mmul(rows, graph.constant(affine.weight()), false, true, false)
            .add(graph.constant(affine.bias()));
    return BranchOps.activate(graph, variant, sum);
  }
}
