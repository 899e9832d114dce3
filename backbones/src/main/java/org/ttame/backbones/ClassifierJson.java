package org.ttame.backbones;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;
import org.ttame.core.Text;
import org.ttame.core.classifier.Assumption;
import org.ttame.core.classifier.ClassifierSpec;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.OutputKind;
import org.ttame.core.classifier.OutputSpec;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.ResizeRule;

/**
 * A classifier's description as JSON, the same in run folders, backbone files and what {@code
 * inspect --json} prints: {@code name}, {@code input}, {@code output}, {@code masking}, {@code
 * default_layers}, {@code cam_layer}, {@code assumed}, {@code provenance}.
 */
public final class ClassifierJson {
  /** The field of what it expects of an image. */
  public static final String INPUT = "input";

  /** The field of what it answers. */
  public static final String OUTPUT = "output";

  /** The field of what nobody has said. */
  public static final String ASSUMED = "assumed";

  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
  private static final String NAME = "name";
  private static final String HEIGHT = "height";
  private static final String WIDTH = "width";
  private static final String CHANNELS = "channels";
  private static final String LAYOUT = "layout";
  private static final String TYPE = "type";
  private static final String MEAN = "mean";
  private static final String STD = "std";
  private static final String RESIZE = "resize";
  private static final String KIND = "kind";
  private static final String CLASSES = "classes";
  private static final String LABELS = "labels";

  /** The fields of {@link #INPUT} that decide numbers. */
  public static final List<String> INPUT_FIELDS = List.of(HEIGHT, WIDTH, MEAN, STD, RESIZE);

  private ClassifierJson() {}

  /**
   * Writes a description.
   *
   * @param spec the classifier's
   * @return an object without its list of layers
   */
  public static ObjectNode write(ClassifierSpec spec) {
    ObjectNode json = JSON.objectNode();
    json.put(NAME, spec.name());
    json.set(INPUT, input(spec.input()));
    json.set(OUTPUT, output(spec.output()));
    json.put("masking", spec.masking().optionName());
    spec.defaultLayers().forEach(json.putArray("default_layers")::add);
    spec.cam().ifPresent(cam -> json.put("cam_layer", cam));
    ArrayNode assumed = json.putArray(ASSUMED);
    spec.assumptions().forEach(assumption -> assumed.add(assumption.setting().fileName()));
    ObjectNode provenance = json.putObject("provenance");
    new TreeMap<>(spec.provenance()).forEach(provenance::put);
    return json;
  }

  /** All layers that can be explained, from input to logits. */
  public static ArrayNode layers(ClassifierSpec spec) {
    ArrayNode layers = JSON.arrayNode();
    for (FeatureLayer layer : spec.layers().values()) {
      layers
          .addObject()
          .put("node", layer.node())
          .put(KIND, layer.kind().name().toLowerCase(java.util.Locale.ROOT))
          .put(CHANNELS, layer.channels())
          .put(HEIGHT, layer.height())
          .put(WIDTH, layer.width())
          .put("prefix_tokens", layer.prefix())
          .put("default", spec.defaultLayers().contains(layer.node()));
    }
    return layers;
  }

  /** What a classifier expects of an image. */
  public static ObjectNode input(InputSpec input) {
    ObjectNode json = JSON.objectNode();
    json.put(HEIGHT, input.height());
    json.put(WIDTH, input.width());
    json.put(CHANNELS, input.channels());
    json.put(LAYOUT, input.stored().layout().name());
    json.put(TYPE, input.stored().type().fileName());
    input.mean().forEach(json.putArray(MEAN)::add);
    input.std().forEach(json.putArray(STD)::add);
    json.put(RESIZE, input.resize().optionName());
    return json;
  }

  /** What a classifier answers. */
  public static ObjectNode output(OutputSpec output) {
    ObjectNode json = JSON.objectNode();
    json.put(NAME, output.name());
    json.put(KIND, output.kind().optionName());
    json.put(CLASSES, output.classes());
    output.labels().forEach(json.putArray(LABELS)::add);
    return json;
  }

  /**
   * Reads what {@link #input(InputSpec)} wrote.
   *
   * @param prefix of its fields' names, for messages
   * @throws IllegalArgumentException naming the field, if one is missing or damaged
   */
  public static InputSpec input(JsonNode json, String prefix) {
    int channels = count(json, prefix, CHANNELS, 1);
    return new InputSpec(
        count(json, prefix, HEIGHT, 1),
        count(json, prefix, WIDTH, 1),
        numbers(json, prefix, MEAN, channels, Double.NEGATIVE_INFINITY),
        numbers(json, prefix, STD, channels, 0),
        named(json, prefix, RESIZE, ResizeRule::parse),
        new InputSpec.Stored(
            named(json, prefix, LAYOUT, InputSpec.Layout::valueOf),
            named(json, prefix, TYPE, InputSpec.Type::parse)));
  }

  /**
   * Reads what {@link #output(OutputSpec)} wrote.
   *
   * @param prefix of its fields' names, for messages
   * @throws IllegalArgumentException naming the field, if one is missing or damaged
   */
  public static OutputSpec output(JsonNode json, String prefix) {
    List<String> labels = new ArrayList<>();
    json.path(LABELS).forEach(label -> labels.add(label.asText()));
    return new OutputSpec(
        field(json, prefix, NAME, JsonNode::isTextual, "a name").asText(),
        named(json, prefix, KIND, OutputKind::parse),
        classes(json, prefix),
        labels);
  }

  /**
   * Reads K of an output.
   *
   * @param prefix of its fields' names, for messages
   * @throws IllegalArgumentException if it is missing or damaged
   */
  public static int classes(JsonNode json, String prefix) {
    return count(json, prefix, CLASSES, 2);
  }

  /**
   * Reads what nobody had said.
   *
   * @param json an array of settings' names; what is none holds nothing
   * @throws IllegalArgumentException if a name is unknown
   */
  public static Set<Assumption.Setting> assumed(JsonNode json) {
    Set<Assumption.Setting> assumed = EnumSet.noneOf(Assumption.Setting.class);
    json.forEach(name -> assumed.add(Assumption.Setting.parse(name.asText())));
    return assumed;
  }

  private static List<Double> numbers(
      JsonNode json, String prefix, String name, int channels, double above) {
    String what =
        Text.format(
            "a list of numbers%s, one for each of %d channels",
            above == 0 ? " above zero" : "", channels);
    JsonNode array =
        field(json, prefix, name, node -> node.isArray() && node.size() == channels, what);
    List<Double> values = new ArrayList<>();
    for (JsonNode value : array) {
      if (!value.isNumber() || !Double.isFinite(value.asDouble()) || value.asDouble() <= above) {
        throw damaged(prefix + name, array, what);
      }
      values.add(value.asDouble());
    }
    return values;
  }

  private static int count(JsonNode json, String prefix, String name, int least) {
    return field(
            json,
            prefix,
            name,
            node -> node.isInt() && node.asInt() >= least,
            "a whole number of at least " + least)
        .asInt();
  }

  private static <T> T named(
      JsonNode json, String prefix, String name, Function<String, T> reader) {
    JsonNode field = field(json, prefix, name, JsonNode::isTextual, "a name");
    try {
      return reader.apply(field.asText());
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          Text.format("\"%s%s\" is %s, which is not known", prefix, name, field), e);
    }
  }

  /**
   * A field of an object.
   *
   * @param prefix of the field's name, for messages
   * @param name the field's
   * @param good what it has to be
   * @param what the same, for messages
   * @throws IllegalArgumentException if it is missing or something else
   */
  public static JsonNode field(
      JsonNode json, String prefix, String name, Predicate<JsonNode> good, String what) {
    JsonNode field = json.path(name);
    if (field.isMissingNode()) {
      throw new IllegalArgumentException(Text.format("it lacks \"%s%s\", %s", prefix, name, what));
    }
    if (!good.test(field)) {
      throw damaged(prefix + name, field, what);
    }
    return field;
  }

  private static IllegalArgumentException damaged(String name, JsonNode is, String what) {
    return new IllegalArgumentException(
        Text.format("\"%s\" is %s and should be %s", name, is, what));
  }
}
