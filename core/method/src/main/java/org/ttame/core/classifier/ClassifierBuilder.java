package org.ttame.core.classifier;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.nd4j.autodiff.samediff.SameDiff;
import org.ttame.core.engine.Precision;
import org.ttame.core.image.InputSpec;
import org.ttame.core.masking.Masking;

/** Collects what a graph does not say of itself. */
public final class ClassifierBuilder {
  private final SameDiff graph;
  private final Map<String, FeatureLayer> layers = new LinkedHashMap<>();
  private final Map<String, String> provenance = new LinkedHashMap<>();
  private String name = "classifier";
  private String input;
  private String logits;
  private OutputSpec output;
  private InputSpec inputSpec;
  private final Map<String, String> aliases = new LinkedHashMap<>();
  private List<String> defaultLayers = List.of();
  private String camLayer;
  private Masking defaultMasking = Masking.CNN;
  private Transformer transformer;
  private List<Assumption> assumptions = List.of();
  private int ownBatch;
  private Precision precision = Precision.FLOAT32;

  ClassifierBuilder(SameDiff graph) {
    this.graph = Objects.requireNonNull(graph, "graph");
  }

  /** A name for messages and records. */
  public ClassifierBuilder name(String value) {
    return set(b -> b.name = Objects.requireNonNull(value, "name"));
  }

  /** The placeholder for standardised images, {@code [B, H, W, C]}. */
  public ClassifierBuilder input(String variable) {
    return set(b -> b.input = variable);
  }

  /** The variable with logits, {@code [B, K]}; of a single logit {@code [B, 1]}. */
  public ClassifierBuilder logits(String variable) {
    return set(b -> b.logits = variable);
  }

  /** K: logits of classes that are mutually exclusive. */
  public ClassifierBuilder classes(int count) {
    return output(OutputSpec.logits(count));
  }

  /** What the logits mean. */
  public ClassifierBuilder output(OutputSpec value) {
    return set(b -> b.output = value);
  }

  /** What the classifier expects of an image. */
  public ClassifierBuilder inputSpec(InputSpec value) {
    return set(b -> b.inputSpec = value);
  }

  /** The layers that may be explained, from input to logits. */
  public ClassifierBuilder layers(List<FeatureLayer> values) {
    return set(b -> values.forEach(layer -> b.layers.put(layer.node(), layer)));
  }

  /** Other names that layers can be asked for by, and the node each means. */
  public ClassifierBuilder aliases(Map<String, String> nodes) {
    return set(b -> b.aliases.putAll(nodes));
  }

  /** The node that the CAM family reads; the last layer if null or never called. */
  public ClassifierBuilder camLayer(String node) {
    return set(b -> b.camLayer = node);
  }

  /** The nodes explained by default, latest last; all layers if never called. */
  public ClassifierBuilder defaultLayers(List<String> nodes) {
    return set(b -> b.defaultLayers = List.copyOf(nodes));
  }

  /** The family's masking; {@link Masking#CNN} if never called. */
  public ClassifierBuilder defaultMasking(Masking value) {
    return set(b -> b.defaultMasking = Objects.requireNonNull(value, "masking"));
  }

  /** What the graph looks like inside if it is a vision transformer; null, the default, if not. */
  public ClassifierBuilder transformer(Transformer value) {
    return set(b -> b.transformer = value);
  }

  /** Adds to where the classifier comes from. */
  public ClassifierBuilder provenance(Map<String, String> values) {
    return set(b -> b.provenance.putAll(values));
  }

  /** What of this nobody has said; nothing if never called. */
  public ClassifierBuilder assumptions(List<Assumption> values) {
    return set(b -> b.assumptions = List.copyOf(values));
  }

  /**
   * The only batch size that the graph can run at, no image of which has an influence on another;
   * any batch is cut and filled up to it. 0, the default, if the graph runs at all sizes.
   */
  public ClassifierBuilder ownBatch(int images) {
    return set(b -> b.ownBatch = images);
  }

  /**
   * The precision that convolutions and products are computed in; {@link Precision#FLOAT32} if
   * never called.
   */
  public ClassifierBuilder precision(Precision value) {
    return set(b -> b.precision = Objects.requireNonNull(value, "precision"));
  }

  int ownBatch() {
    return ownBatch;
  }

  Precision precision() {
    return precision;
  }

  SameDiff graph() {
    return graph;
  }

  String input() {
    return input;
  }

  String logits() {
    return logits;
  }

  Transformer transformer() {
    return transformer;
  }

  ClassifierSpec spec() {
    List<String> nodes = List.copyOf(layers.keySet());
    Optional<String> cam =
        camLayer == null && !nodes.isEmpty()
            ? Optional.of(nodes.get(nodes.size() - 1))
            : Optional.ofNullable(camLayer);
    return new ClassifierSpec(
        name,
        Objects.requireNonNull(inputSpec, "inputSpec"),
        Objects.requireNonNull(output, "output"),
        layers,
        aliases,
        defaultLayers.isEmpty() ? nodes : defaultLayers,
        cam,
        defaultMasking,
        assumptions,
        provenance);
  }

  /** The classifier. */
  public FrozenClassifier build() {
    return new FrozenClassifier(this);
  }

  private ClassifierBuilder set(Consumer<ClassifierBuilder> change) {
    change.accept(this);
    return this;
  }
}
