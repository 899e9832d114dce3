package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.ttame.backbones.BackboneOptions;
import org.ttame.backbones.Backbones;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.training.run.RunFolder;

/**
 * Which classifier a command works on: the file of {@code --weights}, or else the one that the run
 * of {@code --run} was trained for.
 *
 * @param weights the file, if given
 * @param run the training run, if given
 * @param options what is known of the file
 */
record ClassifierChoice(Optional<Path> weights, Optional<Path> run, BackboneOptions options) {
  /** What the names of the families' members begin with. */
  private static final List<String> FAMILIES = List.of("vgg", "resnet", "vit");

  /** The options that {@link #parse} reads. */
  static final List<OptionSpec> OPTIONS =
      List.of(
          CommonOptions.WEIGHTS,
          CommonOptions.RUN,
          CommonOptions.BACKBONE,
          CommonOptions.MEAN,
          CommonOptions.STD);

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
    List<Double> mean = arguments.numbers(CommonOptions.MEAN);
    List<Double> std = arguments.numbers(CommonOptions.STD);
    if (mean.isEmpty() != std.isEmpty()) {
      throw new UsageException("--mean and --std belong together; give both");
    }
    try {
      return mean.isEmpty() ? options : options.withStandardisation(mean, std);
    } catch (IllegalArgumentException e) {
      throw new UsageException("--mean, --std: " + e.getMessage());
    }
  }

  /**
   * Loads the classifier.
   *
   * @return it; the caller closes it
   * @throws IOException naming the file, if it is missing or no classifier
   */
  FrozenClassifier load(Console console) throws IOException {
    Path file = file();
    long began = System.nanoTime();
    FrozenClassifier classifier = Backbones.load(file, options);
    console.note(
        Text.format(
            "%s from %s, %d classes, %d×%d pixels, read in %.1f s",
            classifier.name(),
            file,
            classifier.classes(),
            classifier.inputSpec().side(),
            classifier.inputSpec().side(),
            (System.nanoTime() - began) / 1e9));
    return classifier;
  }

  /**
   * The classifier's file.
   *
   * @throws IOException if the run does not say which, or it has gone
   */
  Path file() throws IOException {
    if (weights.isPresent()) {
      return weights.get();
    }
    RunFolder folder = RunFolder.open(run.orElseThrow());
    Path file =
        folder
            .backboneFile()
            .orElseThrow(
                () ->
                    new IOException(
                        Text.format(
                            "The run in %s does not say which file its classifier came from; give --weights",
                            folder.path())));
    if (!Files.exists(file)) {
      throw new IOException(
          Text.format(
              "%s, the classifier of the run in %s, is gone; say with --weights where it is now",
              file, folder.path()));
    }
    return file;
  }
}
