package org.ttame.core.classifier;

import java.util.Objects;
import org.ttame.core.Text;

/**
 * A layer of a classifier whose output can be explained: a map {@code [B, h, w, C]}, or tokens
 * {@code [B, p + h·w, C]}.
 *
 * @param node its name in torchvision, e.g. {@code features.30}; what {@code --layers} takes
 * @param variable the name of its output in the SameDiff graph
 * @param kind the layout of that output
 * @param channels C, or the width of a token
 * @param height h of the map, or of the patch grid
 * @param width w of the map, or of the patch grid
 * @param prefix p, the tokens in front of those of the patches; of a map 0
 */
public record FeatureLayer(
    String node,
    String variable,
    FeatureKind kind,
    int channels,
    int height,
    int width,
    int prefix) {
  public FeatureLayer {
    Objects.requireNonNull(node, "node");
    Objects.requireNonNull(variable, "variable");
    Objects.requireNonNull(kind, "kind");
    if (channels < 1 || height < 1 || width < 1) {
      throw new IllegalArgumentException(
          Text.format(
              "Layer %s cannot have %d channels of %d×%d values", node, channels, height, width));
    }
    if (prefix < 0 || (kind == FeatureKind.MAP && prefix > 0)) {
      throw new IllegalArgumentException(
          Text.format("Layer %s of kind %s cannot have %d prefix tokens", node, kind, prefix));
    }
  }

  /** A map, or tokens of which the first is the class token. */
  public FeatureLayer(
      String node, String variable, FeatureKind kind, int channels, int height, int width) {
    this(node, variable, kind, channels, height, width, kind == FeatureKind.TOKENS ? 1 : 0);
  }

  /**
   * The shape of its output.
   *
   * @param batch B, or -1 where it is free
   */
  public long[] outputShape(long batch) {
    return kind == FeatureKind.TOKENS
        ? new long[] {batch, prefix + (long) height * width, channels}
        : new long[] {batch, height, width, channels};
  }

  /** Values of an image's output in front of those of its first place: {@code p·C}. */
  public int prefixValues() {
    return prefix * channels;
  }

  /** The shape of one image's output, for people: {@code 512×7×7}. */
  public String shape() {
    return Text.format("%d×%d×%d", channels, height, width);
  }
}
