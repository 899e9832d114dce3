package org.ttame.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.ttame.core.Text;
import org.ttame.training.Targets;
import org.ttame.training.TrainingOptions;

/** {@code ttame train}. */
final class TrainCommand implements Command {
  private static final OptionSpec RUN =
      OptionSpec.of(
          "run", "DIR", "the run's folder (runs/NAME of the classifier, or NAME-2, … if taken)");
  private static final OptionSpec OUT = OptionSpec.of("out", "DIR", "the same as --run");
  private static final OptionSpec INIT =
      OptionSpec.of("init", "FILE.npz", "begin with these attention weights");
  private static final OptionSpec RESUME =
      OptionSpec.flag("resume", "go on with --run DIR where it stopped, with its own options");
  private static final OptionSpec REPORT =
      OptionSpec.of(
          "report",
          "N",
          "held-out images in the report at the end; 0: no report (200; sample: 600)");

  /** Of the user's own images. */
  private static final int REPORTED = 200;

  @Override
  public CommandSpec spec() {
    return new CommandSpec(
        "train",
        "trains an attention mechanism; alone, on a bundled sample",
        null,
        List.of(
            CommonOptions.WEIGHTS,
            CommonOptions.DATA,
            TrainingArguments.VAL,
            CommonOptions.BACKBONE,
            RUN,
            OUT,
            RESUME,
            TrainingArguments.EPOCHS,
            TrainingArguments.BATCH_SIZE,
            TrainingArguments.MAX_LR,
            TrainingArguments.MAX_STEPS,
            CommonOptions.LAYERS,
            TrainingArguments.VARIANT,
            TrainingArguments.MASKING,
            TrainingArguments.LOSS,
            TrainingArguments.LAMBDA1,
            TrainingArguments.LAMBDA2,
            TrainingArguments.LAMBDA3,
            TrainingArguments.LAMBDA4,
            TrainingArguments.AUGMENT,
            TrainingArguments.NO_SHUFFLE,
            INIT,
            TrainingArguments.WEIGHT_DECAY,
            REPORT,
            Labels.OPTION,
            TrainingArguments.RECORD_CLASSES,
            TrainingArguments.SAVE_EVERY,
            TrainingArguments.DECODE_THREADS),
        CommonOptions.TRAINING,
        "ttame train --weights vgg16.onnx --data imagenet/train --val lists/val.txt --batch-size"
            + " auto",
        List.of(
            "Without --weights and --data it trains on the bundled sample: a small classifier of"
                + " the family of --backbone (vgg16 unless given) on bundled images.",
            "Ctrl-C saves and stops; 'ttame train --run DIR --resume' goes on. Labels of images are"
                + " not used: the target is the classifier's own prediction."));
  }

  /** The names of all its options. */
  static Set<String> optionNames() {
    return new TrainCommand()
        .spec().options().stream().map(OptionSpec::name).collect(Collectors.toSet());
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
            Text.format("the run in %s cannot be resumed: %s", run, e.getMessage()));
      }
      job.run(console);
    };
  }

  private TrainJob fresh(Arguments arguments, boolean resume) throws UsageException {
    TrainJob.Source source = TrainingArguments.source(arguments, "train");
    boolean sample = source.sample().isPresent();
    return new TrainJob(
        runFolder(arguments),
        resume,
        source,
        TrainingArguments.options(arguments, sample),
        TrainingArguments.isAuto(arguments),
        arguments.path(INIT),
        arguments.integer(REPORT, 0).orElse(sample ? SampleMaterials.REPORT : REPORTED),
        Engine.Settings.parse(arguments),
        arguments.given());
  }

  /**
   * Trains as a run was trained, but from the next seed: initial values, order and crops of images
   * are drawn anew, so that what it has in common with the run is learnt (or came from the run's
   * {@code --init}). The order is drawn even if the run's was not, for answers are dealt out within
   * a batch, which in listed order may be of one class. Goes on where that was stopped.
   *
   * @param choice the run whose options and images are taken, and its classifier
   * @param targets which answers it is given
   * @param folder where it is trained
   * @param engine what to compute on
   */
  static Job again(ClassifierChoice choice, Targets targets, Path folder, Engine.Settings engine) {
    Path run = choice.run().orElseThrow();
    return console -> {
      Arguments kept = RunOptions.resumed(run, new Arguments(Map.of(), List.of()));
      TrainJob as;
      try {
        as = new TrainCommand().fresh(kept, Files.exists(folder.resolve("run.json")));
      } catch (UsageException e) {
        throw new WorkFailedException(
            Text.format("the run in %s cannot be trained again: %s", run, e.getMessage()));
      }
      if (targets == Targets.SHUFFLED && as.options().batchSize() == 1) {
        throw new WorkFailedException(
            Text.format(
                    "the run in %s was trained on one image a step, among which no answers can be shuffled;",
                    run)
                + " labels can be checked of a run with a larger --batch-size");
      }
      TrainingOptions options =
          as.options().toBuilder()
              .targets(targets)
              .seed(as.options().seed() + 1)
              .shuffle(true)
              .build();
      Map<String, String> given = new LinkedHashMap<>(as.given());
      given.put("seed", String.valueOf(options.seed()));
      given.remove("no-shuffle");
      TrainJob.Source source = as.source();
      if (source.sample().isEmpty()) {
        source = source.of(choice.file(), choice.options());
        given.put(CommonOptions.WEIGHTS.name(), choice.file().toString());
      }
      new TrainJob(
              Optional.of(folder),
              as.resume(),
              source,
              options,
              as.autoBatch(),
              as.init(),
              0,
              engine,
              given)
          .run(console);
    };
  }

  private static Optional<Path> runFolder(Arguments arguments) throws UsageException {
    arguments.exclusive(RUN, OUT);
    return arguments.has(RUN) ? arguments.path(RUN) : arguments.path(OUT);
  }
}
