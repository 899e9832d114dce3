package org.ttame.cli;

import java.util.List;

/** {@code ttame predict}. */
final class PredictCommand implements Command {
  private static final OptionSpec TOP = OptionSpec.of("top", "K", "5", "classes to name an image");
  private static final OptionSpec LOGITS =
      OptionSpec.flag("logits", "write the logits of all classes, too");
  private static final OptionSpec OUT =
      OptionSpec.of("out", "DIR", "ttame-predictions", "where predictions.json goes");

  @Override
  public CommandSpec spec() {
    return new CommandSpec(
        "predict",
        "runs the imported classifier alone: is my import right?",
        null,
        List.of(
            CommonOptions.WEIGHTS,
            CommonOptions.RUN,
            CommonOptions.IMAGES,
            TOP,
            LOGITS,
            Labels.OPTION,
            OUT),
        List.of(
            CommonOptions.BACKBONE,
            CommonOptions.MEAN,
            CommonOptions.STD,
            CommonOptions.INPUT_SIZE,
            CommonOptions.OUTPUT,
            CommonOptions.BATCH_SIZE,
            CommonOptions.LIMIT,
            CommonOptions.LIMIT_SEED,
            CommonOptions.STRICT,
            CommonOptions.MAX_PIXELS,
            CommonOptions.DEVICE,
            CommonOptions.ENGINE,
            CommonOptions.THREADS),
        "ttame predict --weights vgg16.onnx --images imagenet/val --limit 500",
        List.of(
            "Prints the first class of each image, and the accuracy where images have labels (class"
                + " folders, or a list with labels)."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    return new PredictJob(
        ClassifierChoice.parse(arguments),
        arguments.requiredPath(CommonOptions.IMAGES),
        arguments.requiredInteger(TOP, 1),
        arguments.has(LOGITS),
        arguments.path(Labels.OPTION),
        arguments.path(OUT).orElseThrow(),
        ImageSettings.parse(arguments),
        Engine.Settings.parse(arguments));
  }
}
