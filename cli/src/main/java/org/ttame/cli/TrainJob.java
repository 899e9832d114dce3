package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.eval.evaluation.AdIcValidator;
import org.ttame.eval.metric.PixelKeeping;
import org.ttame.training.Targets;
import org.ttame.training.TrainingOptions;
import org.ttame.training.TrainingResult;
import org.ttame.training.TrainingRun;
import org.ttame.training.data.ImageDraw;
import org.ttame.training.run.RunFolder;

/**
 * The work of {@code train}.
 *
 * @param run the run's folder, if given
 * @param resume whether to go on with it
 * @param source classifier and images
 * @param options settings of the training
 * @param autoBatch whether the batch size is to be found
 * @param init attention weights to begin with, if given
 * @param report how many held-out images the closing report measures
 * @param engine what to compute on
 * @param given the command line, to be kept in the run
 */
record TrainJob(
    Optional<Path> run,
    boolean resume,
    Source source,
    TrainingOptions options,
    boolean autoBatch,
    Optional<Path> init,
    int report,
    Engine.Settings engine,
    Map<String, String> given)
    implements Command.Job {
  /** Images a network pass where nothing is trained. */
  private static final int MEASURING_BATCH = 8;

  /**
   * What is trained on.
   *
   * @param sample the family of the bundled sample, if it is what is trained on; weights, data and
   *     val are then empty
   * @param weights the classifier's file
   * @param data training images
   * @param val validation images
   * @param backbone what is known of the classifier's file
   * @param limit which training images, if not all
   * @param labels names of the classes
   */
  record Source(
      Optional<String> sample,
      Optional<Path> weights,
      Optional<Path> data,
      Optional<Path> val,
      BackboneOptions backbone,
      Optional<ImageDraw> limit,
      Optional<Path> labels) {
    /** The same with a classifier that is known. */
    Source of(Path file, BackboneOptions known) {
      return new Source(sample, Optional.of(file), data, val, known, limit, labels);
    }

    /** The classifier of a new training. */
    ClassifierChoice classifier(Materials materials) {
      return new ClassifierChoice(Optional.of(materials.weights()), Optional.empty(), backbone);
    }
  }

  @Override
  public void run(Console console) throws Exception {
    Engine started = Engine.start(engine, console);
    Optional<RunFolder> folder =
        run.isPresent() ? Optional.of(folder(run.get())) : Optional.empty();
    Materials materials;
    if (source.sample().isPresent()) {
      String family = source.sample().get();
      if (folder.isEmpty()) {
        folder = Optional.of(folder(RunFolders.unused(SampleMaterials.name(family))));
      }
      materials = SampleMaterials.unpack(family, folder.get().path(), source.limit());
    } else {
      materials = Materials.of(source, console);
    }
    ClassifierChoice choice = source.classifier(materials);
    if (resume) {
      choice = new ClassifierChoice(choice.weights(), run, choice.given());
    }
    try (FrozenClassifier classifier = choice.load(console)) {
      if (folder.isEmpty()) {
        folder = Optional.of(folder(RunFolders.unused(classifier.name())));
      }
      train(classifier, materials.named(classifier.classes()), folder.get(), started, console);
    }
  }

  private RunFolder folder(Path path) throws IOException {
    return resume ? RunFolder.open(path) : RunFolder.create(path);
  }

  private void train(
      FrozenClassifier classifier,
      Materials materials,
      RunFolder folder,
      Engine started,
      Console console)
      throws Exception {
    TrainingOptions settled = options;
    if (autoBatch) {
      int size = BatchFit.find(classifier, options, materials.training().size(), console);
      settled = options.toBuilder().batchSize(size).build();
    }
    console.note(
        Text.format(
            "training on %s, classifier %s, into %s",
            materials.training().describe(), classifier.name(), folder.path()));
    if (!resume) {
      keep(folder, materials, settled, started);
    }
    TrainingResult result = train(classifier, materials, folder, settled, around(started), console);
    if (!result.finished()) {
      console.result(
          Text.format(
              "stopped after step %d of %d%s",
              result.stepsDone(),
              result.plan().totalSteps(),
              // Other targets belong to a check, which goes on itself.
              settled.targets() == Targets.PREDICTED
                  ? Text.format("; 'ttame train --run %s --resume' goes on", folder.path())
                  : ""));
      return;
    }
    console.result(
        Text.format(
            "%s: %d steps, checkpoint %s%s",
            folder.path(),
            result.stepsDone(),
            folder.checkpoints().get(folder.preferred()).name(),
            result.skipped().total() == 0 ? "" : "; " + result.skipped().describe()));
    if (materials.held().isPresent() && report > 0) {
      new ClosingReport(classifier, materials, folder, settled, console)
          .write(
              new ImageDraw(report, OptionalLong.of(0)).from(materials.held().get()),
              MEASURING_BATCH);
    }
  }

  /** Writes down what the run needs to be resumed and read. */
  private void keep(RunFolder folder, Materials materials, TrainingOptions settled, Engine started)
      throws IOException {
    Map<String, String> kept = RunOptions.with(started, given);
    kept.put("batch-size", String.valueOf(settled.batchSize()));
    RunOptions.write(folder.path(), kept);
    materials.keepLabels(folder.path());
  }

  /** The settings that are not the training's own, as it was called. */
  private Map<String, String> around(Engine started) {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("threads", String.valueOf(started.threads()));
    settings.put("report", String.valueOf(report));
    source.val().ifPresent(val -> settings.put("val", val.toAbsolutePath().normalize().toString()));
    source
        .limit()
        .ifPresent(
            limit -> {
              settings.put("limit", String.valueOf(limit.most()));
              settings.put("limit-seed", limit.seedText());
            });
    return settings;
  }

  private TrainingResult train(
      FrozenClassifier classifier,
      Materials materials,
      RunFolder folder,
      TrainingOptions settled,
      Map<String, String> around,
      Console console)
      throws Exception {
    TrainingRun.Builder builder =
        TrainingRun.builder(classifier, materials.training(), settled, folder)
            .backboneFile(materials.weights())
            .around(around)
            .listener(new TrainProgress(console));
    init.ifPresent(builder::init);
    Optional<ValidationImages> validation =
        materials
            .validation()
            .map(
                list ->
                    new ValidationImages(
                        list,
                        classifier.inputSpec(),
                        ImageSettings.of(settled, MEASURING_BATCH),
                        console));
    validation.ifPresent(
        images -> builder.validator(new AdIcValidator(images, PixelKeeping.EXACT)));
    try (TrainingRun training = resume ? builder.resume() : builder.start()) {
      TrainingResult result = StopHook.during(() -> training.stop(Duration.ZERO), training::run);
      validation
          .map(ValidationImages::skipped)
          .filter(skipped -> skipped.total() > 0)
          .ifPresent(skipped -> console.result("of the validation images, " + skipped.describe()));
      return result;
    }
  }
}
