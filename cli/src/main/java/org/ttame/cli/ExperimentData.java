package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.eval.AdIcValidator;
import org.ttame.eval.experiment.Experiment;
import org.ttame.training.TrainingOptions;
import org.ttame.training.data.ImageList;

/**
 * Where an experiment's images come from and its results go.
 *
 * @param test images to measure on; empty for the sample's
 * @param testLimit the most of them
 * @param out the experiment's folder
 */
record ExperimentData(Optional<Path> test, Optional<Integer> testLimit, Path out) {
  /** Images a network pass where nothing is trained. */
  private static final int MEASURING_BATCH = 8;

  /** The images to measure on. */
  ImageList measured(Materials materials) throws IOException {
    ImageList all = test.isPresent() ? ImageList.of(test.get()) : materials.held().orElseThrow();
    return testLimit.isPresent() ? all.limit(testLimit.get()) : all;
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
