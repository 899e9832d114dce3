package org.ttame.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Properties;
import org.ttame.backbones.BackboneOptions;
import org.ttame.training.TrainingOptions;

/** {@code ttame train}. */
final class TrainCommand implements Command {
  private static final OptionSpec RUN =
      OptionSpec.of(
          "run", "DIR", "the run's folder (runs/NAME of the classifier, or NAME-2, … if taken)");
  private static final OptionSpec OUT = OptionSpec.of("out", "DIR", "the same as --run");
  private static final OptionSpec VAL =
      OptionSpec.of(
          "val", "PATH", "images to choose the best epoch by, and to report on at the end");
  private static final OptionSpec EPOCHS =
      OptionSpec.of("epochs", "N", "passes over the images (4)");
  private static final OptionSpec BATCH_SIZE =
      OptionSpec.of(
          "batch-size",
          "N|auto",
          "images a step; auto: up to 32, as memory allows (32; sample: 8)");
  private static final OptionSpec MAX_LR =
      OptionSpec.of("max-lr", "X", "the OneCycle policy's largest learning rate (1e-3)");
  private static final OptionSpec MAX_STEPS =
      OptionSpec.of("max-steps", "N", "stop after N steps; the policy then spans those");
  private static final OptionSpec VARIANT =
      OptionSpec.of(
          "variant",
          "NAME",
          "proposed",
          "proposed, no-skip, no-skip-no-bn, sigmoid, two-maps, one-map or lcam");
  private static final OptionSpec MASKING =
      OptionSpec.of("masking", "cnn|vit", "Eq. 13 or Eq. 14 (the classifier's own)");
  private static final OptionSpec LOSS =
      OptionSpec.of(
          "loss", "MODE", "paper", "paper: Eq. 11-17; released: what made the published numbers");
  private static final OptionSpec AUGMENT =
      OptionSpec.of("augment", "MODE", "crop", "none, crop or crop-flip");
  private static final OptionSpec NO_SHUFFLE =
      OptionSpec.flag("no-shuffle", "take the images in listed order");
  private static final OptionSpec INIT =
      OptionSpec.of("init", "FILE.npz", "begin with these attention weights");
  private static final OptionSpec RESUME =
      OptionSpec.flag("resume", "go on with --run DIR where it stopped, with its own options");
  private static final OptionSpec WEIGHT_DECAY =
      OptionSpec.of("weight-decay", "X", "of every parameter not named bias (5e-4)");
  private static final OptionSpec RECORD_CLASSES =
      OptionSpec.flag("record-classes", "write each step's drawn classes to RUN/classes.jsonl");
  private static final OptionSpec SAVE_EVERY =
      OptionSpec.of("save-every", "SECONDS", "save at least this often, within epochs, too (600)");
  private static final OptionSpec DECODE_THREADS =
      OptionSpec.of("decode-threads", "N", "threads that read images (half of the processors)");
  private static final OptionSpec REPORT =
      OptionSpec.of(
          "report",
          "N",
          "held-out images in the report at the end; 0: no report (200; sample: 600)");

  /** Of the user's own images. */
  private static final int REPORTED = 200;

  /** Options that {@link TrainingOptions} knows by the same name. */
  private static final List<OptionSpec> TRAINING =
      List.of(
          CommonOptions.LAYERS,
          EPOCHS,
          MAX_LR,
          MAX_STEPS,
          VARIANT,
          MASKING,
          LOSS,
          AUGMENT,
          CommonOptions.SEED,
          CommonOptions.MAX_PIXELS,
          WEIGHT_DECAY,
          SAVE_EVERY,
          DECODE_THREADS);

  @Override
  public CommandSpec spec() {
    return new CommandSpec(
        "train",
        "trains an attention mechanism; alone, on a bundled sample",
        null,
        List.of(
            CommonOptions.WEIGHTS,
            CommonOptions.DATA,
            VAL,
            CommonOptions.BACKBONE,
            RUN,
            OUT,
            RESUME,
            EPOCHS,
            BATCH_SIZE,
            MAX_LR,
            MAX_STEPS,
            CommonOptions.LAYERS,
            VARIANT,
            MASKING,
            LOSS,
            AUGMENT,
            NO_SHUFFLE,
            INIT,
            WEIGHT_DECAY,
            REPORT,
            Labels.OPTION,
            RECORD_CLASSES,
            SAVE_EVERY,
            DECODE_THREADS),
        List.of(
            CommonOptions.MEAN,
            CommonOptions.STD,
            CommonOptions.SEED,
            CommonOptions.LIMIT,
            CommonOptions.STRICT,
            CommonOptions.MAX_PIXELS,
            CommonOptions.DEVICE,
            CommonOptions.ENGINE,
            CommonOptions.THREADS),
        "ttame train --weights vgg16.onnx --data imagenet/train --val lists/val.txt --batch-size auto",
        List.of(
            "Without --weights and --data it trains on the bundled sample: a small classifier of the"
                + " family of --backbone (vgg16 unless given) on bundled images.",
            "Ctrl-C saves and stops; 'ttame train --run DIR --resume' goes on. Labels of images are"
                + " not used: the target is the classifier's own prediction."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    if (!arguments.has(RESUME)) {
      return fresh(arguments, false);
    }
    Path run =
        runFolder(arguments)
            .orElseThrow(() -> new UsageException("--resume needs --run DIR: which run?"));
    fresh(arguments, true);
    return console -> {
      Job job;
      try {
        job = fresh(RunOptions.resumed(run, arguments), true);
      } catch (UsageException e) {
        throw new WorkFailedException(
            "the run in %s cannot be resumed: %s".formatted(run, e.getMessage()));
      }
      job.run(console);
    };
  }

  private TrainJob fresh(Arguments arguments, boolean resume) throws UsageException {
    Optional<Path> weights = arguments.path(CommonOptions.WEIGHTS);
    Optional<Path> data = arguments.path(CommonOptions.DATA);
    if (weights.isPresent() != data.isPresent()) {
      throw new UsageException(
          "--weights and --data belong together; without both, train runs the bundled sample");
    }
    boolean sample = weights.isEmpty();
    if (sample && arguments.has(VAL)) {
      throw new UsageException("--val needs --weights and --data; the sample brings its own");
    }
    TrainJob.Source source =
        new TrainJob.Source(
            sample
                ? Optional.of(SampleMaterials.family(arguments.text(CommonOptions.BACKBONE)))
                : Optional.empty(),
            weights,
            data,
            arguments.path(VAL),
            sample ? BackboneOptions.defaults() : ClassifierChoice.options(arguments),
            arguments
                .integer(CommonOptions.LIMIT, 1)
                .map(OptionalInt::of)
                .orElseGet(OptionalInt::empty),
            arguments.path(Labels.OPTION));
    boolean auto = arguments.text(BATCH_SIZE).filter("auto"::equals).isPresent();
    return new TrainJob(
        runFolder(arguments),
        resume,
        source,
        training(arguments, sample),
        auto,
        arguments.path(INIT),
        arguments.integer(REPORT, 0).orElse(sample ? SampleMaterials.REPORT : REPORTED),
        Engine.Settings.parse(arguments),
        arguments.given());
  }

  private static Optional<Path> runFolder(Arguments arguments) throws UsageException {
    arguments.exclusive(RUN, OUT);
    return arguments.has(RUN) ? arguments.path(RUN) : arguments.path(OUT);
  }

  private static TrainingOptions training(Arguments arguments, boolean sample)
      throws UsageException {
    Properties properties = new Properties();
    if (sample) {
      properties.putAll(SampleMaterials.options());
    }
    for (OptionSpec option : TRAINING) {
      arguments.text(option).ifPresent(value -> properties.setProperty(option.name(), value));
    }
    Optional<String> batchSize = arguments.text(BATCH_SIZE);
    if (batchSize.isPresent() && !batchSize.get().equals("auto")) {
      int size = Arguments.toInteger(BATCH_SIZE.dashed(), batchSize.get(), 1);
      properties.setProperty("batch-size", String.valueOf(size));
    }
    properties.setProperty("shuffle", String.valueOf(!arguments.has(NO_SHUFFLE)));
    properties.setProperty("strict", String.valueOf(arguments.has(CommonOptions.STRICT)));
    properties.setProperty("record-classes", String.valueOf(arguments.has(RECORD_CLASSES)));
    try {
      return TrainingOptions.of(properties);
    } catch (IllegalArgumentException e) {
      throw new UsageException(e.getMessage());
    }
  }
}
