package org.ttame.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.ttame.core.Text;

/** {@code ttame inspect}. */
final class InspectCommand implements Command {
  @Override
  public CommandSpec spec() {
    return new CommandSpec(
        "inspect",
        "what is in this classifier file or training run",
        "FILE|RUN",
        List.of(CommonOptions.WEIGHTS, CommonOptions.RUN),
        List.of(
            CommonOptions.BACKBONE,
            CommonOptions.MEAN,
            CommonOptions.STD,
            CommonOptions.INPUT_SIZE,
            CommonOptions.OUTPUT,
            CommonOptions.DEVICE,
            CommonOptions.ENGINE,
            CommonOptions.THREADS),
        "ttame inspect vgg16.onnx",
        List.of(
            "Of a classifier: architecture, classes, input, the layers that can be explained with"
                + " their shapes (those read by default are marked), parameters, provenance. Of a"
                + " run: settings, progress, checkpoints."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    arguments.exclusive(CommonOptions.WEIGHTS, CommonOptions.RUN);
    Optional<Path> weights = arguments.path(CommonOptions.WEIGHTS);
    Optional<Path> run = arguments.path(CommonOptions.RUN);
    if (weights.isPresent() || run.isPresent()) {
      if (!arguments.operands().isEmpty()) {
        throw new UsageException(
            Text.format(
                "inspect looks at one thing; '%s' is too many", arguments.operands().get(0)));
      }
    } else if (arguments.operands().size() == 1) {
      Path thing = Arguments.toPath("FILE|RUN", arguments.operands().get(0));
      if (Files.isDirectory(thing)) {
        run = Optional.of(thing);
      } else {
        weights = Optional.of(thing);
      }
    } else {
      throw new UsageException("inspect takes one classifier file or one training run");
    }
    Engine.Settings engine = Engine.Settings.parse(arguments);
    ClassifierChoice choice =
        new ClassifierChoice(weights, run, ClassifierChoice.options(arguments));
    return console -> new Inspection(choice, engine).print(console);
  }
}
