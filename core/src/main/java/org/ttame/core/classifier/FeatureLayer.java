package org.ttame.core.classifier;

import java.util.Objects;
import org.ttame.core.Text;

/**
 * A layer of a classifier whose output can be explained.
 *
 * @param node its name in torchvision, e.g. {@code features.30}; what {@code --layers} takes
 * @param variable the name of its output in the SameDiff graph
 * @param kind the layout of that output
 * @param channels C, or the width of a token
 * @param height h of the map, or of the patch grid
 * @param width w of the map, or of the patch grid
 */
public record FeatureLayer(
    String node, String variable, FeatureKind kind, int channels, int height, int width) {
  public FeatureLayer {
    Objects.requireNonNull(node, "node");
    Objects.requireNonNull(variable, "variable");
    Objects.requireNonNull(kind, "kind");
    if (channels < 1 || height < 1 || width < 1) {
      throw new IllegalArgumentException(
          Text.format(
              "Layer %s cannot have %d channels of %d×%d values", node, channels, height, width));
    }
  }

  /** The shape of one image's output, for people: {@code 512×7×7}. */
  public String shape() {
    return Text.format("%d×%d×%d", channels, height, width);
  }
}
