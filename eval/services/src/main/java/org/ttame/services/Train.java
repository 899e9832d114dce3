package org.ttame.services;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.engine.ComputingThreads;
import org.ttame.eval.evaluation.AdIcValidator;
import org.ttame.eval.experiment.Study;
import org.ttame.eval.metric.PixelKeeping;
import org.ttame.training.StepExchange;
import org.ttame.training.Targets;
import org.ttame.training.TrainingOptions;
import org.ttame.training.TrainingResult;
import org.ttame.training.TrainingRun;
import org.ttame.training.data.ImageDraw;
import org.ttame.training.data.SkippedCount;
import org.ttame.training.data.Workers;
import org.ttame.training.run.RunFolder;

/**
 * Trains an attention mechanism in a run's folder, and says at the end whether it has learnt
 * anything.
 */
public final class Train {
  /** Where runs go that were given no folder. */
  static final Path HOME = Path.of("runs");

  private final Options options;
  private final ProgressListener listener;
  private TrainingInputs inputs;
  private RunFolder folder;
  private TrainingOptions settled;
  private TrainingRun training;
  private boolean stopping;
  private Workers workers;
  private StepExchange exchange;
  private Optional<ValidationImages> validation = Optional.empty();

  /**
   * What to train, and how.
   *
   * @param run its folder; empty for one in the folder runs, named after the classifier
   * @param resume whether to go on with that run
   * @param source classifier and images
   * @param training settings of the training
   * @param autoBatch whether the batch size is to be found
   * @param init attention weights to begin with, if given
   * @param report the most held-out images that the closing report measures; 0 for no report
   * @param kept options by name that the run keeps for {@code --resume}, beside what is here
   */
  public record Options(
      Optional<Path> run,
      boolean resume,
      TrainingInputs.Source source,
      TrainingOptions training,
      boolean autoBatch,
      Optional<Path> init,
      int report,
      Map<String, String> kept) {
    /** Default number of the user's images in the report. */
    public static final int REPORTED = 200;

    public Options {
      Objects.requireNonNull(source, "source");
      Objects.requireNonNull(training, "training");
      Objects.requireNonNull(init, "init");
      kept = Map.copyOf(kept);
      if (resume && run.isEmpty()) {
        throw new InvalidOptionException("resume", "needs a run: which run?");
      }
      if (report < 0) {
        throw new InvalidOptionException("report", report + " is not a whole number of at least 0");
      }
    }

    /** A new run in a folder. */
    public static Options of(Path run, TrainingInputs.Source source, TrainingOptions training) {
      Map<String, String> kept = new LinkedHashMap<>();
      source.weights().ifPresent(file -> kept.put("weights", file.toString()));
      source.data().ifPresent(path -> kept.put("data", path.toString()));
      source.val().ifPresent(path -> kept.put("val", path.toString()));
      source.labels().ifPresent(file -> kept.put("labels", file.toString()));
      source.sample().ifPresent(family -> kept.put("backbone", family));
      source
          .limit()
          .ifPresent(
              draw -> {
                kept.put("limit", String.valueOf(draw.most()));
                kept.put("limit-seed", draw.seedText());
              });
      kept.putAll(RunOptions.named(training));
      return new Options(
          Optional.of(run), false, source, training, false, Optional.empty(), REPORTED, kept);
    }

    /**
     * A training as that of a run was, into a folder, but from the next seed: initial values, order
     * and crops of images are drawn again, so that what it has in common with the run is learnt (or
     * came from what the run began with). The order is drawn even if the run's was not, for answers
     * are dealt out within a batch, which in listed order may be of one class. Resumes where that
     * was stopped.
     */
    static Options again(Path run, Path weights, Targets targets, Path folder) throws IOException {
      Map<String, String> kept = RunOptions.read(run);
      TrainingOptions was;
      TrainingInputs.Source source;
      try {
        was = TrainingOptions.of(RunFolder.open(run).settings());
        source = TrainingInputs.Source.of(kept);
      } catch (IllegalArgumentException e) {
        throw new IOException(
            Text.format("the run in %s cannot be trained again: %s", run, e.getMessage()), e);
      }
      if (targets == Targets.SHUFFLED && was.plan().batchSize() == 1) {
        throw new IOException(
            Text.format(
                "the run in %s was trained with one image per step, so predictions"
                    + " cannot be shuffled; check labels on a run with larger batches",
                run));
      }
      TrainingOptions training =
          was.toBuilder().targets(targets).seed(was.seed() + 1).shuffle(true).build();
      kept.put("seed", String.valueOf(training.seed()));
      kept.remove("no-shuffle");
      if (source.sample().isEmpty()) {
        source = source.withWeights(weights);
        kept.put("weights", weights.toString());
      }
      return new Options(
          Optional.of(folder),
          Files.exists(folder.resolve(RunFolder.RECORD)),
          source,
          training,
          false,
          Optional.ofNullable(kept.get("init")).map(Path::of),
          0,
          kept);
    }

    /** The same run, resumed. */
    public Options resumed() {
      return new Options(run, true, source, training, autoBatch, init, report, kept);
    }

    /** The same with another number of images in the report. */
    public Options withReport(int images) {
      return new Options(run, resume, source, training, autoBatch, init, images, kept);
    }
  }

  /**
   * How the training ended.
   *
   * @param run its folder
   * @param training what the training says
   * @param checkpoint the name of the checkpoint that commands take, if it came to its end
   * @param validationSkipped validation images that could not be read
   */
  public record Result(
      Path run,
      TrainingResult training,
      Optional<String> checkpoint,
      SkippedCount validationSkipped) {}

  /**
   * What was measured at the end.
   *
   * @param study numbers, table and files
   * @param skipped held-out images that could not be read
   */
  public record Report(Study.Outcome study, SkippedCount skipped) {}

  /**
   * Finds classifier and images, and opens the run's folder.
   *
   * @param options what to train
   * @throws IOException if something is missing, or the folder holds another run
   */
  public Train(Options options, ProgressListener listener) throws IOException {
    this.options = options;
    this.listener = listener;
    if (options.run().isPresent()) {
      open(options.run().get());
    }
    TrainingInputs.Source source = options.source();
    if (source.sample().isPresent() && folder == null) {
      open(unused(SampleInputs.name(source.sample().get())));
    }
    // Only the sample is unpacked, and it has its folder.
    try {
      inputs = TrainingInputs.of(source, folder == null ? HOME : folder.path(), listener);
    } catch (IOException | RuntimeException e) {
      abandon(e);
      throw e;
    }
  }

  /**
   * The classifier that {@link #run} takes. A run that is resumed says itself what it is.
   *
   * @param given what is known of its file
   */
  public ClassifierChoice classifier(BackboneOptions given) {
    return new ClassifierChoice(
        Optional.of(inputs.weights()), options.resume() ? options.run() : Optional.empty(), given);
  }

  /**
   * Does the work of some of the workers that share each step's images; the others do theirs
   * elsewhere. To be called before {@link #run}.
   *
   * @param others how to learn of the others' shares
   */
  public void share(Workers here, StepExchange others) {
    workers = here;
    exchange = others;
  }

  private void open(Path path) throws IOException {
    folder = options.resume() ? RunFolder.open(path) : RunFolder.create(path);
  }

  /** A folder that does not exist yet: {@code runs/NAME}, or {@code runs/NAME-2} and so on. */
  private static Path unused(String name) {
    Path folder = HOME.resolve(name);
    for (int n = 2; Files.exists(folder); n++) {
      folder = HOME.resolve(name + "-" + n);
    }
    return folder;
  }

  /**
   * Trains to the end, or until {@link #stop}.
   *
   * @param classifier of {@link #classifier}; stays the caller's
   */
  public Result run(FrozenClassifier classifier) throws IOException {
    if (folder == null) {
      open(unused(classifier.name()));
    }
    try (TrainingRun run = prepare(classifier)) {
      begin(run);
      TrainingResult result = run.run();
      return new Result(
          folder.path(),
          result,
          result.finished()
              ? Optional.of(folder.checkpoints().get(folder.preferred()).name())
              : Optional.empty(),
          validation.map(ValidationImages::skipped).orElseGet(SkippedCount::new));
    }
  }

  private TrainingRun prepare(FrozenClassifier classifier) throws IOException {
    try {
      TrainingRun.Builder builder = builder(classifier);
      return options.resume() ? builder.resume() : builder.start();
    } catch (IOException | RuntimeException e) {
      abandon(e);
      throw e;
    }
  }

  private TrainingRun.Builder builder(FrozenClassifier classifier) throws IOException {
    inputs = inputs.named(classifier.classes(), options.source().labels());
    settled =
        BatchFit.settle(
            options.training(),
            options.autoBatch(),
            classifier,
            inputs.training().size(),
            listener);
    listener.note(
        Text.format(
            "training on %s, classifier %s, into %s",
            inputs.training().describe(), classifier.name(), folder.path()));
    if (!options.resume()) {
      keep();
    }
    TrainingRun.Builder builder =
        TrainingRun.builder(classifier, inputs.training(), settled, folder)
            .backboneFile(inputs.weights())
            .around(around())
            .listener(new TrainProgress(listener));
    options.init().ifPresent(builder::init);
    if (workers != null) {
      builder.workers(workers, exchange);
    }
    validation =
        inputs
            .validation()
            .map(
                list ->
                    new ValidationImages(
                        list, classifier.inputSpec(), settled.measuring(), listener));
    validation.ifPresent(
        images -> builder.validator(new AdIcValidator(images, PixelKeeping.EXACT)));
    return builder;
  }

  private synchronized void begin(TrainingRun run) {
    training = run;
    if (stopping) {
      training.stop(Duration.ZERO);
    }
  }

  /** Asks {@link #run} to stop after the present step; may be called from any thread. */
  public synchronized void stop() {
    stopping = true;
    if (training != null) {
      training.stop(Duration.ZERO);
    }
  }

  /**
   * Measures the trained mechanism on held-out images, beside an untrained one and random maps.
   *
   * @param classifier as for {@link #run}, which has come to its end
   * @return what was found; empty where no images are held out, or no report was asked for
   */
  public Optional<Report> report(FrozenClassifier classifier) throws IOException {
    if (inputs.held().isEmpty() || options.report() == 0) {
      return Optional.empty();
    }
    ImageDraw draw = new ImageDraw(options.report(), OptionalLong.of(0));
    return Optional.of(
        new ClosingReport(classifier, inputs, folder, settled, listener)
            .write(draw.from(inputs.held().get())));
  }

  /**
   * Leaves nothing of a run that failed before it had a record, as by a layer that is not there.
   */
  private void abandon(Exception failure) {
    try {
      if (folder != null) {
        folder.abandon(List.of(RunOptions.FILE, ClassNames.IN_RUN));
      }
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  /** Writes down what the run needs to be resumed and read. */
  private void keep() throws IOException {
    Map<String, String> kept = new LinkedHashMap<>(options.kept());
    kept.put("threads", String.valueOf(ComputingThreads.current()));
    kept.put("batch-size", String.valueOf(settled.plan().batchSize()));
    RunOptions.write(folder.path(), kept);
    inputs.keepLabels(folder.path());
  }

  /** The settings that are not the training's own, as it was called. */
  private Map<String, String> around() {
    TrainingInputs.Source source = options.source();
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("threads", String.valueOf(ComputingThreads.current()));
    settings.put("report", String.valueOf(options.report()));
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
}
