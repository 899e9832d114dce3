package org.ttame.training.run;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.ttame.backbones.ClassifierJson;
import org.ttame.backbones.onnx.OnnxBackbone;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;
import org.ttame.core.classifier.Assumption;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.OutputKind;
import org.ttame.core.image.ImageSize;
import org.ttame.core.image.InputSpec;

/**
 * What {@code run.json} says of the classifier that a run explains: beside the file itself all that
 * decides its numbers. Every command that works on a run loads the classifier by {@link #options}
 * and asks {@link #requireSame} whether it was the right file.
 *
 * @param run the run's folder
 * @param file name of the classifier's file, for messages; may be empty
 * @param sha256 of that file; empty where the run was not started from one
 * @param imported the SHA-256 of the file that it was imported from, if it was
 * @param input what it expects of an image
 * @param output the output that has the logits, where it was recorded
 * @param kind what that output means, where it was recorded
 * @param classes K
 * @param assumed what of this nobody had said
 */
public record RunClassifier(
    Path run,
    String file,
    Optional<String> sha256,
    Optional<String> imported,
    InputSpec input,
    Optional<String> output,
    Optional<OutputKind> kind,
    int classes,
    Set<Assumption.Setting> assumed) {
  private static final Pattern DIGEST = Pattern.compile("[0-9a-f]{64}");

  /** Digits of a sum that messages show. */
  private static final int SHOWN = 12;

  private static final String SUM = "sha256";
  private static final String IMPORTED_SUM = "imported-sha256";

  public RunClassifier {
    assumed = Collections.unmodifiableSet(assumed);
  }

  /**
   * Reads the content of a run's {@code run.json}; throws IllegalArgumentException naming the
   * field, if one is missing or damaged.
   */
  static RunClassifier of(Path run, JsonNode record) {
    JsonNode backbone =
        ClassifierJson.field(record, "", "backbone", JsonNode::isObject, "an object");
    JsonNode output = object(backbone, ClassifierJson.OUTPUT);
    JsonNode provenance = backbone.path("provenance");
    return new RunClassifier(
        run,
        provenance.path("file").asText(""),
        digest(backbone, SUM),
        digest(provenance, IMPORTED_SUM),
        ClassifierJson.input(object(backbone, ClassifierJson.INPUT), "backbone.input."),
        Optional.of(output.path("name").asText("")).filter(name -> !name.isEmpty()),
        output.has("kind")
            ? Optional.of(ClassifierJson.output(output, "backbone.output.").kind())
            : Optional.empty(), // the first stage had one kind
        ClassifierJson.classes(output, "backbone.output."),
        ClassifierJson.assumed(backbone.path(ClassifierJson.ASSUMED)));
  }

  private static JsonNode object(JsonNode backbone, String name) {
    return ClassifierJson.field(backbone, "backbone.", name, JsonNode::isObject, "an object");
  }

  /** How to load its file, so that it computes what it computed for the run. */
  public BackboneOptions options() {
    BackboneOptions options =
        BackboneOptions.defaults()
            .withClasses(classes)
            .withStandardisation(input.mean(), input.std())
            .withSize(new ImageSize(input.height(), input.width()))
            .withResize(input.resize())
            .assumedBefore(assumed);
    options = output.isPresent() ? options.withOutput(output.get()) : options;
    return kind.isPresent() ? options.withOutputKind(kind.get()) : options;
  }

  /**
   * Refuses a classifier that the run was not trained for. The same one is the same file, or one
   * that was imported from it, or that it was imported from, or another import of the same file;
   * and it must take the same images and give the same output.
   *
   * @param classifier what was loaded; one that comes from no file is taken on trust
   * @throws IOException saying what was expected and what was found
   */
  public void requireSame(FrozenClassifier classifier) throws IOException {
    Optional<String> sum = Optional.ofNullable(classifier.provenance().get(SUM));
    if (sum.isPresent() && sha256.isPresent()) {
      Set<String> here = new HashSet<>(Set.of(sum.get()));
      Optional.ofNullable(classifier.provenance().get(IMPORTED_SUM)).ifPresent(here::add);
      Set<String> there = new HashSet<>(Set.of(sha256.get()));
      imported.ifPresent(there::add);
      if (Collections.disjoint(here, there)) {
        throw another(
            Path.of(classifier.provenance().getOrDefault("file", classifier.name())), sum.get());
      }
    }
    InputSpec found = classifier.inputSpec();
    String gives = classifier.provenance().get(OnnxBackbone.OUTPUT);
    OutputKind means = classifier.spec().output().kind();
    List<String> differences = new ArrayList<>();
    compare("size of images", input.size(), found.size(), differences);
    compare("resize rule", input.resize().optionName(), found.resize().optionName(), differences);
    compare("mean", input.mean(), found.mean(), differences);
    compare("std", input.std(), found.std(), differences);
    compare("number of classes", classes, classifier.classes(), differences);
    if (output.isPresent() && gives != null) {
      compare("output", output.get(), gives, differences);
    }
    if (kind.isPresent() && kind.get().isExclusive() != means.isExclusive()) {
      compare("output kind", kind.get().optionName(), means.optionName(), differences);
    }
    if (!differences.isEmpty()) {
      throw new IOException(
          Text.format(
              "The run in '%s' was trained on %s with other settings than those used here: %s",
              run, classifier.name(), String.join("; ", differences)));
    }
  }

  /**
   * Says that a file is another classifier.
   *
   * @param sum its SHA-256
   */
  public IOException another(Path found, String sum) {
    return new IOException(
        Text.format(
            "%s (SHA-256 %s…) is not the classifier of the run in '%s', which was trained on %s"
                + " (SHA-256 %s…): give that file with option 'weights', or train another run on"
                + " this one",
            found,
            sum.substring(0, SHOWN),
            run,
            file.isEmpty() ? "another file" : file,
            sha256.orElseThrow().substring(0, SHOWN)));
  }

  private static void compare(String what, Object was, Object is, List<String> differences) {
    if (!was.equals(is)) {
      differences.add(Text.format("the %s was %s and is %s", what, was, is));
    }
  }

  private static Optional<String> digest(JsonNode node, String name) {
    if (!node.has(name)) {
      return Optional.empty();
    }
    return Optional.of(
        ClassifierJson.field(
                node,
                "backbone.",
                name,
                value -> value.isTextual() && DIGEST.matcher(value.asText()).matches(),
                "64 hexadecimal digits")
            .asText());
  }
}
