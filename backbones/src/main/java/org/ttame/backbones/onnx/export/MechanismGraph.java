package org.ttame.backbones.onnx.export;

import java.util.List;
import java.util.Locale;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.backbones.onnx.Attachment;
import org.ttame.backbones.onnx.Attachment.Place;
import org.ttame.backbones.onnx.export.ModelFile.Dimension;
import org.ttame.backbones.source.BackboneException;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.attention.InferenceWeights;
import org.ttame.core.attention.InferenceWeights.Affine;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;

/**
 * Writes a mechanism as ONNX operators behind a classifier's: for each layer a 1×1 convolution with
 * normalisation and skip folded in, an activation, and the fusion's rows at the layer's own
 * resolution; then upsampling, the sum over layers, and min-max scaling of each map.
 *
 * <p>Of one class an image only that class's rows are taken, so that a map costs no more with a
 * thousand classes than with two.
 */
final class MechanismGraph {
  private static final long FLOAT = 1;
  private static final long INT64 = 7;

  private final Attachment classifier;
  private final AppendedGraph graph;
  private final AttentionSpec spec;
  private final InferenceWeights weights;
  private final MapSize size;

  /**
   * Prepares.
   *
   * @param classifier what can be read
   * @param graph where to write
   * @param spec the mechanism's form
   * @param weights its values; stay the caller's
   */
  MechanismGraph(
      Attachment classifier, AppendedGraph graph, AttentionSpec spec, InferenceWeights weights) {
    this.classifier = classifier;
    this.graph = graph;
    this.spec = spec;
    this.weights = weights;
    size = new MapSize(spec.mapHeight(), spec.mapWidth());
  }

  /**
   * The names that the file has for what was added.
   *
   * @param map the output
   * @param classes the input that says which classes; empty where there is none
   */
  record Added(String map, String classes) {}

  /**
   * Writes.
   *
   * @param target height and width of the maps that are given out
   * @param batch how many images there are
   * @throws BackboneException if the file has no name for a layer
   */
  Added write(ExplainerFile.Classes which, MapSize target, Dimension batch)
      throws BackboneException {
    boolean all = which == ExplainerFile.Classes.ALL;
    boolean given = which == ExplainerFile.Classes.INPUT;
    String classes = given ? graph.input("class", batch) : all ? "" : predicted();
    String sum = null;
    for (int i = 0; i < spec.features().size(); i++) {
      String maps = all ? everyMap(i) : map(i, classes);
      sum = sum == null ? maps : graph.node("Add", "sum." + i, List.of(sum, maps));
    }
    String raw = graph.node("Add", "raw", List.of(sum, bias(classes)));
    String scaled = graph.upsample("enlarged", minMax(raw), size, target);
    String output =
        all
            ? graph.output(
                scaled, "explanations", batch, spec.classes(), target.height(), target.width())
            : graph.output(scaled, "explanation", batch, target.height(), target.width());
    return new Added(output, given ? classes : "");
  }

  /** The most probable class of each image, {@code [B]}; of equal ones the first. */
  private String predicted() {
    String scores = float32(classifier.scores(), "scores");
    if (!classifier.single()) {
      scores = classifier.nested() ? graph.reshape("scores.flat", scores, 0, -1) : scores;
      return graph.node("ArgMax", "class", List.of(scores), "axis", 1L, "keepdims", 0L);
    }
    String zero = graph.floats("zero.score", new float[1], 1);
    String positive = graph.node("Greater", "positive", List.of(scores, zero));
    String classes = graph.node("Cast", "classes", List.of(positive), "to", INT64);
    return graph.reshape("class", classes, -1);
  }

  private String float32(String value, String step) {
    return classifier.mixedTypes()
        ? graph.node("Cast", step + ".float32", List.of(value), "to", FLOAT)
        : value;
  }

  /** A branch's output, or where there are no branches the layer's, {@code [B, C, h, w]}. */
  private String activation(int i) throws BackboneException {
    String name = "branch." + i;
    FeatureLayer layer = spec.features().get(i);
    String features = channelsFirst(layer, name);
    if (!spec.variant().hasBranches()) {
      return features;
    }
    Affine affine = weights.branches().get(i);
    long channels = layer.channels();
    String sum =
        graph.node(
            "Conv",
            name + ".conv",
            List.of(
                features,
                graph.floats(name + ".weight", values(affine.weight()), channels, channels, 1, 1),
                graph.floats(name + ".bias", values(affine.bias()), channels)),
            "kernel_shape",
            new long[] {1, 1});
    String activation = spec.variant().hasSigmoid() ? "Sigmoid" : "Relu";
    return graph.node(activation, name + "." + activation.toLowerCase(Locale.ROOT), List.of(sum));
  }

  /** A layer's places as {@code [B, C, h, w]}, without tokens that stand for none. */
  private String channelsFirst(FeatureLayer layer, String name) throws BackboneException {
    Place place = classifier.place(layer);
    String features = float32(place.value(), name);
    List<Integer> axes = place.axes();
    boolean tokens = layer.kind() == FeatureKind.TOKENS;
    if (tokens && layer.prefix() > 0) {
      long first = layer.prefix();
      long grid = (long) layer.height() * layer.width();
      features = graph.slice(name + ".grid", features, axes.get(1), first, first + grid);
    }
    List<Integer> order =
        tokens
            ? List.of(axes.get(0), axes.get(2), axes.get(1))
            : List.of(axes.get(0), axes.get(3), axes.get(1), axes.get(2));
    long[] permutation = order.stream().mapToLong(Integer::longValue).toArray();
    for (int i = 0; i < permutation.length; i++) {
      if (permutation[i] != i) {
        features =
            graph.node("Transpose", name + ".turned", List.of(features), "perm", permutation);
        break;
      }
    }
    return tokens
        ? graph.reshape(name + ".map", features, 0, layer.channels(), layer.height(), layer.width())
        : features;
  }

  /** A layer's share of one map an image, {@code [B, 1, h, w]}. */
  private String map(int i, String classes) throws BackboneException {
    String name = "fusion." + i;
    FeatureLayer layer = spec.features().get(i);
    String all =
        graph.floats(
            name + ".weight", values(weights.fusion().get(i)), spec.classes(), layer.channels());
    String rows = graph.node("Gather", name + ".rows", List.of(all, classes), "axis", 0L);
    String row = graph.reshape(name + ".row", rows, 0, 1, layer.channels());
    long places = (long) layer.height() * layer.width();
    String pixels = graph.reshape(name + ".pixels", activation(i), 0, layer.channels(), places);
    String product = graph.node("MatMul", name + ".product", List.of(row, pixels));
    String small = graph.reshape(name + ".map", product, 0, 1, layer.height(), layer.width());
    return graph.upsample(
        name + ".upsampled", small, new MapSize(layer.height(), layer.width()), size);
  }

  /** A layer's share of all maps, {@code [B, K, h, w]}. */
  private String everyMap(int i) throws BackboneException {
    String name = "fusion." + i;
    FeatureLayer layer = spec.features().get(i);
    String all =
        graph.floats(
            name + ".weight",
            values(weights.fusion().get(i)),
            spec.classes(),
            layer.channels(),
            1,
            1);
    String small =
        graph.node(
            "Conv", name + ".maps", List.of(activation(i), all), "kernel_shape", new long[] {1, 1});
    return graph.upsample(
        name + ".upsampled", small, new MapSize(layer.height(), layer.width()), size);
  }

  /** The fusion's bias for each map. Scaling takes it out, but it decides what is rounded away. */
  private String bias(String classes) {
    float[] values = values(weights.bias());
    if (classes.isEmpty()) {
      return graph.floats("fusion.bias", values, 1, spec.classes(), 1, 1);
    }
    String all = graph.floats("fusion.bias", values, spec.classes());
    String own = graph.node("Gather", "fusion.bias.own", List.of(all, classes), "axis", 0L);
    return graph.reshape("fusion.bias.map", own, -1, 1, 1, 1);
  }

  /** Each map by its own smallest and largest value; constant ones become 0. */
  private String minMax(String raw) {
    String low = graph.reduce("ReduceMin", "low", raw, 2, 3);
    String high = graph.reduce("ReduceMax", "high", raw, 2, 3);
    String span = graph.node("Sub", "span", List.of(high, low));
    String zero = graph.floats("zero", new float[1], 1);
    String varies = graph.node("Greater", "varies", List.of(span, zero));
    String one = graph.floats("one", new float[] {1}, 1);
    String divisor = graph.node("Where", "divisor", List.of(varies, span, one));
    String above = graph.node("Sub", "above", List.of(raw, low));
    return graph.node("Div", "scaled", List.of(above, divisor));
  }

  private static float[] values(INDArray array) {
    return array.data().asFloat();
  }
}
