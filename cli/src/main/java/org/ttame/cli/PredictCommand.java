package org.ttame.cli;

import java.util.List;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.services.ClassifierChoice;
import org.ttame.services.Predict;

/** {@code ttame predict}. */
final class PredictCommand implements Command {
  private static final OptionSpec TOP =
      OptionSpec.of("top", "K", "5", "most probable classes to list per image");
  private static final OptionSpec LOGITS =
      OptionSpec.flag("logits", "write the logits of all classes, too");
  private static final OptionSpec OUT =
      OptionSpec.of("out", "DIR", "ttame-predictions", "where predictions.json goes");

  @Override
  public CommandSpec spec() {
    return new CommandSpec(
        "predict",
        "runs the imported classifier alone, to check the import",
        null,
        List.of(
            CommonOptions.WEIGHTS,
            CommonOptions.RUN,
            CommonOptions.IMAGES,
            TOP,
            LOGITS,
            CommonOptions.LABELS,
            OUT),
        OptionSpec.all(
            List.of(CommonOptions.BACKBONE),
            CommonOptions.CLASSIFIER,
            List.of(CommonOptions.BATCH_SIZE),
            CommonOptions.READING,
            CommonOptions.COMPUTING_ROUNDED),
        "ttame predict --weights vgg16.onnx --images imagenet/val --limit 500",
        List.of(
            "Prints the first class of each image, and the accuracy where images have labels (class"
                + " folders, or a list with labels)."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    ClassifierChoice choice = ClassifierArguments.parse(arguments);
    Predict.Options options =
        new Predict.Options(
            arguments.requiredPath(CommonOptions.IMAGES),
            arguments.requiredInteger(TOP, 1),
            arguments.has(LOGITS),
            arguments.path(CommonOptions.LABELS),
            choice.run(),
            arguments.path(OUT).orElseThrow(),
            ImageArguments.parse(arguments));
    Engine.Settings engine = Engine.Settings.parse(arguments);
    return console -> {
      Predict predict = new Predict(options, console);
      Engine.start(engine, console);
      try (FrozenClassifier classifier = choice.load(console)) {
        print(predict.run(classifier, prediction -> print(prediction, console)), console);
      }
    };
  }

  private static void print(Predict.Prediction prediction, Console console) {
    console.result(
        Text.format(
            "%s: %s, probability %.4f",
            prediction.image(), prediction.name(), prediction.probability()));
  }

  private static void print(Predict.Result result, Console console) {
    result
        .accuracy()
        .ifPresent(
            accuracy ->
                console.result(
                    Text.format(
                        "accuracy: %.2f %% first, %.2f %% among the first %d, of %d labelled"
                            + " images",
                        accuracy.first(),
                        accuracy.amongTop(),
                        accuracy.top(),
                        accuracy.labelled())));
    console.result(Text.format("%s: %s", result.file(), result.skipped().after(result.images())));
  }
}
