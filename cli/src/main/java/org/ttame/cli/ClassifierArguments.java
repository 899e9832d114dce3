package org.ttame.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;
import org.ttame.core.classifier.OutputKind;
import org.ttame.core.engine.Precision;
import org.ttame.core.image.ImageSize;
import org.ttame.core.image.ResizeRule;
import org.ttame.services.ClassifierChoice;

/** The options that say which classifier a command works on. */
final class ClassifierArguments {
  /** What the names of the families' members begin with. */
  private static final List<String> FAMILIES = List.of("vgg", "resnet", "vit");

  /** The output kind that is found. */
  private static final String AUTO = "auto";

  private ClassifierArguments() {}

  /** Reads the options; says what is missing where neither file nor run is given. */
  static ClassifierChoice parse(Arguments arguments) throws UsageException {
    Optional<Path> weights = arguments.path(CommonOptions.WEIGHTS);
    Optional<Path> run = arguments.path(CommonOptions.RUN);
    if (weights.isEmpty() && run.isEmpty()) {
      throw new UsageException("--weights FILE or --run DIR is missing: the classifier to use");
    }
    return new ClassifierChoice(weights, run, options(arguments));
  }

  /** What the options say of a classifier's file. */
  static BackboneOptions options(Arguments arguments) throws UsageException {
    BackboneOptions options = BackboneOptions.defaults();
    Optional<String> name = arguments.text(CommonOptions.BACKBONE);
    if (name.isPresent()) {
      if (FAMILIES.stream().noneMatch(name.get().toLowerCase(Locale.ROOT)::startsWith)) {
        throw new UsageException(
            Text.format(
                "--backbone %s is not a family; choose from vgg16, resnet50 and vit_b_16",
                name.get()));
      }
      options = options.withName(name.get());
    }
    return images(arguments, options);
  }

  /** The same with what the options say of images and output. */
  static BackboneOptions images(Arguments arguments, BackboneOptions known) throws UsageException {
    BackboneOptions options = known;
    Optional<String> size = arguments.text(CommonOptions.INPUT_SIZE);
    if (size.isPresent()) {
      options = options.withSize(size(size.get()));
    }
    Optional<String> output = arguments.text(CommonOptions.OUTPUT);
    if (output.isPresent()) {
      options = options.withOutput(output.get());
    }
    List<Double> mean = arguments.numbers(CommonOptions.MEAN);
    List<Double> std = arguments.numbers(CommonOptions.STD);
    if (mean.isEmpty() != std.isEmpty()) {
      throw new UsageException("--mean and --std belong together; give both");
    }
    try {
      options = mean.isEmpty() ? options : options.withStandardisation(mean, std);
    } catch (IllegalArgumentException e) {
      throw new UsageException("--mean, --std: " + e.getMessage());
    }
    Optional<ResizeRule> resize = named(arguments, CommonOptions.RESIZE, ResizeRule::parse);
    options = resize.isPresent() ? options.withResize(resize.get()) : options;
    options = options.withPrecision(precision(arguments));
    Optional<OutputKind> kind = kind(arguments);
    return kind.isPresent() ? options.withOutputKind(kind.get()) : options;
  }

  /** What its convolutions and products are to be computed in. */
  static Precision precision(Arguments arguments) throws UsageException {
    return named(arguments, CommonOptions.PRECISION, Precision::of).orElse(Precision.FLOAT32);
  }

  private static Optional<OutputKind> kind(Arguments arguments) throws UsageException {
    Optional<String> text = arguments.text(CommonOptions.OUTPUT_KIND);
    if (text.isEmpty() || text.get().equals(AUTO)) {
      return Optional.empty();
    }
    Optional<OutputKind> kind = named(arguments, CommonOptions.OUTPUT_KIND, OutputKind::parse);
    if (kind.equals(Optional.of(OutputKind.ONE_LOGIT))) {
      throw new UsageException(
          "--output-kind one-logit is detected automatically: leave the option"
              + " out, or give logits, probabilities or multi-label");
    }
    return kind;
  }

  private static <T> Optional<T> named(
      Arguments arguments, OptionSpec option, Function<String, T> reader) throws UsageException {
    Optional<String> text = arguments.text(option);
    try {
      return text.map(reader);
    } catch (IllegalArgumentException e) {
      throw new UsageException(option.dashed() + ": " + e.getMessage());
    }
  }

  private static ImageSize size(String text) throws UsageException {
    try {
      return ImageSize.parse(text);
    } catch (IllegalArgumentException e) {
      throw new UsageException(CommonOptions.INPUT_SIZE.dashed() + ": " + e.getMessage());
    }
  }
}
