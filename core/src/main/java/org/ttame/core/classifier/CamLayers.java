package org.ttame.core.classifier;

import java.util.List;

/**
 * Which layer the CAM family reads unless told otherwise. Of a convolutional network the last
 * feature map with the resolution of the last convolution: VGG's ReLU before the last pool, the
 * last stage of a ResNet. Of a vision transformer the normalised input of the last block's
 * attention: whatever comes after the last attention has no gradient but on the class token.
 */
public final class CamLayers {
  private CamLayers() {}

  /**
   * The layer.
   *
   * @param classifier whose
   * @return one of its layers
   * @throws IllegalArgumentException if it names none
   */
  public static FeatureLayer standard(FrozenClassifier classifier) {
    List<FeatureLayer> layers = List.copyOf(classifier.layers().values());
    if (layers.isEmpty()) {
      throw new IllegalArgumentException(
          classifier.name() + " names no layer that could be explained");
    }
    FeatureLayer last = layers.get(layers.size() - 1);
    if (last.kind() == FeatureKind.TOKENS) {
      return layers.stream()
          .filter(layer -> layer.node().endsWith(".ln_1"))
          .reduce((first, second) -> second)
          .orElse(last);
    }
    if (!last.node().startsWith("features.")) {
      return last;
    }
    // A pool is the last entry of VGG's features; the map before it is the ReLU's.
    return layers.size() > 1 && layers.get(layers.size() - 2).height() > last.height()
        ? layers.get(layers.size() - 2)
        : last;
  }
}
