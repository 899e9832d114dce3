package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import org.ttame.backbones.Backbones;
import org.ttame.backbones.onnx.OnnxBackbone;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;
import org.ttame.core.classifier.Assumption;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.OutputKind;
import org.ttame.core.image.ImageSize;
import org.ttame.core.image.ResizeRule;
import org.ttame.services.InvalidOptionException;
import org.ttame.services.TrainedRun;
import org.ttame.training.run.RunClassifier;
import org.ttame.training.run.RunFolder;

/**
 * Which classifier a command works on: the file of {@code --weights}, or else the one that the run
 * of {@code --run} was trained for. With a run, all that decides the classifier's numbers comes
 * from the run: what is given again has to be the same, and so has the file.
 *
 * @param weights the file, if given
 * @param run the training run, if given
 * @param given what the command line says of the file
 */
record ClassifierChoice(Optional<Path> weights, Optional<Path> run, BackboneOptions given) {
  /** What the names of the families' members begin with. */
  private static final List<String> FAMILIES = List.of("vgg", "resnet", "vit");

  /** The output kind that is found. */
  private static final String AUTO = "auto";

  /** The options that {@link #parse} reads. */
  static final List<OptionSpec> OPTIONS =
      List.of(
          CommonOptions.WEIGHTS,
          CommonOptions.RUN,
          CommonOptions.BACKBONE,
          CommonOptions.MEAN,
          CommonOptions.STD,
          CommonOptions.INPUT_SIZE,
          CommonOptions.RESIZE,
          CommonOptions.OUTPUT,
          CommonOptions.OUTPUT_KIND);

  /** A file alone. */
  static ClassifierChoice of(Path weights, BackboneOptions given) {
    return new ClassifierChoice(Optional.of(weights), Optional.empty(), given);
  }

  /** Reads the options; says what is missing where neither file nor run is given. */
  static ClassifierChoice parse(Arguments arguments) throws UsageException {
    Optional<Path> weights = arguments.path(CommonOptions.WEIGHTS);
    Optional<Path> run = arguments.path(CommonOptions.RUN);
    if (weights.isEmpty() && run.isEmpty()) {
      throw new UsageException(
          "--weights FILE or --run DIR is missing: which classifier is it about?");
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
                "--backbone %s is no family; there are vgg16, resnet50 and vit_b_16", name.get()));
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
    Optional<OutputKind> kind = kind(arguments);
    return kind.isPresent() ? options.withOutputKind(kind.get()) : options;
  }

  private static Optional<OutputKind> kind(Arguments arguments) throws UsageException {
    Optional<String> text = arguments.text(CommonOptions.OUTPUT_KIND);
    if (text.isEmpty() || text.get().equals(AUTO)) {
      return Optional.empty();
    }
    Optional<OutputKind> kind = named(arguments, CommonOptions.OUTPUT_KIND, OutputKind::parse);
    if (kind.equals(Optional.of(OutputKind.ONE_LOGIT))) {
      throw new UsageException(
          "--output-kind one-logit is found by itself: leave the option out, or give logits, probabilities or multi-label");
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

  /**
   * What is known of the classifier's file: by the run where there is one, else by the command
   * line.
   *
   * @throws InvalidOptionException naming the option, if the command line contradicts the run
   * @throws IOException if the run's record is damaged
   */
  BackboneOptions options() throws IOException {
    if (run.isEmpty()) {
      return given;
    }
    RunClassifier recorded = RunFolder.open(run.get()).classifier();
    BackboneOptions options = recorded.options();
    require(CommonOptions.MEAN, options.mean(), given.mean());
    require(CommonOptions.STD, options.std(), given.std());
    require(CommonOptions.INPUT_SIZE, options.size(), given.size());
    require(
        CommonOptions.RESIZE,
        options.resize().map(ResizeRule::optionName),
        given.resize().map(ResizeRule::optionName));
    if (options.output().isPresent()) {
      require(CommonOptions.OUTPUT, options.output(), given.output());
    } else if (given.output().isPresent()) {
      options = options.withOutput(given.output().get());
    }
    if (options.outputKind().isPresent()) {
      require(
          CommonOptions.OUTPUT_KIND,
          options.outputKind().map(OutputKind::optionName),
          again(given.outputKind(), options.outputKind().get()).map(OutputKind::optionName));
    } else if (given.outputKind().isPresent()) {
      options = options.withOutputKind(given.outputKind().get());
    }
    return given.name().isPresent() ? options.withName(given.name().get()) : options;
  }

  /** Of a single logit, whatever is said means that. */
  private static Optional<OutputKind> again(Optional<OutputKind> given, OutputKind recorded) {
    return recorded == OutputKind.ONE_LOGIT
        ? Optional.of(recorded).filter(k -> given.isPresent())
        : given;
  }

  private void require(OptionSpec option, Optional<?> recorded, Optional<?> again) {
    if (again.isPresent() && !again.equals(recorded)) {
      throw InvalidOptionException.differs(
          option.name(), again.get(), run.orElseThrow(), recorded.orElseThrow());
    }
  }

  /**
   * Loads the classifier, and says what had to be assumed of it.
   *
   * @return it; the caller closes it
   * @throws InvalidOptionException naming the option, if the command line contradicts the run
   * @throws IOException naming the file, if it is missing, no classifier, or not the run's
   */
  FrozenClassifier load(Console console) throws IOException {
    BackboneOptions options = options();
    Path file = file();
    long began = System.nanoTime();
    FrozenClassifier classifier =
        run.isPresent()
            ? TrainedRun.of(run.get()).open(file, options)
            : Backbones.load(file, options);
    console.note(
        Text.format(
            "%s from %s, %d classes, %s pixels, read in %.1f s",
            classifier.name(),
            file,
            classifier.classes(),
            classifier.inputSpec().size(),
            (System.nanoTime() - began) / 1e9));
    String output = classifier.provenance().get(OnnxBackbone.OUTPUT);
    if (given.output().isPresent() && output == null) {
      classifier.close();
      throw new InvalidOptionException(
          CommonOptions.OUTPUT.name(),
          Text.format(
              "%s: %s does not say which output it was made from; leave it out, or import it again",
              given.output().get(), file));
    }
    say(classifier.assumptions(), console);
    return classifier;
  }

  /** Says assumptions that are not on record yet. */
  static void say(List<Assumption> assumptions, Console console) {
    assumptions.stream()
        .filter(assumption -> !assumption.recorded())
        .forEach(assumption -> console.note(assumption.sentence()));
  }

  /**
   * The classifier's file.
   *
   * @throws IOException if the run does not say which, or it has gone
   */
  Path file() throws IOException {
    return weights.isPresent() ? weights.get() : TrainedRun.of(run.orElseThrow()).weights();
  }
}
