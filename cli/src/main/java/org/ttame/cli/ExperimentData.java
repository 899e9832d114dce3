package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.eval.evaluation.AdIcValidator;
import org.ttame.eval.experiment.Experiment;
import org.ttame.training.TrainingOptions;
import org.ttame.training.data.ImageDraw;
import org.ttame.training.data.ImageList;
import org.ttame.training.run.RunFolder;

/**
 * Where an experiment's images come from and its results go.
 *
 * @param test images to measure on; empty for the sample's
 * @param testLimit the most of them
 * @param out the experiment's folder
 */
record ExperimentData(Optional<Path> test, Optional<ImageDraw> testLimit, Path out) {
  /** Images a network pass where nothing is trained. */
  private static final int MEASURING_BATCH = 8;

  /** The images to measure on. */
  ImageList measured(Materials materials, Console console) throws IOException {
    ImageList all =
        test.isPresent() ? ImageSettings.find(test.get(), console) : materials.held().orElseThrow();
    return testLimit.isPresent() ? testLimit.get().from(all) : all;
  }

  /**
   * The settings with a batch size that is found if it is to be: the one that the trials were begun
   * with, if some were, whatever memory there is now.
   *
   * @param auto whether it is to be found
   * @param images how many there are to train on
   */
  TrainingOptions settled(
      TrainingOptions options,
      boolean auto,
      FrozenClassifier classifier,
      int images,
      Console console)
      throws IOException {
    if (!auto) {
      return options;
    }
    Optional<String> begun = begunBatch();
    int size =
        begun.isPresent()
            ? Integer.parseInt(begun.get())
            : BatchFit.find(classifier, options, images, console);
    return options.toBuilder().batchSize(size).build();
  }

  private Optional<String> begunBatch() throws IOException {
    Path trials = out.resolve(Experiment.TRIALS);
    if (!Files.isDirectory(trials)) {
      return Optional.empty();
    }
    List<Path> runs;
    try (Stream<Path> entries = Files.list(trials)) {
      runs = entries.filter(run -> Files.exists(run.resolve("run.json"))).sorted().toList();
    }
    return runs.isEmpty()
        ? Optional.empty()
        : Optional.ofNullable(RunFolder.open(runs.get(0)).settings().getProperty("batch-size"));
  }

  /**
   * What the trials share.
   *
   * @param measured the images to measure on
   * @param selecting whether the validation images choose each run's epoch
   * @param thresholds the percentages v of AD and IC
   */
  Experiment.Setup setup(
      FrozenClassifier classifier,
      Materials materials,
      ImageList measured,
      boolean selecting,
      List<Double> thresholds,
      TrainingOptions options,
      Engine engine,
      Console console) {
    Optional<AdIcValidator.Images> validation =
        selecting
            ? materials.validation().map(list -> images(list, classifier, options, console))
            : Optional.empty();
    return new Experiment.Setup(
        classifier,
        materials.weights(),
        materials.training(),
        validation,
        measured,
        images(measured, classifier, options, console),
        thresholds,
        out,
        around(materials, engine));
  }

  private static ValidationImages images(
      ImageList list, FrozenClassifier classifier, TrainingOptions options, Console console) {
    return new ValidationImages(
        list, classifier.inputSpec(), ImageSettings.of(options, MEASURING_BATCH), console);
  }

  private static Map<String, String> around(Materials materials, Engine engine) {
    Map<String, String> around = new LinkedHashMap<>();
    around.put("threads", String.valueOf(engine.threads()));
    materials
        .validation()
        .ifPresent(list -> around.put("val", list.source().toAbsolutePath().toString()));
    return around;
  }
}
