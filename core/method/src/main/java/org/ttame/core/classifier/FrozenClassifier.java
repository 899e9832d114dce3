package org.ttame.core.classifier;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;
import org.ttame.core.engine.EngineProfile;
import org.ttame.core.engine.GraphResult;
import org.ttame.core.engine.GraphRunner;
import org.ttame.core.image.InputSpec;
import org.ttame.core.masking.Masking;

/**
 * An image classifier that is explained and never changed: any SameDiff graph that takes a
 * standardised image batch {@code [B, S, S, 3]} and returns logits {@code [B, K]}, with the names
 * of the layers that may be explained. It works in evaluation mode only: its weights are constants.
 *
 * <p>It serves one thread at a time: another that comes while it works, or before a borrowed output
 * is closed, gets an {@link IllegalStateException}. Threads that work at once have one each.
 */
public final class FrozenClassifier implements AutoCloseable {
  /** Layers that a message names. */
  private static final int LISTED = 40;

  private final SameDiff graph;
  private final String name;
  private final String input;
  private final String logits;
  private final int classes;
  private final InputSpec inputSpec;
  private final Map<String, FeatureLayer> layers;
  private final Map<String, String> aliases;
  private final List<FeatureLayer> defaultLayers;
  private final FeatureLayer camLayer;
  private final Masking defaultMasking;
  private final Transformer transformer;
  private final Map<String, String> provenance;
  private final List<Assumption> assumptions;
  private final Objectives objectives;
  private final GraphRunner runner;
  private final PassCounter passes = new PassCounter();

  private FrozenClassifier(Builder builder) {
    graph = builder.graph;
    name = builder.name;
    input = require(builder.input, "input");
    logits = require(builder.logits, "logits");
    classes = builder.classes;
    inputSpec = Objects.requireNonNull(builder.inputSpec, "inputSpec");
    layers = builder.layers;
    aliases = builder.aliases;
    defaultMasking = builder.defaultMasking;
    transformer = builder.transformer;
    provenance = Map.copyOf(builder.provenance);
    assumptions = builder.assumptions;
    if (classes < 2) {
      throw new IllegalArgumentException("A classifier needs two classes or more, got " + classes);
    }
    for (FeatureLayer layer : layers.values()) {
      require(layer.variable(), "layer " + layer.node());
    }
    defaultLayers =
        builder.defaultLayers.isEmpty()
            ? List.copyOf(layers.values())
            : layers(builder.defaultLayers);
    List<FeatureLayer> all = List.copyOf(layers.values());
    FeatureLayer last = all.isEmpty() ? null : all.get(all.size() - 1);
    camLayer = builder.camLayer == null ? last : layer(builder.camLayer);
    objectives = Objectives.of(graph, logits, classes);
    runner = GraphRunner.of(graph);
  }

  /**
   * Describes a classifier.
   *
   * @param graph its graph; this adds an objective to it, and closes over it
   * @return a builder; input, logits, classes and inputSpec are required
   */
  public static Builder builder(SameDiff graph) {
    return new Builder(graph);
  }

  /** The graph. */
  public SameDiff graph() {
    return graph;
  }

  /** Its name, e.g. {@code vgg16}. */
  public String name() {
    return name;
  }

  /** Name of the placeholder for standardised images, {@code [B, S, S, 3]}. */
  public String inputName() {
    return input;
  }

  /** Name of the logits, {@code [B, K]}. */
  public String logitsName() {
    return logits;
  }

  /** K. */
  public int classes() {
    return classes;
  }

  /** The type of its images and of all that it computes: FLOAT, or DOUBLE if so loaded. */
  public DataType dataType() {
    return graph.getVariable(input).dataType();
  }

  /** What it expects of an image. */
  public InputSpec inputSpec() {
    return inputSpec;
  }

  /** The layers that can be explained, by node name, from input to logits. */
  public Map<String, FeatureLayer> layers() {
    return layers;
  }

  /** The layers explained unless told otherwise, latest last. */
  public List<FeatureLayer> defaultLayers() {
    return defaultLayers;
  }

  /**
   * The layer that the CAM family reads unless told otherwise. Of a convolutional network the last
   * feature map that no pooling gave; of a vision transformer the normalised input of the last
   * block's attention: whatever comes after that has no gradient but on the class token.
   *
   * @throws IllegalArgumentException if it names no layer
   */
  public FeatureLayer camLayer() {
    if (camLayer == null) {
      throw new IllegalArgumentException(
          name
              + " has no layer with a height and a width that lies on every path to the logits: name"
              + " one (inspect lists them), or explain by rise, which needs none");
    }
    return camLayer;
  }

  /** The masking its family is trained and evaluated with. */
  public Masking defaultMasking() {
    return defaultMasking;
  }

  /** What it looks like inside if it is a vision transformer. */
  public Optional<Transformer> transformer() {
    return Optional.ofNullable(transformer);
  }

  /** Where it comes from: file, SHA-256, architecture and the like. */
  public Map<String, String> provenance() {
    return provenance;
  }

  /** What of this was assumed, now or when it was recorded. */
  public List<Assumption> assumptions() {
    return assumptions;
  }

  /** Images counted since it was made. */
  public PassCounter passes() {
    return passes;
  }

  /** How the graph is run, one line. */
  public String engine() {
    return runner.describe();
  }

  /**
   * Has each operation timed.
   *
   * @param profile where to add up from now on; null to stop
   */
  public void profile(EngineProfile profile) {
    runner.profile(profile);
  }

  /**
   * How much memory a training step's two passes take here: the plans' block and what is handed
   * out. Nothing is run.
   *
   * @param batch B
   * @param wanted layers whose feature maps are asked for
   * @return bytes; weights, which are loaded already, not counted; 0 where SameDiff's session runs
   *     the graph, whose needs nobody knows
   */
  public long plannedStepBytes(int batch, List<FeatureLayer> wanted) {
    int side = inputSpec.side();
    DataType type = dataType();
    try (INDArray images = Nd4j.createUninitialized(type, batch, side, side, 3);
        INDArray target = Nd4j.createUninitialized(type, batch, classes)) {
      long forward =
          runner.plannedBytes(Map.of(input, images), Set.of(), null, outputs(wanted), List.of());
      long backward =
          runner.plannedBytes(
              Map.of(input, images, Objectives.TARGET, target),
              Set.of(),
              Objectives.CROSS_ENTROPY,
              List.of(Objectives.CROSS_ENTROPY, logits),
              List.of(input));
      long features =
          wanted.stream()
              .mapToLong(layer -> (long) layer.channels() * layer.height() * layer.width())
              .sum();
      long handedOut = batch * (features + 3L * side * side + classes) * type.width();
      return forward == 0 ? 0 : Math.max(forward, backward) + handedOut;
    }
  }

  /**
   * Finds a layer by name.
   *
   * @param node a torchvision node name
   * @return the layer
   * @throws IllegalArgumentException if there is none
   */
  public FeatureLayer layer(String node) {
    FeatureLayer layer = layers.get(aliases.getOrDefault(node, node));
    if (layer == null) {
      List<String> names = List.copyOf(layers.keySet());
      boolean many = names.size() > LISTED;
      throw new IllegalArgumentException(
          Text.format(
              "%s has no layer \"%s\"; it has %s%s",
              name,
              node,
              String.join(", ", many ? names.subList(names.size() - LISTED, names.size()) : names),
              many ? Text.format(" and %d before them, see inspect", names.size() - LISTED) : ""));
    }
    return layer;
  }

  /**
   * Finds layers by name.
   *
   * @param nodes torchvision node names
   * @return the layers, in that order
   * @throws IllegalArgumentException if one does not exist or is named twice
   */
  public List<FeatureLayer> layers(List<String> nodes) {
    List<FeatureLayer> found = new ArrayList<>();
    for (String node : nodes) {
      FeatureLayer layer = layer(node);
      if (found.contains(layer)) {
        throw new IllegalArgumentException("Layer \"" + node + "\" is named twice");
      }
      found.add(layer);
    }
    return List.copyOf(found);
  }

  /**
   * Classifies a batch.
   *
   * @param images standardised, {@code [B, S, S, 3]}
   * @param wanted layers whose feature maps to return
   * @return logits and feature maps; the caller closes them
   * @throws NonFiniteException if a logit is NaN or infinite
   */
  public ClassifierOutput forward(INDArray images, List<FeatureLayer> wanted) {
    check(images);
    GraphResult result = runner.run(Map.of(input, images), outputs(wanted));
    passes.countForward(images.size(0));
    ClassifierOutput output = output(result, wanted);
    try {
      return output.requireFinite();
    } catch (NonFiniteException e) {
      output.close();
      throw e;
    }
  }

  /**
   * Classifies a batch without copying what comes out: for who reads it once and at once. Logits
   * are as they come: of many masks one may be worthless ({@link ClassifierOutput#requireFinite}).
   *
   * @param images standardised, {@code [B, S, S, 3]}
   * @param wanted layers whose feature maps to return
   * @return logits and feature maps, not to be written to; dead as soon as the classifier is used
   *     again
   */
  public ClassifierOutput glance(INDArray images, List<FeatureLayer> wanted) {
    check(images);
    GraphResult result = runner.borrow(Map.of(input, images), outputs(wanted));
    passes.countForward(images.size(0));
    return output(result, wanted);
  }

  /**
   * Classifies as if a layer had given these activations. Counts as forward passes. Of the network
   * before the layer only what bypasses it is computed: nothing in a plain CNN, the residual stream
   * in a transformer.
   *
   * @param images standardised, {@code [B, S, S, 3]}, for what bypasses the layer
   * @param layer one of the classifier's
   * @param activations {@code [B, h, w, C]} or {@code [B, 1 + h·w, C]}
   * @return logits, {@code [B, K]}, not to be written to; dead as soon as the classifier is used
   *     again
   * @throws UnsupportedOperationException if SameDiff's session runs the graph
   */
  public ClassifierOutput withActivations(
      INDArray images, FeatureLayer layer, INDArray activations) {
    check(images);
    GraphResult result =
        runner.borrow(Map.of(input, images, layer.variable(), activations), List.of(logits));
    passes.countForward(activations.size(0));
    return output(result, List.of());
  }

  /**
   * The cross-entropy between a batch's logits and labels, and its gradient at the images: the term
   * CE of Eq. 11.
   *
   * @param images standardised, {@code [B, S, S, 3]}
   * @param labels B class indices
   * @return value, logits and gradient; the caller closes them
   */
  public InputGradient crossEntropyGradient(INDArray images, int[] labels) {
    check(images);
    objectives.checkCount(labels, images.size(0));
    try (INDArray target = objectives.oneHot(name, labels)) {
      GraphResult result =
          runner.gradients(
              Map.of(input, images, Objectives.TARGET, target),
              Objectives.CROSS_ENTROPY,
              List.of(Objectives.CROSS_ENTROPY, logits),
              List.of(input));
      passes.countForward(images.size(0));
      passes.countBackward(images.size(0));
      return new InputGradient(
          result,
          result.output(Objectives.CROSS_ENTROPY).getDouble(0),
          result.output(logits),
          result.gradient(input));
    }
  }

  /**
   * Feature maps, and how the logit of each image's asked class changes with them.
   *
   * @param images standardised, {@code [B, S, S, 3]}
   * @param targets B class indices
   * @param wanted the layers
   * @return logits, feature maps and gradients; the caller closes them
   */
  public LayerGradients logitGradients(INDArray images, int[] targets, List<FeatureLayer> wanted) {
    check(images);
    objectives.checkCount(targets, images.size(0));
    List<String> variables = wanted.stream().map(FeatureLayer::variable).toList();
    List<String> outputs = new ArrayList<>(variables);
    outputs.add(logits);
    GraphResult result = logitGradients(Map.of(input, images), targets, outputs, variables);
    return new LayerGradients(
        result,
        result.output(logits),
        variables.stream().map(result::output).toList(),
        variables.stream().map(result::gradient).toList());
  }

  /**
   * Values of variables inside the graph.
   *
   * @param images standardised, {@code [B, S, S, 3]}
   * @param variables names in the graph
   * @return the values; the caller closes them
   */
  public GraphResult inside(INDArray images, Collection<String> variables) {
    check(images);
    GraphResult result = runner.run(Map.of(input, images), variables);
    passes.countForward(images.size(0));
    return result;
  }

  /**
   * Values of variables inside the graph, and how the logit of each image's asked class changes
   * with some of them. The graph runs from the given values on; what lies before them is not
   * computed. Counts as a forward and a backward pass all the same.
   *
   * @param given values of variables, together all that the logits depend on: the input ({@link
   *     #inputName}), or others inside the graph (not in SameDiff's session)
   * @param targets B class indices
   * @param outputs names of variables to return
   * @param wrt names of variables to differentiate by; given ones may be among them
   * @return values and gradients; the caller closes them
   */
  public GraphResult logitGradients(
      Map<String, INDArray> given,
      int[] targets,
      Collection<String> outputs,
      Collection<String> wrt) {
    try (INDArray target = objectives.oneHot(name, targets)) {
      Map<String, INDArray> inputs = new HashMap<>(given);
      inputs.put(Objectives.TARGET, target);
      GraphResult result = runner.gradients(inputs, Objectives.LOGIT_SUM, outputs, wrt);
      passes.countForward(targets.length);
      passes.countBackward(targets.length);
      return result;
    }
  }

  /** Frees what the runner holds and the graph's arrays. */
  @Override
  public void close() {
    runner.close();
    for (SDVariable variable : graph.variables()) {
      if (variable.isConstant()) {
        INDArray array = variable.getArr();
        if (array != null && array.closeable()) {
          array.close();
        }
      }
    }
  }

  private ClassifierOutput output(GraphResult result, List<FeatureLayer> wanted) {
    return new ClassifierOutput(
        result,
        result.output(logits),
        wanted.stream().map(layer -> result.output(layer.variable())).toList());
  }

  private List<String> outputs(List<FeatureLayer> wanted) {
    List<String> outputs = new ArrayList<>();
    outputs.add(logits);
    wanted.forEach(layer -> outputs.add(layer.variable()));
    return outputs;
  }

  private void check(INDArray images) {
    int side = inputSpec.side();
    if (images.rank() != 4
        || images.size(1) != side
        || images.size(2) != side
        || images.size(3) != 3) {
      throw new IllegalArgumentException(
          Text.format(
              "%s takes images of shape [B, %d, %d, 3], got %s",
              name, side, side, java.util.Arrays.toString(images.shape())));
    }
    if (images.dataType() != dataType()) {
      throw new IllegalArgumentException(
          Text.format(
              "%s computes in %s, the images are %s; cast them",
              name, dataType(), images.dataType()));
    }
    inputSpec.requireStandardised(images);
  }

  private String require(String variable, String role) {
    if (variable == null || !graph.hasVariable(variable)) {
      throw new IllegalArgumentException(
          Text.format("The graph has no variable \"%s\" to serve as %s", variable, role));
    }
    return variable;
  }

  /** Collects what a graph does not say of itself. */
  public static final class Builder {
    private final SameDiff graph;
    private final Map<String, FeatureLayer> layers = new LinkedHashMap<>();
    private final Map<String, String> provenance = new LinkedHashMap<>();
    private String name = "classifier";
    private String input;
    private String logits;
    private int classes;
    private InputSpec inputSpec;
    private final Map<String, String> aliases = new LinkedHashMap<>();
    private List<String> defaultLayers = List.of();
    private String camLayer;
    private Masking defaultMasking = Masking.CNN;
    private Transformer transformer;
    private List<Assumption> assumptions = List.of();

    private Builder(SameDiff graph) {
      this.graph = Objects.requireNonNull(graph, "graph");
    }

    /** A name for messages and records. */
    public Builder name(String value) {
      return set(b -> b.name = Objects.requireNonNull(value, "name"));
    }

    /** The placeholder for standardised images, {@code [B, S, S, 3]}. */
    public Builder input(String variable) {
      return set(b -> b.input = variable);
    }

    /** The variable with logits, {@code [B, K]}. */
    public Builder logits(String variable) {
      return set(b -> b.logits = variable);
    }

    /** K. */
    public Builder classes(int count) {
      return set(b -> b.classes = count);
    }

    /** What the classifier expects of an image. */
    public Builder inputSpec(InputSpec value) {
      return set(b -> b.inputSpec = value);
    }

    /** The layers that may be explained, from input to logits. */
    public Builder layers(List<FeatureLayer> values) {
      return set(b -> values.forEach(layer -> b.layers.put(layer.node(), layer)));
    }

    /** Other names that layers can be asked for by, and the node each means. */
    public Builder aliases(Map<String, String> nodes) {
      return set(b -> b.aliases.putAll(nodes));
    }

    /** The node that the CAM family reads; the last layer if null or never called. */
    public Builder camLayer(String node) {
      return set(b -> b.camLayer = node);
    }

    /** The nodes explained by default, latest last; all layers if never called. */
    public Builder defaultLayers(List<String> nodes) {
      return set(b -> b.defaultLayers = List.copyOf(nodes));
    }

    /** The family's masking; {@link Masking#CNN} if never called. */
    public Builder defaultMasking(Masking value) {
      return set(b -> b.defaultMasking = Objects.requireNonNull(value, "masking"));
    }

    /**
     * What the graph looks like inside if it is a vision transformer; null, the default, if not.
     */
    public Builder transformer(Transformer value) {
      return set(b -> b.transformer = value);
    }

    /** Adds to where the classifier comes from. */
    public Builder provenance(Map<String, String> values) {
      return set(b -> b.provenance.putAll(values));
    }

    /** What of this nobody has said; nothing if never called. */
    public Builder assumptions(List<Assumption> values) {
      return set(b -> b.assumptions = List.copyOf(values));
    }

    /** The classifier. */
    public FrozenClassifier build() {
      return new FrozenClassifier(this);
    }

    private Builder set(Consumer<Builder> change) {
      change.accept(this);
      return this;
    }
  }
}
