package org.ttame.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.ttame.backbones.source.BackboneException;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.services.ClassifierChoice;
import org.ttame.services.Inspect;
import org.ttame.training.run.RunFolder;

/** {@code ttame inspect}. */
final class InspectCommand implements Command {
  /** A mechanism larger than most classifiers. */
  private static final long MANY_PARAMETERS = 100_000_000;

  private static final OptionSpec JSON = OptionSpec.flag("json", "print everything as JSON");

  @Override
  public CommandSpec spec() {
    return new CommandSpec(
        "inspect",
        "describes a classifier file or a training run",
        "FILE|RUN",
        List.of(CommonOptions.WEIGHTS, CommonOptions.RUN, JSON),
        OptionSpec.all(
            List.of(CommonOptions.BACKBONE), CommonOptions.CLASSIFIER, CommonOptions.COMPUTING),
        "ttame inspect vgg16.onnx",
        List.of(
            "For a classifier: architecture, classes, input, the layers that can"
                + " be explained with their shapes (the default ones are marked),"
                + " parameters, provenance. For a run: settings, progress, checkpoints."));
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
                "inspect takes one classifier file or one training run; '%s' is one too many",
                arguments.operands().get(0)));
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
        new ClassifierChoice(weights, run, ClassifierArguments.options(arguments));
    boolean json = arguments.has(JSON);
    return console -> {
      if (choice.weights().isPresent()) {
        Engine.start(engine, console);
        try (FrozenClassifier classifier = choice.load(console)) {
          if (json) {
            console.result(Inspect.json(classifier));
          } else {
            print(Inspect.classifier(classifier), console);
          }
        } catch (BackboneException e) {
          if (json) {
            console.result(Inspect.json(choice.weights().get(), e));
          }
          throw e;
        }
      } else {
        choice.options(); // a damaged record, or an option that contradicts it, is said
        RunFolder folder = RunFolder.open(choice.run().orElseThrow());
        if (json) {
          console.result(folder.record());
        } else {
          Inspect.run(folder).forEach(fact -> print(fact, console));
        }
      }
    };
  }

  private static void print(Inspect.Classifier classifier, Console console) {
    classifier.facts().forEach(fact -> print(fact, console));
    console.result(
        classifier.layers().isEmpty()
            ? "no layer has height and width: use the method rise, which needs none"
            : "layers that can be explained, * those read by default:");
    for (FeatureLayer layer : classifier.layers()) {
      console.result(
          Text.format(
              "  %s %-38s %s%s",
              classifier.defaultLayers().contains(layer) ? "*" : " ",
              layer.node(),
              layer.shape(),
              layer.kind() == FeatureKind.TOKENS ? tokens(layer.prefix()) : ""));
    }
    if (classifier.attention().isPresent()) {
      print(describe(classifier.attention().get()), console);
    } else if (!classifier.layers().isEmpty()) {
      console.result("none lies on every path to the logits: name some with --layers");
    }
  }

  private static Inspect.Fact describe(AttentionSpec spec) {
    return new Inspect.Fact(
        "attention on those",
        Text.format(
            "%,d trainable parameters, maps of %d×%d%s",
            spec.parameterCount(),
            spec.mapHeight(),
            spec.mapWidth(),
            spec.parameterCount() > MANY_PARAMETERS
                ? "; a branch takes C² of its channels: name layers with fewer in --layers"
                : ""));
  }

  private static String tokens(int prefix) {
    return prefix == 1 ? ", tokens" : Text.format(", tokens, %d in front", prefix);
  }

  private static void print(Inspect.Fact fact, Console console) {
    console.result(Text.format("%-26s %s", fact.name(), fact.value()));
  }
}
