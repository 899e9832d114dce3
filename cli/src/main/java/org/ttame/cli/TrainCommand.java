package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.services.RunOptions;
import org.ttame.services.SampleInputs;
import org.ttame.services.Train;
import org.ttame.services.TrainingInputs;
import org.ttame.training.TrainingResult;

/** {@code ttame train}. */
final class TrainCommand implements Command {
  private static final OptionSpec RUN =
      OptionSpec.of(
          "run", "DIR", "the run's folder (runs/NAME of the classifier, or NAME-2, … if taken)");
  private static final OptionSpec OUT = OptionSpec.of("out", "DIR", "the same as --run");
  private static final OptionSpec RESUME =
      OptionSpec.flag("resume", "resume the interrupted run in --run DIR, with its own options");
  private static final OptionSpec REPORT =
      OptionSpec.of(
          "report",
          "N",
          "held-out images in the report at the end; 0: no report (200; sample: 600)");

  @Override
  public CommandSpec spec() {
    return new CommandSpec(
        "train",
        "trains an attention mechanism; without options, on the bundled sample",
        null,
        OptionSpec.all(
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
                TrainingArguments.ACCUMULATE,
                TrainingArguments.MAX_LR,
                TrainingArguments.MAX_STEPS,
                CommonOptions.LAYERS,
                TrainingArguments.VARIANT),
            TrainingArguments.LOSSES,
            List.of(
                TrainingArguments.AUGMENT,
                TrainingArguments.NO_SHUFFLE,
                TrainingArguments.INIT,
                TrainingArguments.WEIGHT_DECAY,
                REPORT,
                CommonOptions.LABELS,
                TrainingArguments.RECORD_CLASSES,
                TrainingArguments.SAVE_EVERY,
                TrainingArguments.DECODE_THREADS)),
        CommonOptions.TRAINING,
        "ttame train --weights vgg16.onnx --data imagenet/train --val lists/val.txt --batch-size"
            + " auto",
        List.of(
            "Without --weights and --data it trains on the bundled sample: a small classifier of"
                + " the family of --backbone (vgg16 unless given) on bundled images.",
            "Ctrl-C saves and stops; 'ttame train --run DIR --resume' resumes."
                + " Labels of images are not used: the target is the classifier's own"
                + " prediction."));
  }

  /** What was given, as far as it is an option of this command. */
  static Map<String, String> known(Arguments arguments) {
    Map<String, String> known = arguments.given();
    known
        .keySet()
        .retainAll(
            new TrainCommand()
                .spec().options().stream().map(OptionSpec::name).collect(Collectors.toSet()));
    return known;
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
        job = fresh(resumed(run, arguments), true);
      } catch (UsageException e) {
        throw new WorkFailedException(
            Text.format("the run in %s cannot be resumed: %s", run, e.getMessage()));
      }
      job.run(console);
    };
  }

  /** The options to go on with: those of the run, under those typed now. */
  private static Arguments resumed(Path run, Arguments now) throws IOException {
    Map<String, String> values = RunOptions.read(run);
    values.putAll(now.given());
    return new Arguments(values, List.of());
  }

  /** What it is asked for. */
  Train.Options options(Arguments arguments) throws UsageException {
    return fresh(arguments, arguments.has(RESUME)).options();
  }

  private Training fresh(Arguments arguments, boolean resume) throws UsageException {
    TrainingInputs.Source source = TrainingArguments.source(arguments, "train");
    boolean sample = source.sample().isPresent();
    Train.Options options =
        new Train.Options(
            runFolder(arguments),
            resume,
            source,
            TrainingArguments.options(arguments, sample),
            TrainingArguments.isAuto(arguments),
            arguments.path(TrainingArguments.INIT),
            arguments
                .integer(REPORT, 0)
                .orElse(sample ? SampleInputs.REPORT : Train.Options.REPORTED),
            arguments.given());
    return new Training(
        options, TrainingArguments.classifier(arguments, source), Engine.Settings.parse(arguments));
  }

  /** A training, with what is known of the classifier's file. */
  private record Training(Train.Options options, BackboneOptions known, Engine.Settings engine)
      implements Job {
    @Override
    public void run(Console console) throws Exception {
      Engine.start(engine, console);
      Train train = new Train(options, console);
      try (FrozenClassifier classifier = train.classifier(known).load(console)) {
        Train.Result result = StopHook.during(train::stop, () -> train.run(classifier));
        TrainCommand.print(
            result,
            "to resume: " + Shell.line("train", "--run", result.run().toString(), "--resume"),
            console);
        if (result.training().finished()) {
          train.report(classifier).ifPresent(report -> print(report, console));
          console.result("");
          console.result("next: " + next(result.run()));
        }
      }
    }

    /** What explains some images with the new mechanism: held-out ones where there are. */
    private String next(Path run) {
      List<String> words = new ArrayList<>(List.of("explain", "--run", run.toString()));
      TrainingInputs.Source source = options.source();
      source
          .val()
          .or(source::data)
          .ifPresent(images -> words.addAll(List.of("--images", images.toString())));
      words.addAll(List.of("--limit", "8", "--out", run.resolve("maps").toString()));
      return Shell.line(words.toArray(String[]::new));
    }

    private static void print(Train.Report report, Console console) {
      console.result("");
      console.result(
          Text.format(
              "on %d held-out images (AD: lower is better; IC and pointing: higher):",
              report.study().result().images()));
      report.study().table().lines().forEach(console::result);
      if (report.skipped().total() > 0) {
        console.result("of the held-out images, " + report.skipped().describe());
      }
      report.study().files().forEach(file -> console.result(file.toString()));
    }
  }

  /** Says how a training ended, and what resumes it. */
  static void print(Train.Result result, String resumeWith, Console console) {
    if (result.validationSkipped().total() > 0) {
      console.result("of the validation images, " + result.validationSkipped().describe());
    }
    TrainingResult training = result.training();
    if (!training.finished()) {
      console.result(
          Text.format(
              "stopped after step %d of %d; %s",
              training.stepsDone(), training.plan().totalSteps(), resumeWith));
      return;
    }
    console.result(
        Text.format(
            "%s: %s, checkpoint %s%s",
            result.run(),
            Text.count(training.stepsDone(), "step"),
            result.checkpoint().orElseThrow(),
            training.skipped().total() == 0 ? "" : "; " + training.skipped().describe()));
  }

  private static Optional<Path> runFolder(Arguments arguments) throws UsageException {
    arguments.exclusive(RUN, OUT);
    return arguments.has(RUN) ? arguments.path(RUN) : arguments.path(OUT);
  }
}
