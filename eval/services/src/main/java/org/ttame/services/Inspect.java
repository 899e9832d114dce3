package org.ttame.services;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.ttame.backbones.ClassifierJson;
import org.ttame.backbones.source.BackboneException;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.Assumption;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.Preprocessing;
import org.ttame.training.run.Checkpoint;
import org.ttame.training.run.Checkpoints;
import org.ttame.training.run.RunFolder;

/** Says what a classifier or a run folder holds. */
public final class Inspect {
  private static final Pattern COUNT = Pattern.compile("\\d{1,18}");

  private static final int FORMAT = 1;

  private Inspect() {}

  /**
   * Something to know.
   *
   * @param name of what
   * @param value for people
   */
  public record Fact(String name, String value) {}

  /**
   * A classifier.
   *
   * @param facts name, provenance, input and so on
   * @param layers those that can be explained
   * @param defaultLayers those of them that are read by default
   * @param attention what an attention mechanism on those would be; empty where there are none
   */
  public record Classifier(
      List<Fact> facts,
      List<FeatureLayer> layers,
      List<FeatureLayer> defaultLayers,
      Optional<AttentionSpec> attention) {}

  /**
   * Looks at a classifier.
   *
   * @param classifier stays the caller's
   */
  public static Classifier classifier(FrozenClassifier classifier) {
    List<Fact> facts = new ArrayList<>();
    add(facts, "classifier", classifier.name());
    new TreeMap<>(classifier.provenance())
        .forEach((name, value) -> add(facts, name, readable(name, value)));
    add(facts, "classes", classifier.classes());
    InputSpec input = classifier.inputSpec();
    add(
        facts,
        "input",
        Text.format(
            "%s pixels of %s, %s; in the file %s %s",
            input.size(),
            Text.count(input.channels(), "channel"),
            Preprocessing.takesPictures(input)
                ? "resize rule " + input.resize().optionName()
                : "which pictures do not have: arrays only",
            input.stored().layout(),
            input.stored().type().fileName()));
    add(facts, "output kind", classifier.spec().output().kind().optionName());
    if (!classifier.spec().output().labels().isEmpty()) {
      add(facts, "labels", String.join(", ", classifier.spec().output().labels()));
    }
    add(facts, "mean", classifier.inputSpec().mean());
    add(facts, "std", classifier.inputSpec().std());
    for (Assumption assumption : classifier.assumptions()) {
      add(facts, "assumed", assumption.value());
    }
    add(facts, "masking", classifier.defaultMasking().optionName());
    add(facts, "engine", classifier.engine());
    List<FeatureLayer> defaultLayers = classifier.defaultLayers();
    return new Classifier(
        facts,
        List.copyOf(classifier.layers().values()),
        defaultLayers,
        defaultLayers.isEmpty()
            ? Optional.empty()
            : Optional.of(AttentionSpec.of(defaultLayers, classifier.classes(), Variant.PROPOSED)));
  }

  /**
   * All that is known of a classifier, for programs: what {@link ClassifierJson} writes, with
   * {@code layers}, {@code assumptions} as sentences, {@code engine} and {@code attention}.
   *
   * @param classifier stays the caller's
   */
  public static ObjectNode json(FrozenClassifier classifier) {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("format", FORMAT);
    json.setAll(ClassifierJson.write(classifier.spec()));
    json.set("layers", ClassifierJson.layers(classifier.spec()));
    ArrayNode assumptions = json.putArray("assumptions");
    classifier.assumptions().forEach(assumption -> assumptions.add(assumption.sentence()));
    json.put("engine", classifier.engine());
    classifier(classifier)
        .attention()
        .ifPresent(
            spec ->
                json.putObject("attention")
                    .put("parameters", spec.parameterCount())
                    .put("map_height", spec.mapHeight())
                    .put("map_width", spec.mapWidth()));
    return json;
  }

  /**
   * Why a file cannot be read as a classifier, for programs: {@code file}, {@code supported}
   * (false), {@code error} as a sentence, and {@code unsupported}, everything in its graph that is
   * not.
   *
   * @param refusal what was said of it
   */
  public static ObjectNode json(Path file, BackboneException refusal) {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("format", FORMAT);
    json.put("file", file.toString());
    json.put("supported", false);
    json.put("error", refusal.getMessage());
    ArrayNode unsupported = json.putArray("unsupported");
    refusal.unsupported().forEach(unsupported::add);
    return json;
  }

  /**
   * Reads a training run.
   *
   * @throws IOException if its record is damaged
   */
  public static List<Fact> run(RunFolder folder) throws IOException {
    List<Fact> facts = new ArrayList<>();
    JsonNode record = folder.record();
    add(facts, "run", folder.path());
    for (String name : List.of("status", "failure", "started", "updated")) {
      if (record.hasNonNull(name)) {
        add(facts, name, record.path(name).asText());
      }
    }
    add(
        facts,
        "steps",
        Text.format(
            "%s of %s",
            record.path("steps_done").asText("0"), record.path("planned_steps").asText("?")));
    addTree(facts, "", record, List.of("backbone", "layers", "attention", "masking", "data"));
    addTree(facts, "", record, List.of("settings", "program", "passes", "best"));
    Checkpoints checkpoints = folder.checkpoints();
    add(facts, "checkpoints", checkpoints.epochs().stream().map(Checkpoint::name).toList());
    pointer(facts, "last", checkpoints.last());
    pointer(facts, "best", checkpoints.best());
    return facts;
  }

  private static void pointer(List<Fact> facts, String name, Optional<Checkpoint> checkpoint) {
    checkpoint.ifPresent(found -> add(facts, name, found.name()));
  }

  /** Adds fields of a record, nested ones under dotted names. */
  private static void addTree(
      List<Fact> facts, String prefix, JsonNode node, Iterable<String> names) {
    for (String name : names) {
      JsonNode value = node.path(name);
      if (value.isObject()) {
        addTree(facts, prefix + name + ".", value, value::fieldNames);
      } else if (!value.isMissingNode()) {
        add(
            facts,
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

  private static void add(List<Fact> facts, String name, Object value) {
    facts.add(new Fact(name, String.valueOf(value)));
  }
}
