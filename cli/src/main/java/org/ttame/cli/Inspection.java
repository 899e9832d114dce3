package org.ttame.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.Assumption;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.training.run.Checkpoint;
import org.ttame.training.run.Checkpoints;
import org.ttame.training.run.RunFolder;

/** Prints what a classifier file or a run folder holds. */
final class Inspection {
  /** A mechanism larger than most classifiers. */
  private static final long MANY_PARAMETERS = 100_000_000;

  private static final Pattern COUNT = Pattern.compile("\\d{1,18}");

  private final ClassifierChoice choice;
  private final Engine.Settings engine;

  Inspection(ClassifierChoice choice, Engine.Settings engine) {
    this.choice = choice;
    this.engine = engine;
  }

  void print(Console console) throws Exception {
    if (choice.weights().isPresent()) {
      printClassifier(console);
    } else {
      choice.options(); // a damaged record, or an option that contradicts it, is said
      printRun(console, RunFolder.open(choice.run().orElseThrow()));
    }
  }

  private void printClassifier(Console console) throws Exception {
    Engine.start(engine, console);
    try (FrozenClassifier classifier = choice.load(console)) {
      line(console, "classifier", classifier.name());
      new TreeMap<>(classifier.provenance())
          .forEach((name, value) -> line(console, name, readable(name, value)));
      line(console, "classes", classifier.classes());
      int side = classifier.inputSpec().side();
      line(
          console,
          "input",
          Text.format(
              "%d×%d of images whose shorter side is resized to %d",
              side, side, classifier.inputSpec().resizeSide()));
      line(console, "mean", classifier.inputSpec().mean());
      line(console, "std", classifier.inputSpec().std());
      for (Assumption assumption : classifier.assumptions()) {
        line(console, "assumed", assumption.value());
      }
      line(console, "masking", classifier.defaultMasking().optionName());
      line(console, "engine", classifier.engine());
      List<FeatureLayer> standard = classifier.defaultLayers();
      console.result(
          classifier.layers().isEmpty()
              ? "no layer has a height and a width: explain by rise, which needs none"
              : "layers that can be explained, * those read by default:");
      for (FeatureLayer layer : classifier.layers().values()) {
        console.result(
            Text.format(
                "  %s %-38s %s%s",
                standard.contains(layer) ? "*" : " ",
                layer.node(),
                layer.shape(),
                layer.kind() == FeatureKind.TOKENS ? tokens(layer.prefix()) : ""));
      }
      if (!standard.isEmpty()) {
        printMechanism(console, AttentionSpec.of(standard, classifier.classes(), Variant.PROPOSED));
      } else if (!classifier.layers().isEmpty()) {
        console.result("none lies on every path to the logits: name some with --layers");
      }
    }
  }

  private static void printMechanism(Console console, AttentionSpec spec) {
    line(
        console,
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

  private static void printRun(Console console, RunFolder folder) throws IOException {
    JsonNode record = folder.record();
    line(console, "run", folder.path());
    for (String name : List.of("status", "failure", "started", "updated")) {
      if (record.hasNonNull(name)) {
        line(console, name, record.path(name).asText());
      }
    }
    line(
        console,
        "steps",
        Text.format(
            "%s of %s",
            record.path("steps_done").asText("0"), record.path("planned_steps").asText("?")));
    printTree(console, "", record, List.of("backbone", "layers", "attention", "masking", "data"));
    printTree(console, "", record, List.of("settings", "program", "passes", "best"));
    Checkpoints checkpoints = folder.checkpoints();
    line(console, "checkpoints", checkpoints.epochs().stream().map(Checkpoint::name).toList());
    pointer(console, "last", checkpoints.last());
    pointer(console, "best", checkpoints.best());
  }

  private static void pointer(Console console, String name, Optional<Checkpoint> checkpoint) {
    checkpoint.ifPresent(found -> line(console, name, found.name()));
  }

  /** Prints fields of a record, nested ones under dotted names. */
  private static void printTree(
      Console console, String prefix, JsonNode node, Iterable<String> names) {
    for (String name : names) {
      JsonNode value = node.path(name);
      if (value.isObject()) {
        printTree(console, prefix + name + ".", value, value::fieldNames);
      } else if (!value.isMissingNode()) {
        line(
            console,
            prefix + name,
            readable(name, value.isTextual() ? value.asText() : value.toString()));
      }
    }
  }

  /** A value for people: counts of parameters have too many digits to be read ungrouped. */
  private static String readable(String name, String value) {
    return name.equals("parameters") && COUNT.matcher(value).matches()
        ? Text.format("%,d", Long.parseLong(value))
        : value;
  }

  private static String tokens(int prefix) {
    return prefix == 1 ? ", tokens" : Text.format(", tokens, %d in front", prefix);
  }

  private static void line(Console console, String name, Object value) {
    console.result(Text.format("%-26s %s", name, value));
  }
}
