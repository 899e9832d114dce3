package org.ttame.training;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.TreeSet;
import org.ttame.backbones.ClassifierJson;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.engine.Precision;
import org.ttame.core.masking.Masking;
import org.ttame.core.provenance.BuildInfo;
import org.ttame.core.provenance.Sha256;
import org.ttame.training.data.ImageList;
import org.ttame.training.run.RunFolder;

/** Fills {@code run.json}: who made this run, from what, with which settings and versions. */
final class RunRecord {
  private static final String PRECISION = "precision";
  private static final ObjectMapper JSON = new ObjectMapper();

  private RunRecord() {}

  /** What a run is, as far as it is known before its first step. */
  static ObjectNode of(
      RunFolder folder,
      FrozenClassifier classifier,
      Path backboneFile,
      AttentionMechanism mechanism,
      Masking masking,
      ImageList images,
      TrainingOptions options,
      TrainingPlan plan)
      throws IOException {
    ObjectNode record = JSON.createObjectNode();
    record.put("format", RunFolder.FORMAT);
    record.put("status", "running");
    record.put("started", Instant.now().toString());
    record.set("program", program(classifier));
    record.set("settings", settings(options));
    record.put("seed", options.seed());
    record.set("backbone", backbone(folder, classifier, backboneFile));
    record.set("layers", layers(mechanism.spec().features()));
    record.put("masking", masking.optionName());
    record
        .putObject("attention")
        .put("variant", mechanism.spec().variant().optionName())
        .put("parameters", mechanism.parameterCount())
        .put("map_height", mechanism.mapHeight())
        .put("map_width", mechanism.mapWidth());
    record
        .putObject("data")
        .put("source", images.source().toAbsolutePath().normalize().toString())
        .put("images", images.size())
        .put("names_sha256", images.namesSha256());
    record.put("steps_per_epoch", plan.stepsPerEpoch());
    record.put("planned_steps", plan.totalSteps());
    return record;
  }

  /** Adds settings that are not the training's own. */
  static void addAround(ObjectNode record, Map<String, String> around) {
    ObjectNode settings = record.withObject("/settings");
    new TreeMap<>(around).forEach(settings::put);
  }

  /** Adds what epochs are chosen by, if they are. */
  static void addValidation(ObjectNode record, Validator validator) {
    if (validator != null && !validator.fingerprint().isEmpty()) {
      record.putObject("validation").put("names_sha256", validator.fingerprint());
    }
  }

  /** Adds the file that initial values came from, if there is one. */
  static void addInit(ObjectNode record, RunFolder folder, Path initFile) throws IOException {
    if (initFile != null) {
      record
          .putObject("init")
          .put("file", folder.portable(initFile))
          .put("sha256", Sha256.of(initFile));
    }
  }

  /**
   * The record of a run to go on with, which has to fit what a run started {@code now} would
   * record.
   */
  static ObjectNode resumed(RunFolder folder, ObjectNode now) throws IOException {
    ObjectNode begun = folder.record();
    List<String> differences = differences(begun, now);
    if (!differences.isEmpty()) {
      throw new IOException(
          Text.format(
              "The run in '%s' cannot be resumed with other settings: %s; start"
                  + " another run in another folder",
              folder.path(), String.join("; ", differences)));
    }
    begun.remove("failure");
    begun.withArray("resumed").add(Instant.now().toString());
    begun.set("program", now.get("program"));
    if (now.has("validation")) {
      begun.set("validation", now.get("validation"));
    }
    return begun;
  }

  /**
   * What keeps a run from going on as it was begun, in phrases, by its {@code run.json} and what
   * would be written now; none if it may go on.
   */
  static List<String> differences(JsonNode begun, JsonNode now) {
    List<String> differences = new ArrayList<>();
    TreeSet<String> names = new TreeSet<>();
    begun.path("settings").fieldNames().forEachRemaining(names::add);
    now.path("settings").fieldNames().forEachRemaining(names::add);
    names.removeAll(TrainingOptions.harmless());
    names.removeAll(RunFolder.AROUND);
    for (String name : names) {
      compare(
          name, begun.path("settings").path(name), now.path("settings").path(name), differences);
    }
    compare("masking", begun.path("masking"), now.path("masking"), differences);
    compare(
        "the number of images",
        begun.path("data").path("images"),
        now.path("data").path("images"),
        differences);
    if (differences.isEmpty()) {
      compare(
          "the checksum of the image names",
          begun.path("data").path("names_sha256"),
          now.path("data").path("names_sha256"),
          differences);
    }
    compare(
        "the checksum of the backbone file",
        begun.path("backbone").path("sha256"),
        now.path("backbone").path("sha256"),
        differences);
    for (String name : ClassifierJson.INPUT_FIELDS) {
      compare(name, input(begun, name), input(now, name), differences);
    }
    JsonNode kind = begun.path("backbone").path(ClassifierJson.OUTPUT).path("kind");
    if (!kind.isMissingNode()) { // the first stage had one kind
      compare(
          "output kind",
          kind,
          now.path("backbone").path(ClassifierJson.OUTPUT).path("kind"),
          differences);
    }
    if (begun.has("validation") && now.has("validation")) {
      compare(
          "the checksum of the validation images' names",
          begun.path("validation").path("names_sha256"),
          now.path("validation").path("names_sha256"),
          differences);
    }
    compare("the precision", precision(begun), precision(now), differences);
    compare("the layers' shapes", begun.path("layers"), now.path("layers"), differences);
    return differences;
  }

  /** Float32 where a record does not say. */
  private static JsonNode precision(JsonNode record) {
    String known = record.path("backbone").path(PRECISION).asText(Precision.FLOAT32.optionName());
    return TextNode.valueOf(known);
  }

  /** As text: numbers that were read have another type than those that were not. */
  private static JsonNode input(JsonNode record, String name) {
    return TextNode.valueOf(
        record.path("backbone").path(ClassifierJson.INPUT).path(name).toString());
  }

  private static void compare(String what, JsonNode was, JsonNode is, List<String> differences) {
    if (!was.equals(is)) {
      differences.add(Text.format("%s was %s and is %s", what, text(was), text(is)));
    }
  }

  private static String text(JsonNode node) {
    return node.isMissingNode() ? "not given" : node.isTextual() ? node.asText() : node.toString();
  }

  private static ObjectNode program(FrozenClassifier classifier) {
    BuildInfo build = BuildInfo.current();
    return JSON.createObjectNode()
        .put("version", build.version())
        .put("commit", build.commit())
        .put("dirty", build.dirty())
        .put("nd4j", build.nd4j())
        .put("java", Runtime.version().toString())
        .put("platform", System.getProperty("os.name") + " " + System.getProperty("os.arch"))
        .put("engine", classifier.engine());
  }

  private static ObjectNode settings(TrainingOptions options) {
    Properties properties = options.toProperties();
    ObjectNode settings = JSON.createObjectNode();
    for (String name : new TreeSet<>(properties.stringPropertyNames())) {
      settings.put(name, properties.getProperty(name));
    }
    return settings;
  }

  private static ObjectNode backbone(RunFolder folder, FrozenClassifier classifier, Path file)
      throws IOException {
    ObjectNode backbone = ClassifierJson.write(classifier.spec());
    backbone.put(PRECISION, classifier.precision().optionName());
    if (file != null) {
      backbone.put("file", folder.portable(file));
      backbone.put("sha256", Sha256.of(file));
    }
    return backbone;
  }

  private static ArrayNode layers(List<FeatureLayer> features) {
    ArrayNode layers = JSON.createArrayNode();
    for (FeatureLayer layer : features) {
      layers.addObject().put("node", layer.node()).put("shape", layer.shape());
    }
    return layers;
  }
}
