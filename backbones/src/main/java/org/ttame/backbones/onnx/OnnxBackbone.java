package org.ttame.backbones.onnx;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.backbones.architecture.Architecture;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.backbones.source.BackboneSource;
import org.ttame.core.Text;
import org.ttame.core.classifier.Assumption;
import org.ttame.core.classifier.OutputKind;
import org.ttame.core.classifier.OutputSpec;
import org.ttame.core.image.InputSpec;

/**
 * A classifier found in an ONNX file: its architecture, and its weights, still in the file. Reads
 * by dataflow, operator kinds and shapes; no name in the file matters to the weights.
 */
public final class OnnxBackbone implements BackboneSource {
  /** The key in {@link #provenance} of the output that has the logits. */
  public static final String OUTPUT = "output";

  private final OnnxModel model;
  private final Families.Recognised recognised;
  private final Architecture architecture;
  private final Function<String, Emitter.Weight> weights;
  private final LogitsOutput output;
  private final Optional<InputSpec> input;
  private final InputSpec.Stored stored;
  private final Set<Assumption.Setting> assumed;
  private final Recipe.Scratch scratch = new Recipe.Scratch();

  private OnnxBackbone(OnnxModel model, Families.Recognised recognised) {
    this.model = model;
    this.recognised = recognised;
    architecture = recognised.found().architecture();
    weights = recognised.found().weights();
    output = recognised.flow().output();
    assumed = recognised.flow().assumed();
    input = recognised.input();
    stored = recognised.flow().image().stored();
  }

  /**
   * What a reader found.
   *
   * @param architecture the architecture
   * @param weights for each of the graph's weights, how to make it; null for others
   * @param layers gives for each layer that can be explained where it lies in the file's graph
   */
  record Found(
      Architecture architecture,
      Function<String, Emitter.Weight> weights,
      Supplier<Map<String, LayerValue>> layers) {
    /** What a family's reader found, with a recipe for each weight. */
    Found(Architecture architecture, Map<String, Recipe> recipes, Map<String, LayerValue> layers) {
      this(
          architecture,
          name -> {
            Recipe recipe = recipes.get(name);
            return recipe == null ? null : () -> recipe;
          },
          () -> layers);
    }
  }

  /**
   * Where a layer lies in the file's graph.
   *
   * @param value the graph's
   * @param axes which of its axes are the layer's: batch, rows, columns, channels, or batch,
   *     tokens, channels
   */
  record LayerValue(Value value, List<Integer> axes) {
    /** A map with channels first. */
    static LayerValue map(Value value) {
      return new LayerValue(value, List.of(0, 2, 3, 1));
    }

    /** Tokens with channels last. */
    static LayerValue tokens(Value value) {
      return new LayerValue(value, List.of(0, 1, 2));
    }
  }

  /**
   * Reads a file's structure.
   *
   * @param file an ONNX file
   * @param options what is known of it: of several outputs, and of a free height and width
   * @return the classifier; the caller closes it when the weights have been loaded
   * @throws BackboneException if the file is damaged or holds no classifier that is supported
   */
  public static OnnxBackbone read(Path file, BackboneOptions options) throws IOException {
    OnnxModel model = OnnxParser.parse(file);
    boolean done = false;
    try {
      OnnxBackbone backbone = new OnnxBackbone(model, Families.find(model, options));
      Budget.weights(file, backbone.architecture().parameterCount(), model.bytes());
      done = true;
      return backbone;
    } catch (OutOfMemoryError | StackOverflowError e) {
      throw new BackboneException(
          Text.format(
              "%s needs more memory to be read than Java has (%s); give Java more with"
                  + " java -Xmx4g -jar …, unless this is not an image classifier",
              file, e.getMessage()),
          e);
    } finally {
      if (!done) {
        model.close();
      }
    }
  }

  /**
   * Reads a DL4J network as if it were a file.
   *
   * @param network a network of the zoo, or one like it
   * @param name for messages
   * @param side height and width of its images
   * @param blueFirst whether it takes its channels as blue, green, red; the backbone then takes red
   *     first
   * @return the classifier, reading the network's own arrays; the caller closes it, and keeps the
   *     network until then
   * @throws BackboneException if it is no VGG or ResNet
   */
  public static OnnxBackbone of(ComputationGraph network, Path name, int side, boolean blueFirst)
      throws IOException {
    OnnxModel model;
    try {
      model = Dl4jTranslator.translate(network, name, new long[] {3, side, side}, blueFirst);
    } catch (UnsupportedGraphException e) {
      throw new BackboneException(
          Text.format(
              "%s is a DL4J network that cannot be taken over: %s; supported are VGG16 and ResNet50"
                  + " of the zoo and their like",
              name, e.getMessage()),
          e);
    }
    return new OnnxBackbone(model, Families.find(model, BackboneOptions.defaults()));
  }

  @Override
  public Architecture architecture() {
    return architecture;
  }

  @Override
  public Optional<InputSpec> inputSpec() {
    return input;
  }

  @Override
  public OutputSpec output() {
    int classes = output.kind() == OutputKind.ONE_LOGIT ? 2 : architecture.classes();
    return new OutputSpec(
        output.name(), output.kind(), classes, FileLabels.of(model.metadata(), classes));
  }

  @Override
  public InputSpec.Stored stored() {
    return stored;
  }

  @Override
  public Map<String, String> provenance() {
    Map<String, String> provenance = new LinkedHashMap<>();
    boolean onnx = isFile();
    provenance.put("format", onnx ? "ONNX" : "DL4J");
    if (onnx) {
      provenance.put("opset", String.valueOf(model.opset()));
    }
    provenance.put("producer", model.producer());
    provenance.put(OUTPUT, output.name());
    if (model.outputs().size() > 1) {
      provenance.put("outputs", output.all());
    }
    return provenance;
  }

  @Override
  public Set<Assumption.Setting> assumed() {
    return assumed;
  }

  /** Whether it is a file of its own, and no network in memory. */
  public boolean isFile() {
    return model.opset() > 0;
  }

  /**
   * What of the file's graph something appended to it can read.
   *
   * @throws BackboneException if the class scores are not among it
   */
  public Attachment attachment() throws BackboneException {
    return Attachment.of(model, recognised);
  }

  @Override
  public INDArray load(String name, long... shape) throws IOException {
    return load(name, DataType.FLOAT, shape);
  }

  @Override
  public INDArray loadNarrow(String name, long... shape) throws IOException {
    return load(name, DataType.BFLOAT16, shape);
  }

  private INDArray load(String name, DataType type, long... shape) throws IOException {
    Emitter.Weight weight = weights.apply(name);
    if (weight == null) {
      throw new BackboneException(Text.format("%s has no weight %s", model.file(), name));
    }
    return weight.make().make(name + " of " + model.file(), scratch, type, shape);
  }

  @Override
  public void close() throws IOException {
    model.close();
  }

  /**
   * Names of classes in a file's metadata: a list, or an object from index to name, as JSON or as
   * Python prints it; or names by comma or line.
   */
  private static final class FileLabels {
    /** Where exporters keep them, Ultralytics and Hugging Face among them. */
    private static final List<String> KEYS =
        List.of("names", "labels", "classes", "class_names", "id2label", "categories");

    /** Reads Python's literals, too: single quotes, and numbers for names. */
    private static final JsonMapper MAPPER =
        JsonMapper.builder()
            .enable(JsonReadFeature.ALLOW_SINGLE_QUOTES)
            .enable(JsonReadFeature.ALLOW_UNQUOTED_FIELD_NAMES)
            .build();

    private FileLabels() {}

    /**
     * Looks for them.
     *
     * @param metadata of the file
     * @param classes K
     * @return K names; none if there are not as many
     */
    static List<String> of(Map<String, String> metadata, int classes) {
      for (String key : KEYS) {
        List<String> labels = read(metadata.getOrDefault(key, "").strip());
        if (labels.size() == classes) {
          return labels;
        }
      }
      return List.of();
    }

    private static List<String> read(String text) {
      if (!text.startsWith("{") && !text.startsWith("[")) {
        return List.of(text.split("\\s*[,\\n]\\s*"));
      }
      List<String> labels = new ArrayList<>();
      try {
        JsonNode json = MAPPER.readTree(text);
        for (int i = 0; i < json.size(); i++) {
          JsonNode label = json.isArray() ? json.get(i) : json.get(String.valueOf(i));
          if (label == null || !label.isValueNode()) {
            return List.of();
          }
          labels.add(label.asText());
        }
      } catch (JsonProcessingException e) {
        return List.of();
      }
      return labels;
    }
  }
}
