package org.ttame.backbones;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import org.nd4j.linalg.api.buffer.DataType;
import org.ttame.core.classifier.InputSpec;

/**
 * What a user says of a backbone file.
 *
 * @param name the expected model or family, e.g. {@code vgg16} or {@code vgg}; empty to take what
 *     is found
 * @param classes the expected number of classes; empty to take what is found
 * @param mean channel means the backbone was trained with
 * @param std channel standard deviations the backbone was trained with
 * @param doublePrecision whether to compute in double precision: slow, for checks of methods that
 *     single precision is too coarse for
 */
public record BackboneOptions(
    Optional<String> name,
    OptionalInt classes,
    Optional<List<Double>> mean,
    Optional<List<Double>> std,
    boolean doublePrecision) {

  public BackboneOptions {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(classes, "classes");
    mean = mean.map(List::copyOf);
    std = std.map(List::copyOf);
    new InputSpec(1, mean.orElse(InputSpec.IMAGENET_MEAN), std.orElse(InputSpec.IMAGENET_STD));
    if (classes.isPresent() && classes.getAsInt() < 2) {
      throw new IllegalArgumentException(
          "A classifier has two classes or more, got " + classes.getAsInt());
    }
  }

  /** Takes what the file says, and ImageNet's standardisation. */
  public static BackboneOptions defaults() {
    return new BackboneOptions(
        Optional.empty(), OptionalInt.empty(), Optional.empty(), Optional.empty(), false);
  }

  /**
   * Expects a model or family.
   *
   * @param expected e.g. {@code resnet50} or {@code resnet}
   * @return the options
   */
  public BackboneOptions withName(String expected) {
    return new BackboneOptions(Optional.of(expected), classes, mean, std, doublePrecision);
  }

  /**
   * Expects a number of classes.
   *
   * @param expected K
   * @return the options
   */
  public BackboneOptions withClasses(int expected) {
    return new BackboneOptions(name, OptionalInt.of(expected), mean, std, doublePrecision);
  }

  /**
   * Sets the standardisation.
   *
   * @param channelMean three means, red first
   * @param channelStd three standard deviations, red first
   * @return the options
   */
  public BackboneOptions withStandardisation(List<Double> channelMean, List<Double> channelStd) {
    return new BackboneOptions(
        name, classes, Optional.of(channelMean), Optional.of(channelStd), doublePrecision);
  }

  /** Computes in double precision. */
  public BackboneOptions inDoublePrecision() {
    return new BackboneOptions(name, classes, mean, std, true);
  }

  /** The type of the graph's values. */
  DataType precision() {
    return doublePrecision ? DataType.DOUBLE : DataType.FLOAT;
  }
}
