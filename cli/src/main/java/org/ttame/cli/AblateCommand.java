package org.ttame.cli;

import java.util.List;
import org.ttame.training.TrainingOptions;

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
            CommonOptions.LAYERS,
            TrainingArguments.MASKING,
            TrainingArguments.LOSS,
            TrainingArguments.LAMBDA1,
            TrainingArguments.LAMBDA2,
            TrainingArguments.LAMBDA3,
            TrainingArguments.LAMBDA4,
            TrainingArguments.AUGMENT,
            TrainingArguments.WEIGHT_DECAY,
            TrainingArguments.SAVE_EVERY,
            TrainingArguments.DECODE_THREADS),
        CommonOptions.TRAINING,
        "ttame ablate --weights vgg16.onnx --data imagenet/train --val lists/val.txt --test"
            + " lists/test.txt",
        List.of(
            "Without --weights and --data it works on the bundled sample. Each training is a run in"
                + " OUT/trials; the tables are OUT/ablation.md, .tex, .csv and .json. --masking is"
                + " that of Table VI; Table VII trains and measures with both.",
            "Ctrl-C saves and stops; the same command goes on. The paper's own numbers stand beside"
                + " ours only for its three networks on ImageNet's validation images, and say"
                + " so."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    TrainJob.Source source = TrainingArguments.source(arguments, "ablate");
    boolean sample = source.sample().isPresent();
    if (sample && arguments.has(TEST)) {
      throw new UsageException("--test needs --weights and --data; the sample brings its own");
    }
    if (!sample && !arguments.has(TEST)) {
      throw new UsageException("--test PATH is missing: " + TEST.description());
    }
    TrainingOptions options = TrainingArguments.options(arguments, sample);
    return new AblateJob(
        source,
        new ExperimentData(
            arguments.path(TEST),
            ImageSettings.draw(arguments, TEST_LIMIT),
            arguments.path(OUT).orElseThrow()),
        options,
        TrainingArguments.isAuto(arguments),
        Engine.Settings.parse(arguments),
        arguments.given());
  }
}
