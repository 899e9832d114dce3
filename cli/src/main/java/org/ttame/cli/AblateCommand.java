package org.ttame.cli;

import java.util.List;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.eval.experiment.ExperimentListener;
import org.ttame.eval.experiment.ExperimentListener.State;
import org.ttame.eval.report.ResultPage;
import org.ttame.services.Ablate;
import org.ttame.services.ClassifierChoice;
import org.ttame.services.TrainingInputs;

/** {@code ttame ablate}. */
final class AblateCommand implements Command {
  static final OptionSpec TEST =
      OptionSpec.of(
          "test", "PATH", "images to measure on, with --weights; the sample brings its own");
  static final OptionSpec TEST_LIMIT =
      OptionSpec.of("test-limit", "N", "measure on N of them, drawn as with --limit");
  private static final OptionSpec OUT =
      OptionSpec.of("out", "DIR", "ttame-ablation", "where trainings and tables go");

  @Override
  public CommandSpec spec() {
    return new CommandSpec(
        "ablate",
        "trains and measures the variants and maskings of Tables VI and VII, as one job",
        null,
        OptionSpec.all(
            List.of(
                CommonOptions.WEIGHTS,
                CommonOptions.DATA,
                TrainingArguments.VAL,
                TEST,
                TEST_LIMIT,
                CommonOptions.BACKBONE,
                OUT,
                TrainingArguments.EPOCHS,
                TrainingArguments.BATCH_SIZE,
                TrainingArguments.MAX_LR,
                TrainingArguments.MAX_STEPS,
                CommonOptions.LAYERS),
            TrainingArguments.LOSSES,
            List.of(
                TrainingArguments.AUGMENT,
                TrainingArguments.WEIGHT_DECAY,
                TrainingArguments.SAVE_EVERY,
                TrainingArguments.DECODE_THREADS)),
        CommonOptions.TRAINING,
        "ttame ablate --weights vgg16.onnx --data imagenet/train --val lists/val.txt --test"
            + " lists/test.txt",
        List.of(
            "Without --weights and --data it works on the bundled sample. Each training is a run in"
                + " OUT/trials; the tables are OUT/report.html and ablation.md, .tex, .csv and"
                + " .json. --masking is that of Table VI; Table VII trains and measures with both.",
            "Ctrl-C saves and stops; run the same command again to resume. The"
                + " paper's published numbers are shown, marked as such, only for its"
                + " three networks on ImageNet's validation images."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    TrainingInputs.Source source = TrainingArguments.source(arguments, "ablate");
    boolean sample = source.sample().isPresent();
    if (sample && arguments.has(TEST)) {
      throw new UsageException("--test needs --weights and --data; the sample brings its own");
    }
    if (!sample && !arguments.has(TEST)) {
      throw new UsageException("--test PATH is missing: " + TEST.description());
    }
    Ablate.Options options =
        new Ablate.Options(
            source,
            TrainingArguments.options(arguments, sample),
            TrainingArguments.isAuto(arguments),
            arguments.path(TEST),
            ImageArguments.draw(arguments, TEST_LIMIT),
            arguments.path(OUT).orElseThrow(),
            TrainCommand.known(arguments));
    BackboneOptions known = TrainingArguments.classifier(arguments, source);
    Engine.Settings engine = Engine.Settings.parse(arguments);
    return console -> {
      Engine.start(engine, console);
      Ablate ablate = new Ablate(options, console);
      try (FrozenClassifier classifier =
          ClassifierChoice.of(ablate.weights(), known).load(console)) {
        Ablate.Result result =
            StopHook.leaving(
                ablate::stop,
                () -> ablate.run(classifier, plan -> print(plan, console)),
                found -> found.results().size() == found.planned());
        if (result.tables().isEmpty()) {
          printStopped(result.results().size(), result.planned(), console);
          return;
        }
        result.tables().get().lines().forEach(console::result);
        console.result(result.file().toString());
        console.result(options.out().resolve(ResultPage.FILE) + ": all of it on one page");
      }
    };
  }

  /** Prints an experiment's plan. */
  static void print(List<ExperimentListener.Planned> plan, Console console) {
    long done = plan.stream().filter(planned -> planned.state() == State.DONE).count();
    long steps =
        plan.stream()
            .filter(planned -> planned.state() != State.DONE)
            .mapToLong(ExperimentListener.Planned::steps)
            .sum();
    console.result(Text.format("%d trainings, %d done, %d steps to go:", plan.size(), done, steps));
    for (int i = 0; i < plan.size(); i++) {
      ExperimentListener.Planned planned = plan.get(i);
      console.result(
          Text.format(
              "  %2d. %s, %s, %s",
              i + 1,
              planned.trial().name(),
              Text.count(planned.steps(), "step"),
              switch (planned.state()) {
                case DONE -> "done";
                case BEGUN -> "resumes";
                case OPEN -> "to do";
              }));
    }
  }

  /** Prints that an experiment was stopped. */
  static void printStopped(int done, int planned, Console console) {
    console.result(
        Text.format(
            "stopped after %d of %d trainings; run the same command again to resume",
            done, planned));
  }
}
