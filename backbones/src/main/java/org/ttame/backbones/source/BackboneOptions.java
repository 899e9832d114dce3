package org.ttame.backbones.source;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.nd4j.linalg.api.buffer.DataType;
import org.ttame.core.classifier.Assumption;
import org.ttame.core.image.InputSpec;

/**
 * What a user, or the record of a run, says of a backbone file.
 *
 * @param name the expected model or family, e.g. {@code vgg16} or {@code vgg}; empty to take what
 *     is found
 * @param classes the expected number of classes; empty to take what is found
 * @param mean channel means the backbone was trained with
 * @param std channel standard deviations the backbone was trained with
 * @param side height and width of its images, where the file leaves them free; empty to take what
 *     the file says
 * @param output the graph's output that has the logits; empty to take what is found
 * @param doublePrecision whether to compute in double precision: slow, for checks of methods that
 *     single precision is too coarse for
 * @param assumed which of these were assumed where they were recorded, rather than said
 */
public record BackboneOptions(
    Optional<String> name,
    OptionalInt classes,
    Optional<List<Double>> mean,
    Optional<List<Double>> std,
    OptionalInt side,
    Optional<String> output,
    boolean doublePrecision,
    Set<Assumption.Setting> assumed) {
  private static final BackboneOptions DEFAULTS =
      new BackboneOptions(
          Optional.empty(),
          OptionalInt.empty(),
          Optional.empty(),
          Optional.empty(),
          OptionalInt.empty(),
          Optional.empty(),
          false,
          Set.of());

  public BackboneOptions {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(classes, "classes");
    Objects.requireNonNull(output, "output");
    mean = mean.map(List::copyOf);
    std = std.map(List::copyOf);
    assumed = java.util.Collections.unmodifiableSet(new LinkedHashSet<>(assumed));
    new InputSpec(
        side.orElse(1), mean.orElse(InputSpec.IMAGENET_MEAN), std.orElse(InputSpec.IMAGENET_STD));
    if (classes.isPresent() && classes.getAsInt() < 2) {
      throw new IllegalArgumentException(
          "A classifier has two classes or more, got " + classes.getAsInt());
    }
  }

  /** Takes what the file says, and assumes the rest. */
  public static BackboneOptions defaults() {
    return DEFAULTS;
  }

  /**
   * Expects a model or family.
   *
   * @param expected e.g. {@code resnet50} or {@code resnet}
   * @return the options
   */
  public BackboneOptions withName(String expected) {
    return new BackboneOptions(
        Optional.of(expected), classes, mean, std, side, output, doublePrecision, assumed);
  }

  /**
   * Expects a number of classes.
   *
   * @param expected K
   * @return the options
   */
  public BackboneOptions withClasses(int expected) {
    return new BackboneOptions(
        name, OptionalInt.of(expected), mean, std, side, output, doublePrecision, assumed);
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
        name,
        classes,
        Optional.of(channelMean),
        Optional.of(channelStd),
        side,
        output,
        doublePrecision,
        assumed);
  }

  /**
   * Sets the size of images.
   *
   * @param pixels height and width
   * @return the options
   */
  public BackboneOptions withSide(int pixels) {
    return new BackboneOptions(
        name, classes, mean, std, OptionalInt.of(pixels), output, doublePrecision, assumed);
  }

  /**
   * Names the output that has the logits, or their softmax.
   *
   * @param outputName as the file names it
   * @return the options
   */
  public BackboneOptions withOutput(String outputName) {
    return new BackboneOptions(
        name, classes, mean, std, side, Optional.of(outputName), doublePrecision, assumed);
  }

  /**
   * Marks settings as assumed in the record that they are from.
   *
   * @param settings which
   * @return the options
   */
  public BackboneOptions assumedBefore(Set<Assumption.Setting> settings) {
    return new BackboneOptions(name, classes, mean, std, side, output, doublePrecision, settings);
  }

  /** Computes in double precision. */
  public BackboneOptions inDoublePrecision() {
    return new BackboneOptions(name, classes, mean, std, side, output, true, assumed);
  }

  /** The type of the graph's values. */
  public DataType precision() {
    return doublePrecision ? DataType.DOUBLE : DataType.FLOAT;
  }
}
