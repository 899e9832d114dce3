package org.ttame.training;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;

/** The attention mechanism that a training begins with. */
public final class InitialMechanism {
  /**
   * What the mechanism looks like.
   *
   * @param layers names of the classifier's layers in order, latest last, before the variant drops
   *     any; empty for the classifier's own choice
   * @param variant its form
   */
  public record Options(List<String> layers, Variant variant) {
    public Options {
      layers = List.copyOf(layers);
      Objects.requireNonNull(variant, "variant");
    }

    /** The method as proposed, on the classifier's own choice of layers. */
    public static Options defaults() {
      return new Options(List.of(), Variant.PROPOSED);
    }
  }

  private InitialMechanism() {}

  /**
   * What is to be trained: the layers that the options name, or the classifier's default ones, in
   * the options' variant. L-CAM's default is the one that the CAM family reads: VGG's ReLU before
   * the last pool, the last stage of a ResNet.
   *
   * @throws IllegalArgumentException naming the layer, if the classifier has none of that name, or
   *     if the variant does not explain classifiers of this kind
   */
  public static AttentionSpec spec(FrozenClassifier classifier, Options options) {
    List<FeatureLayer> layers =
        options.layers().isEmpty()
            ? defaultLayers(classifier, options.variant())
            : classifier.layers(options.layers());
    return AttentionSpec.of(layers, classifier.classes(), options.variant()).requireApplicable();
  }

  private static List<FeatureLayer> defaultLayers(FrozenClassifier classifier, Variant variant) {
    return variant == Variant.LCAM ? List.of(classifier.camLayer()) : classifier.defaultLayers();
  }

  /**
   * Makes it.
   *
   * @param spec what is to be trained
   * @param seed of values that are drawn
   * @param init an npz file with the values instead, if given
   * @return the caller closes it
   * @throws IOException naming the file, if it cannot be read or does not fit
   */
  public static AttentionMechanism create(AttentionSpec spec, long seed, Optional<Path> init)
      throws IOException {
    if (init.isEmpty()) {
      return AttentionMechanism.create(spec, seed);
    }
    try {
      return AttentionMechanism.read(spec, init.get());
    } catch (IllegalArgumentException e) {
      throw new IOException(
          Text.format("'%s' cannot be trained on: %s", init.get(), e.getMessage()), e);
    }
  }
}
