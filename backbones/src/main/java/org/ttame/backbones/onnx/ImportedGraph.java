package org.ttame.backbones.onnx;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.ttame.backbones.graph.BackboneGraph;
import org.ttame.backbones.graph.ImportedLayers;
import org.ttame.backbones.graph.LayerWriter;
import org.ttame.backbones.graph.Parameter;
import org.ttame.core.Text;
import org.ttame.core.image.ImageSize;

/**
 * A classifier of no family: the operations from image to logits, as {@link Dataflow} found and
 * {@link Fusion} brought them to their simplest forms. Its weights are made or read by name.
 */
public final class ImportedGraph implements ImportedLayers {
  /** The family of every imported graph. */
  public static final String FAMILY = "onnx";

  /**
   * Values of a constant that is part of the graph; one of more is a weight, whose numbers are
   * written to a backbone file as the graph holds them. Integers always are part of the graph.
   */
  static final int INLINE = 64;

  /** Whether a constant is part of the graph, and no weight. */
  static boolean isInline(Constant constant) {
    return constant.integer() || constant.size() <= INLINE;
  }

  private final String name;
  private final long opset;
  private final ImageInput image;
  private final Value logits;
  private final List<Operation> operations;
  private final Map<String, Emitter.Weight> weights;
  private final Map<String, Role> roles;
  private final long parameterCount;

  /** Operations that are written for the file's own batch; null if the batch is free. */
  private final Set<Operation> mixing;

  /** Why they are. */
  private final List<String> reasons;

  /**
   * A graph.
   *
   * @param name what to call it
   * @param opset the version of ONNX's operator set that it is written in
   * @param logits its output, {@code [B, K]}
   * @param operations from image to logits
   * @param fixed whether the file has one batch size; an operation that cannot keep images apart is
   *     then written for it
   * @throws UnsupportedGraphException naming everything that cannot be written
   */
  ImportedGraph(
      String name,
      long opset,
      ImageInput image,
      Value logits,
      List<Operation> operations,
      boolean fixed)
      throws IOException {
    this(name, opset, image, logits, operations, fixed, null);
  }

  /**
   * A graph of a backbone file, whose constants cannot be read to find out what mixes images.
   *
   * @param mixing the operations that are written for the file's own batch
   */
  ImportedGraph(
      String name,
      long opset,
      ImageInput image,
      Value logits,
      List<Operation> operations,
      Set<Operation> mixing)
      throws IOException {
    this(name, opset, image, logits, operations, false, mixing);
  }

  private ImportedGraph(
      String name,
      long opset,
      ImageInput image,
      Value logits,
      List<Operation> operations,
      boolean fixed,
      Set<Operation> known)
      throws IOException {
    this.name = name;
    this.opset = opset;
    this.image = image;
    this.logits = logits;
    Budget.operations(operations.size());
    List<Operation> written = List.copyOf(operations);
    Outline outline = outline(written, null);
    reasons = outline.refusals;
    if (!outline.refusals.isEmpty() && known == null) {
      List<Operation> apart = MergedRows.apart(written);
      Outline other = outline(apart, null);
      if (other.refusals.isEmpty()) {
        written = apart;
        outline = other;
      }
    }
    Set<Operation> together = known;
    if (known != null) {
      outline = outline(written, known);
    } else if (!outline.refusals.isEmpty() && fixed) {
      together = Collections.newSetFromMap(new IdentityHashMap<>());
      outline = outline(written, together);
      if (outline.refusals.isEmpty()) {
        // Once more, without what was tried in vain.
        outline = outline(written, together);
      }
    }
    if (!outline.refusals.isEmpty()) {
      throw new UnsupportedGraphException(String.join("; ", outline.refusals), outline.refusals);
    }
    this.operations = written;
    mixing = together;
    weights = outline.emitter.weights();
    roles = outline.emitter.roles();
    parameterCount =
        outline.writer.parameters().stream()
            .filter(parameter -> roles.get(parameter.name()) != Role.FIXED)
            .mapToLong(Parameter::size)
            .sum();
  }

  /** The graph without its weights. */
  private record Outline(LayerWriter writer, Emitter emitter, List<String> refusals) {}

  private Outline outline(List<Operation> written, Set<Operation> together) throws IOException {
    LayerWriter writer = LayerWriter.outline();
    Emitter emitter = new Emitter(writer, geometry(written), image.batch());
    emitter.mayMix(together);
    emitter.image(image);
    return new Outline(writer, emitter, emitter.write(written, opset));
  }

  @Override
  public int ownBatch() {
    return mixing == null ? 0 : Math.toIntExact(image.batch());
  }

  @Override
  public List<String> mixing() {
    return mixing == null ? List.of() : reasons;
  }

  private Geometry geometry(List<Operation> written) {
    return Geometry.of(image, written, image.batch());
  }

  private Emitter emitted(LayerWriter writer) throws IOException {
    Emitter emitter = new Emitter(writer, geometry(operations), image.batch());
    emitter.mayMix(mixing);
    emitter.image(image);
    List<String> refusals = emitter.write(operations, opset);
    if (!refusals.isEmpty()) {
      throw new IllegalStateException(String.join("; ", refusals));
    }
    return emitter;
  }

  /** Where its layers lie in the file's graph. */
  Map<String, OnnxBackbone.LayerValue> values() {
    try {
      Emitter emitter = emitted(LayerWriter.outline());
      return ReadableLayers.of(operations, emitter).values(emitter);
    } catch (IOException e) {
      throw new UncheckedIOException("nothing is read for an outline", e);
    }
  }

  @Override
  public BackboneGraph write(LayerWriter writer) throws IOException {
    Emitter emitter = emitted(writer);
    Tensor scores = emitter.arrange(emitter.tensor(logits), 0, 1);
    LayerChoice layers = LayerChoice.of(operations, emitter, size(), classes());
    return new BackboneGraph(
        writer.graph(),
        scores.variable().name(),
        layers.layers(),
        layers.aliases(),
        layers.defaultLayers(),
        layers.camLayer(),
        layers.masking(),
        writer.parameters(),
        Optional.empty());
  }

  /** How a weight is made of the ONNX file's. */
  Emitter.Weight weight(String parameter) {
    return weights.get(parameter);
  }

  @Override
  public Role role(String parameter) {
    Role role = roles.get(parameter);
    if (role == null) {
      throw new IllegalArgumentException("The graph has no parameter " + parameter);
    }
    return role;
  }

  /** As a backbone file keeps it. */
  public ObjectNode json() {
    return GraphJson.write(name, opset, image, logits, operations, mixing);
  }

  /**
   * Reads what {@link #json} wrote.
   *
   * @param json the graph
   * @return the graph, without weights
   * @throws IllegalArgumentException if it describes no graph
   */
  public static ImportedGraph read(JsonNode json) {
    try {
      return GraphJson.read(json);
    } catch (IOException | RuntimeException e) {
      throw new IllegalArgumentException("its graph cannot be built: " + e.getMessage(), e);
    }
  }

  @Override
  public String family() {
    return FAMILY;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public ImageSize size() {
    return image.size();
  }

  @Override
  public int channels() {
    return image.channels();
  }

  @Override
  public int classes() {
    return Math.toIntExact(logits.shape()[1]);
  }

  @Override
  public long parameterCount() {
    return parameterCount;
  }

  /** The most frequent operators: {@code 52 Conv, 35 Clip, 10 Add}. */
  @Override
  public String describe() {
    return Text.format("%d operations: %s", operations.size(), census());
  }

  private String census() {
    Map<String, Long> counts =
        operations.stream()
            .collect(Collectors.groupingBy(Operation::type, TreeMap::new, Collectors.counting()));
    return counts.entrySet().stream()
        .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
        .map(entry -> entry.getValue() + " " + entry.getKey())
        .collect(Collectors.joining(", "));
  }
}
