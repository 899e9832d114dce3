package org.ttame.core.attention;

import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import org.ttame.core.Text;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;

/**
 * The form of an attention mechanism.
 *
 * @param features the layers it reads, in the order given by the user, latest last; the i-th is
 *     {@code branch.i} and the i-th block of the fusion's input channels
 * @param classes K, the number of maps it can make
 * @param variant the form of its branches
 */
public record AttentionSpec(List<FeatureLayer> features, int classes, Variant variant) {
  public AttentionSpec {
    features = List.copyOf(features);
    Objects.requireNonNull(variant, "variant");
    requireLayers(features);
    if (variant.mapsOf(features.size()) != features.size()) {
      throw new IllegalArgumentException(
          Text.format(
              "The variant %s reads %d of the layers, got %d: %s",
              variant.optionName(),
              variant.mapsOf(features.size()),
              features.size(),
              nodes(features)));
    }
    if (classes < 1) {
      throw new IllegalArgumentException("A mechanism needs a class to explain, got " + classes);
    }
  }

  /**
   * A mechanism on the selected layers, less those the variant drops: the earliest ones.
   *
   * @param selected the layers selected, latest last
   * @param classes K
   * @param variant the form
   * @return the spec, with the layers that are read
   * @throws IllegalArgumentException if fewer layers were selected than the variant reads
   */
  public static AttentionSpec of(List<FeatureLayer> selected, int classes, Variant variant) {
    requireLayers(selected);
    int kept = variant.mapsOf(selected.size());
    if (kept > selected.size()) {
      throw new IllegalArgumentException(
          Text.format(
              "The variant %s reads %d layers, but only %d were selected: %s",
              variant.optionName(), kept, selected.size(), nodes(selected)));
    }
    return new AttentionSpec(
        selected.subList(selected.size() - kept, selected.size()), classes, variant);
  }

  /**
   * Makes sure that the variant is a method for classifiers of this kind. The arithmetic is there
   * for all.
   *
   * @throws IllegalArgumentException if it is L-CAM-Img of a vision transformer
   */
  public AttentionSpec requireApplicable() {
    if (variant == Variant.LCAM && features.get(0).kind() == FeatureKind.TOKENS) {
      throw new IllegalArgumentException(
          Text.format(
                  "L-CAM-Img explains convolutional networks by their last feature map; %s is a vision",
                  nodes(features))
              + " transformer's, which has none: take another variant");
    }
    return this;
  }

  private static void requireLayers(List<FeatureLayer> layers) {
    if (layers.isEmpty()) {
      throw new IllegalArgumentException(
          "An attention mechanism needs at least one layer to read, and no layer with a height and a"
              + " width lies on every path to the logits: name some with option 'layers' if inspect lists any,"
              + " or explain by rise, which needs none");
    }
  }

  /** The number of trainable values: C² and more for a branch, ΣC·K and K for the fusion. */
  public long parameterCount() {
    long count = (long) fusionChannels() * classes + classes;
    for (FeatureLayer layer : variant.hasBranches() ? features : List.<FeatureLayer>of()) {
      long channels = layer.channels();
      count += channels * channels + channels + (variant.hasBatchNorm() ? 2 * channels : 0);
    }
    return count;
  }

  /** h of the maps it makes: that of the largest feature map. */
  public int mapHeight() {
    return features.stream().mapToInt(FeatureLayer::height).max().orElseThrow();
  }

  /** w of the maps it makes: that of the largest feature map. */
  public int mapWidth() {
    return features.stream().mapToInt(FeatureLayer::width).max().orElseThrow();
  }

  /** ΣC, the fusion's input channels. */
  public int fusionChannels() {
    return features.stream().mapToInt(FeatureLayer::channels).sum();
  }

  /**
   * The fewest images that a training step can take: two where batch normalisation has one value a
   * channel and image, whose variance over one image nobody knows; else one.
   */
  public int fewestImages() {
    return variant.hasBatchNorm()
            && features.stream().anyMatch(layer -> layer.height() * layer.width() == 1)
        ? 2
        : 1;
  }

  private static String nodes(List<FeatureLayer> layers) {
    return layers.stream().map(FeatureLayer::node).collect(Collectors.joining(", "));
  }
}
