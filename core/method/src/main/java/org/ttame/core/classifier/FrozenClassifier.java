package org.ttame.core.classifier;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;
import org.ttame.core.engine.EngineProfile;
import org.ttame.core.engine.GraphResult;
import org.ttame.core.engine.GraphRunner;
import org.ttame.core.engine.Precision;
import org.ttame.core.image.InputSpec;
import org.ttame.core.masking.Masking;

/**
 * An image classifier that is explained and never changed: any SameDiff graph that takes a
 * standardised image batch {@code [B, H, W, C]} and returns logits {@code [B, K]}, with the names
 * of the layers that may be explained. It works in evaluation mode only: its weights are constants.
 *
 * <p>It serves one thread at a time: another that comes while it works, or before a borrowed output
 * is closed, gets an {@link IllegalStateException}. Threads that work at once have one each.
 */
public final class FrozenClassifier implements AutoCloseable {
  private final SameDiff graph;
  private final ClassifierSpec spec;
  private final String input;
  private final String logits;
  private final List<FeatureLayer> defaultLayers;
  private final Transformer transformer;
  private final Objectives objectives;
  private final Precision precision;
  private final PassRunner runner;
  private final PassCounter passes = new PassCounter();

  FrozenClassifier(ClassifierBuilder builder) {
    graph = builder.graph();
    spec = builder.spec();
    input = require(builder.input(), "input");
    transformer = builder.transformer();
    for (FeatureLayer layer : spec.layers().values()) {
      require(layer.variable(), "layer " + layer.node());
    }
    defaultLayers = spec.layers(spec.defaultLayers());
    spec.cam().ifPresent(spec::layer);
    OutputSpec output = spec.output();
    logits = Objectives.logits(graph, require(builder.logits(), "logits"), output.kind());
    objectives = Objectives.of(graph, logits, output);
    precision = builder.precision();
    runner = new PassRunner(GraphRunner.of(graph, precision), builder.ownBatch());
  }

  /**
   * Describes a classifier.
   *
   * @param graph its graph; this adds an objective to it, and closes over it
   * @return a builder; input, logits, classes or output, and inputSpec are required
   */
  public static ClassifierBuilder builder(SameDiff graph) {
    return new ClassifierBuilder(graph);
  }

  /** What it is: images, output, layers, masking, what of this was assumed, and its origin. */
  public ClassifierSpec spec() {
    return spec;
  }

  /** The graph. */
  public SameDiff graph() {
    return graph;
  }

  /** Its name, e.g. {@code vgg16}. */
  public String name() {
    return spec.name();
  }

  /** Name of the placeholder for standardised images, {@code [B, H, W, C]}. */
  public String inputName() {
    return input;
  }

  /** Name of the logits, {@code [B, K]}. */
  public String logitsName() {
    return logits;
  }

  /** K. */
  public int classes() {
    return spec.output().classes();
  }

  /** The type of its images and of all that it computes: FLOAT, or DOUBLE if so loaded. */
  public DataType dataType() {
    return graph.getVariable(input).dataType();
  }

  /** In what precision its convolutions and products are computed. */
  public Precision precision() {
    return precision;
  }

  /** What it expects of an image. */
  public InputSpec inputSpec() {
    return spec.input();
  }

  /** The layers that can be explained, by node name, from input to logits. */
  public Map<String, FeatureLayer> layers() {
    return spec.layers();
  }

  /** The layers explained unless told otherwise, latest last. */
  public List<FeatureLayer> defaultLayers() {
    return defaultLayers;
  }

  /** The layer that the CAM family reads; see {@link ClassifierSpec#camLayer}. */
  public FeatureLayer camLayer() {
    return spec.camLayer();
  }

  /** The masking it is trained and evaluated with unless told otherwise. */
  public Masking defaultMasking() {
    return spec.masking();
  }

  /** What it looks like inside if it is a vision transformer. */
  public Optional<Transformer> transformer() {
    return Optional.ofNullable(transformer);
  }

  /** Where it comes from: file, SHA-256, architecture and the like. */
  public Map<String, String> provenance() {
    return spec.provenance();
  }

  /** What of this was assumed, now or when it was recorded. */
  public List<Assumption> assumptions() {
    return spec.assumptions();
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
   * Has passes of fewer images filled up, so that no bit of what is computed of an image depends on
   * how many came with it. Training steps, whose images belong together, are not.
   *
   * @param images that each pass has at least
   * @return closed to take images as they come again
   */
  public FullPasses fullPasses(int images) {
    int before = runner.least();
    runner.least(images);
    return () -> runner.least(before);
  }

  /** For as long as passes are filled up. */
  @FunctionalInterface
  public interface FullPasses extends AutoCloseable {
    @Override
    void close();
  }

  /** Images that each pass has at least; 0 for as many as come. */
  public int passSize() {
    return runner.least();
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
    DataType type = dataType();
    try (INDArray images = Nd4j.createUninitialized(type, inputSpec().shape(batch));
        INDArray target = Nd4j.createUninitialized(type, batch, classes())) {
      long forward = runner.plannedBytes(Map.of(input, images), null, outputs(wanted), List.of());
      long backward =
          runner.plannedBytes(
              Map.of(input, images, Objectives.TARGET, target),
              Objectives.CROSS_ENTROPY,
              List.of(Objectives.CROSS_ENTROPY, logits),
              List.of(input));
      long features =
          wanted.stream()
              .mapToLong(layer -> (long) layer.channels() * layer.height() * layer.width())
              .sum();
      long handedOut = batch * (features + inputSpec().values() + classes()) * type.width();
      return forward == 0 ? 0 : Math.max(forward, backward) + handedOut;
    }
  }

  /** Finds a layer by name; see {@link ClassifierSpec#layer}. */
  public FeatureLayer layer(String node) {
    return spec.layer(node);
  }

  /** Finds layers by name; see {@link ClassifierSpec#layers(List)}. */
  public List<FeatureLayer> layers(List<String> nodes) {
    return spec.layers(nodes);
  }

  /**
   * Classifies a batch.
   *
   * @param images standardised, {@code [B, H, W, C]}
   * @param wanted layers whose feature maps to return
   * @return logits and feature maps; the caller closes them
   * @throws NonFiniteException if a logit is NaN or infinite
   */
  public ClassifierOutput forward(INDArray images, List<FeatureLayer> wanted) {
    check(images);
    GraphResult result = runner.run(Map.of(input, images), outputs(wanted));
    passes.countForward(images.size(0));
    ClassifierOutput output = output(images, result, wanted);
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
   * @param images standardised, {@code [B, H, W, C]}
   * @param wanted layers whose feature maps to return
   * @return logits and feature maps, not to be written to; dead as soon as the classifier is used
   *     again
   */
  public ClassifierOutput forwardBorrowed(INDArray images, List<FeatureLayer> wanted) {
    check(images);
    GraphResult result = runner.borrow(Map.of(input, images), outputs(wanted));
    passes.countForward(images.size(0));
    return output(images, result, wanted);
  }

  /**
   * Classifies as if a layer had given these activations. Counts as forward passes. Of the network
   * before the layer only what bypasses it is computed: nothing in a plain CNN, the residual stream
   * in a transformer.
   *
   * @param images standardised, {@code [B, H, W, C]}, for what bypasses the layer
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
    return output(images, result, List.of());
  }

  /**
   * The cross-entropy between a batch's logits and labels, and its gradient at the images: the term
   * CE of Eq. 11.
   *
   * @param images standardised, {@code [B, H, W, C]}
   * @param labels B class indices
   * @return value, logits and gradient; the caller closes them
   */
  public InputGradient crossEntropyGradient(INDArray images, int[] labels) {
    check(images);
    objectives.checkCount(labels, images.size(0));
    try (INDArray target = objectives.oneHot(name(), labels)) {
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
   * @param images standardised, {@code [B, H, W, C]}
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
   * @param images standardised, {@code [B, H, W, C]}
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
    try (INDArray target = objectives.oneHot(name(), targets)) {
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
    runner.closeWithGraph();
  }

  private ClassifierOutput output(INDArray images, GraphResult result, List<FeatureLayer> wanted) {
    return new ClassifierOutput(
        result,
        spec.output().kind(),
        images,
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
    inputSpec().requireShape(images.shape(), name());
    if (images.dataType() != dataType()) {
      throw new IllegalArgumentException(
          Text.format(
              "%s computes in %s, the images are %s; cast them",
              name(), dataType(), images.dataType()));
    }
    inputSpec().requireStandardised(images);
  }

  private String require(String variable, String role) {
    if (variable == null || !graph.hasVariable(variable)) {
      throw new IllegalArgumentException(
          Text.format("The graph has no variable \"%s\" to serve as %s", variable, role));
    }
    return variable;
  }
}
