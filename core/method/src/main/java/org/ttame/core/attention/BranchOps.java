package org.ttame.core.attention;

import java.util.List;
import org.nd4j.autodiff.samediff.SDIndex;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.ttame.core.classifier.FeatureLayer;

/**
 * The parts that training and inference share.
 *
 * <p>Two identities keep the mechanism small. Bilinear upsampling is linear in space and the fusion
 * linear in channels, so the fusion of upsampled branches equals the sum of upsampled fusions of
 * branches: each branch is fused at its own resolution and only the resulting maps are upsampled.
 * And a map needs only its own row of the fusion's weights: only the maps asked for are computed.
 */
final class BranchOps {
  private BranchOps() {}

  /** The feature map adapter: pixels or patches as rows, {@code [B·h·w, C]}. */
  static SDVariable adapt(SDVariable feature, FeatureLayer layer) {
    int first = layer.prefix();
    SDVariable patches =
        first > 0
            ? feature.get(
                SDIndex.all(),
                SDIndex.interval(first, first + layer.height() * layer.width()),
                SDIndex.all())
            : feature;
    return patches.reshape(-1, layer.channels());
  }

  /** The branch's last step. */
  static SDVariable activate(SameDiff graph, Variant variant, SDVariable rows) {
    return variant.hasSigmoid() ? graph.nn().sigmoid(rows) : graph.nn().relu(rows, 0);
  }

  /**
   * The fusion module, less its bias.
   *
   * @param activations of each branch, {@code [B·h_i·w_i, C_i]}
   * @param weights the wanted classes' fusion weights for each branch, {@code [B, M, C_i]}
   * @param height h of the maps
   * @param width w of the maps
   * @return {@code [B·M, h, w]}
   */
  static SDVariable fuse(
      SameDiff graph,
      List<FeatureLayer> layers,
      List<SDVariable> activations,
      List<SDVariable> weights,
      int height,
      int width) {
    SDVariable sum = null;
    for (int i = 0; i < layers.size(); i++) {
      FeatureLayer layer = layers.get(i);
      SDVariable pixels =
          activations.get(i).reshape(-1, layer.height() * layer.width(), layer.channels());
      SDVariable small =
          graph
              .mmul(weights.get(i), pixels, false, true, false)
              .reshape(-1, layer.height(), layer.width());
      SDVariable maps =
          Upsampling.append(graph, small, layer.height(), layer.width(), height, width);
      sum = sum == null ? maps : sum.add(maps);
    }
    return sum;
  }
}
