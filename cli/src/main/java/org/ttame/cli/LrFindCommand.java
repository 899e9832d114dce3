package org.ttame.cli;

import java.util.List;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.services.ClassifierChoice;
import org.ttame.services.FindLearningRate;
import org.ttame.services.TrainingInputs;
import org.ttame.training.LearningRateCurve;
import org.ttame.training.optimizer.ExponentialRamp;

/** {@code ttame lr-find}. */
final class LrFindCommand implements Command {
  private static final OptionSpec MIN_LR =
      OptionSpec.of("min-lr", "X", "1e-6", "the first step's learning rate");
  private static final OptionSpec MAX_LR =
      OptionSpec.of("max-lr", "X", "1", "the last step's learning rate");
  private static final OptionSpec STEPS = OptionSpec.of("steps", "N", "100", "how many steps");
  private static final OptionSpec OUT =
      OptionSpec.of("out", "DIR", "ttame-lr-find", "where the files go");

  @Override
  public CommandSpec spec() {
    return new CommandSpec(
        "lr-find",
        "runs a learning-rate range test and suggests --max-lr",
        null,
        OptionSpec.all(
            List.of(
                CommonOptions.WEIGHTS,
                CommonOptions.DATA,
                CommonOptions.BACKBONE,
                OUT,
                MIN_LR,
                MAX_LR,
                STEPS,
                TrainingArguments.BATCH_SIZE,
                CommonOptions.LAYERS,
                TrainingArguments.VARIANT),
            TrainingArguments.LOSSES,
            List.of(
                TrainingArguments.AUGMENT,
                TrainingArguments.NO_SHUFFLE,
                TrainingArguments.INIT,
                TrainingArguments.WEIGHT_DECAY,
                TrainingArguments.DECODE_THREADS)),
        CommonOptions.TRAINING,
        "ttame lr-find --weights vgg16.onnx --data imagenet/train --batch-size auto --out lr",
        List.of(
            "Without --weights and --data it tests on the bundled sample. The rate"
                + " grows by the same factor from step to step; the test ends early where"
                + " the loss diverges. Ctrl-C ends it after the current step. Writes"
                + " OUT/lr-find.json and lr-find.csv, with the rule of the suggestion and"
                + " why it ended, and the curve as lr-find.png, .svg and .pdf.",
            "No run is changed: a mechanism with its initial values, or those of"
                + " --init, is trained and discarded."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    TrainingInputs.Source source = TrainingArguments.source(arguments, "lr-find");
    double least = arguments.positive(MIN_LR);
    double most = arguments.positive(MAX_LR);
    if (least >= most) {
      throw new UsageException(Text.format("--min-lr %s is not below --max-lr %s", least, most));
    }
    FindLearningRate.Options options =
        new FindLearningRate.Options(
            source,
            TrainingArguments.options(arguments, source.sample().isPresent()),
            TrainingArguments.isAuto(arguments),
            new ExponentialRamp(arguments.requiredInteger(STEPS, 2), least, most),
            arguments.path(TrainingArguments.INIT),
            arguments.path(OUT).orElseThrow());
    BackboneOptions known = TrainingArguments.classifier(arguments, source);
    Engine.Settings engine = Engine.Settings.parse(arguments);
    return console -> {
      Engine.start(engine, console);
      FindLearningRate find = new FindLearningRate(options, console);
      try (FrozenClassifier classifier = ClassifierChoice.of(find.weights(), known).load(console)) {
        StopHook.during(
            find::stop,
            () -> {
              FindLearningRate.Result result = find.run(classifier);
              print(result, options.ramp(), console);
              return result;
            });
      }
    };
  }

  private static void print(FindLearningRate.Result result, ExponentialRamp ramp, Console console) {
    LearningRateCurve curve = result.curve();
    LearningRateCurve.Point lowest = curve.lowest();
    console.result(
        Text.format(
            "%d of %d steps%s; lowest smoothed loss %.4f at learning rate %.3g",
            curve.points().size(),
            ramp.totalSteps(),
            switch (curve.ending()) {
              case COMPLETE -> "";
              case DIVERGED -> ", then it diverged";
              case STOPPED -> ", then it was stopped";
            },
            lowest.smoothed(),
            lowest.lr()));
    console.result(
        curve.suggestion().isPresent()
            ? Text.format("suggestion: --max-lr %.2g", curve.suggestion().getAsDouble())
            : "no suggestion: the smoothed loss never falls; try another --min-lr"
                + " and --max-lr, or more --steps");
    if (result.skipped().total() > 0) {
      console.result(result.skipped().describe());
    }
    console.result(result.plot().toString());
  }
}
