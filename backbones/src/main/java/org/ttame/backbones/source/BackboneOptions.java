package org.ttame.backbones.source;

import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Consumer;
import org.nd4j.linalg.api.buffer.DataType;
import org.ttame.core.classifier.Assumption;
import org.ttame.core.classifier.OutputKind;
import org.ttame.core.engine.Precision;
import org.ttame.core.image.ImageSize;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.ResizeRule;

/**
 * What a user, or the record of a run, says of a backbone file.
 *
 * @param name the expected model or family, e.g. {@code vgg16} or {@code vgg}; empty to take what
 *     is found
 * @param classes the expected number of classes; empty to take what is found
 * @param mean channel means the backbone was trained with
 * @param std channel standard deviations the backbone was trained with
 * @param size height and width of its images, where the file leaves them free; empty to take what
 *     the file says
 * @param resize how pictures are brought to that size; empty to take what the file says
 * @param output the graph's output that has the logits; empty to take what is found
 * @param outputKind what that output means; empty to take what is found
 * @param doublePrecision whether to compute in double precision: slow, for checks of methods that
 *     single precision is too coarse for
 * @param precision in what precision convolutions and products are computed: {@link
 *     Precision#FLOAT32}, or bfloat16, not with doublePrecision
 * @param assumed which of these were assumed where they were recorded, rather than said
 */
public record BackboneOptions(
    Optional<String> name,
    OptionalInt classes,
    Optional<List<Double>> mean,
    Optional<List<Double>> std,
    Optional<ImageSize> size,
    Optional<ResizeRule> resize,
    Optional<String> output,
    Optional<OutputKind> outputKind,
    boolean doublePrecision,
    Precision precision,
    Set<Assumption.Setting> assumed) {
  private static final BackboneOptions DEFAULTS = new Draft().options();

  public BackboneOptions {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(classes, "classes");
    Objects.requireNonNull(size, "size");
    Objects.requireNonNull(resize, "resize");
    Objects.requireNonNull(output, "output");
    Objects.requireNonNull(outputKind, "outputKind");
    Objects.requireNonNull(precision, "precision");
    if (doublePrecision && precision != Precision.FLOAT32) {
      throw new IllegalArgumentException("A graph is in double precision or in bfloat16, not both");
    }
    mean = mean.map(List::copyOf);
    std = std.map(List::copyOf);
    assumed = Collections.unmodifiableSet(new LinkedHashSet<>(assumed));
    if (mean.isPresent() != std.isPresent()) {
      throw new IllegalArgumentException("Mean and std belong together; give both");
    }
    if (mean.isPresent()) {
      new InputSpec(1, mean.get(), std.get()); // refuses what is no standardisation
    }
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
   */
  public BackboneOptions withName(String expected) {
    return with(draft -> draft.name = Optional.of(expected));
  }

  /**
   * Expects a number of classes.
   *
   * @param expected K
   */
  public BackboneOptions withClasses(int expected) {
    return with(draft -> draft.classes = OptionalInt.of(expected));
  }

  /**
   * Sets the standardisation.
   *
   * @param channelMean a mean for each channel; of three, red first
   * @param channelStd as many standard deviations
   */
  public BackboneOptions withStandardisation(List<Double> channelMean, List<Double> channelStd) {
    return with(
        draft -> {
          draft.mean = Optional.of(channelMean);
          draft.std = Optional.of(channelStd);
        });
  }

  /**
   * Sets the size of images.
   *
   * @param pixels height and width
   */
  public BackboneOptions withSize(ImageSize pixels) {
    return with(draft -> draft.size = Optional.of(pixels));
  }

  /** Sets how pictures are brought to the size of images. */
  public BackboneOptions withResize(ResizeRule rule) {
    return with(draft -> draft.resize = Optional.of(rule));
  }

  /**
   * Names the output that has the logits, or their softmax.
   *
   * @param outputName as the file names it
   */
  public BackboneOptions withOutput(String outputName) {
    return with(draft -> draft.output = Optional.of(outputName));
  }

  /** Says what the output means. */
  public BackboneOptions withOutputKind(OutputKind kind) {
    return with(draft -> draft.outputKind = Optional.of(kind));
  }

  /** Marks settings as assumed in the record that they are from. */
  public BackboneOptions assumedBefore(Set<Assumption.Setting> settings) {
    return with(draft -> draft.assumed = settings);
  }

  /** Computes in double precision. */
  public BackboneOptions inDoublePrecision() {
    return with(draft -> draft.doublePrecision = true);
  }

  /**
   * Sets the precision that the classifier is computed in, here and now: no property of the file.
   *
   * @param value float32 unless this is called
   */
  public BackboneOptions withPrecision(Precision value) {
    return with(draft -> draft.precision = value);
  }

  /** The type of the graph's values. */
  public DataType dataType() {
    return doublePrecision ? DataType.DOUBLE : DataType.FLOAT;
  }

  private BackboneOptions with(Consumer<Draft> change) {
    Draft draft = new Draft();
    draft.name = name;
    draft.classes = classes;
    draft.mean = mean;
    draft.std = std;
    draft.size = size;
    draft.resize = resize;
    draft.output = output;
    draft.outputKind = outputKind;
    draft.doublePrecision = doublePrecision;
    draft.precision = precision;
    draft.assumed = assumed;
    change.accept(draft);
    return draft.options();
  }

  /** Options that are being changed. */
  private static final class Draft {
    private Optional<String> name = Optional.empty();
    private OptionalInt classes = OptionalInt.empty();
    private Optional<List<Double>> mean = Optional.empty();
    private Optional<List<Double>> std = Optional.empty();
    private Optional<ImageSize> size = Optional.empty();
    private Optional<ResizeRule> resize = Optional.empty();
    private Optional<String> output = Optional.empty();
    private Optional<OutputKind> outputKind = Optional.empty();
    private boolean doublePrecision;
    private Precision precision = Precision.FLOAT32;
    private Set<Assumption.Setting> assumed = Set.of();

    BackboneOptions options() {
      return new BackboneOptions(
          name,
          classes,
          mean,
          std,
          size,
          resize,
          output,
          outputKind,
          doublePrecision,
          precision,
          assumed);
    }
  }
}
