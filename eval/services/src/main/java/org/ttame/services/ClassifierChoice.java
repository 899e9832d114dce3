package org.ttame.services;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.ttame.backbones.Backbones;
import org.ttame.backbones.onnx.OnnxBackbone;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.core.classifier.Assumption;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.OutputKind;
import org.ttame.core.image.ResizeRule;
import org.ttame.training.run.RunClassifier;
import org.ttame.training.run.RunFolder;

/**
 * Which classifier the work is about: that of a file, or else the one that a run was trained for.
 * With a run, all that decides the classifier's numbers comes from the run: what is given again has
 * to be the same, and so has the file.
 *
 * @param weights the file, if given
 * @param run the training run, if given
 * @param given what is said of the file, beside the run
 */
public record ClassifierChoice(Optional<Path> weights, Optional<Path> run, BackboneOptions given) {
  public ClassifierChoice {
    Objects.requireNonNull(given, "given");
    if (weights.isEmpty() && run.isEmpty()) {
      throw new InvalidOptionException("weights", "or a run is missing: the classifier to use");
    }
  }

  /** A file alone. */
  public static ClassifierChoice of(Path weights, BackboneOptions given) {
    return new ClassifierChoice(Optional.of(weights), Optional.empty(), given);
  }

  /** The classifier of a run. */
  public static ClassifierChoice of(Path run) {
    return new ClassifierChoice(Optional.empty(), Optional.of(run), BackboneOptions.defaults());
  }

  /**
   * What is known of the classifier's file: by the run where there is one, else by what is given.
   *
   * @throws InvalidOptionException naming the option, if what is given contradicts the run
   * @throws IOException if the run's record is damaged
   */
  public BackboneOptions options() throws IOException {
    if (run.isEmpty()) {
      return given;
    }
    RunClassifier recorded = RunFolder.open(run.get()).classifier();
    // How it is computed is no property of the classifier.
    BackboneOptions options = recorded.options().withPrecision(given.precision());
    require("mean", options.mean(), given.mean());
    require("std", options.std(), given.std());
    require("input-size", options.size(), given.size());
    require(
        "resize",
        options.resize().map(ResizeRule::optionName),
        given.resize().map(ResizeRule::optionName));
    if (options.output().isPresent()) {
      require("output", options.output(), given.output());
    } else if (given.output().isPresent()) {
      options = options.withOutput(given.output().get());
    }
    if (options.outputKind().isPresent()) {
      require(
          "output-kind",
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

  private void require(String option, Optional<?> recorded, Optional<?> again) {
    if (again.isPresent() && !again.equals(recorded)) {
      throw InvalidOptionException.differs(
          option, again.get(), run.orElseThrow(), recorded.orElseThrow());
    }
  }

  /**
   * Loads the classifier, and says what had to be assumed of it.
   *
   * @return it; the caller closes it
   * @throws InvalidOptionException naming the option, if what is given contradicts the run
   * @throws IOException naming the file, if it is missing, no classifier, or not the run's
   */
  public FrozenClassifier load(ProgressListener listener) throws IOException {
    BackboneOptions options = options();
    Path file = file();
    long began = System.nanoTime();
    FrozenClassifier classifier =
        run.isPresent()
            ? TrainedRun.of(run.get()).open(file, options)
            : Backbones.load(file, options);
    listener.note(
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
          "output",
          Text.format(
              "%s: %s does not say which output it was made from; leave it out, or import it again",
              given.output().get(), file));
    }
    say(classifier.assumptions(), listener);
    return classifier;
  }

  /** Says assumptions that are not on record yet. */
  public static void say(List<Assumption> assumptions, ProgressListener listener) {
    assumptions.stream()
        .filter(assumption -> !assumption.recorded())
        .forEach(assumption -> listener.note(assumption.sentence()));
  }

  /**
   * The classifier's file.
   *
   * @throws IOException if the run does not say which, or it has gone
   */
  public Path file() throws IOException {
    return weights.isPresent() ? weights.get() : TrainedRun.of(run.orElseThrow()).weights();
  }
}
