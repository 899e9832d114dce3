package org.ttame.backbones.onnx;

import java.nio.file.Path;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.ttame.backbones.source.BackboneException;
import org.ttame.core.Text;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.OutputKind;

/**
 * What of a classifier's ONNX file something appended to its graph can read, by the names that the
 * file has for it.
 *
 * @param file the file
 * @param opset version of ONNX's own operator set
 * @param image the input
 * @param scores a value {@code [B, K]} whose largest entry is that of the predicted class, or
 *     {@code [B, 1]}, positive where class 1 is predicted
 * @param nested whether the scores have more axes, all of one: {@code [B, K, 1, 1]}
 * @param single whether the scores are of one class
 * @param probabilities whether the classifier's output holds probabilities, not what they are of
 * @param mixedTypes whether values of the graph may be of other types than float32
 * @param layers the layers that can be explained, by name; those of which the graph has no name,
 *     because they are inside a function, are left out
 */
public record Attachment(
    Path file,
    long opset,
    String image,
    String scores,
    boolean nested,
    boolean single,
    boolean probabilities,
    boolean mixedTypes,
    Map<String, Place> layers) {
  /**
   * A layer's numbers.
   *
   * @param value their name
   * @param axes which axes are batch, rows, columns and channels, or batch, tokens and channels
   */
  public record Place(String value, List<Integer> axes) {
    public Place {
      axes = List.copyOf(axes);
    }
  }

  public Attachment {
    layers = Collections.unmodifiableMap(new LinkedHashMap<>(layers));
  }

  /**
   * Finds it.
   *
   * @param model the file
   * @param recognised what it was recognised as
   * @throws BackboneException if the scores are inside a function
   */
  static Attachment of(OnnxModel model, Families.Recognised recognised) throws BackboneException {
    Dataflow flow = recognised.flow();
    IdentityHashMap<Value, String> names = names(model, flow);
    Map<String, Place> layers = new LinkedHashMap<>();
    recognised
        .found()
        .layers()
        .get()
        .forEach(
            (node, layer) ->
                Optional.ofNullable(names.get(layer.value()))
                    .ifPresent(name -> layers.put(node, new Place(name, layer.axes()))));
    boolean single = flow.output().kind() == OutputKind.ONE_LOGIT;
    Value logits = flow.logits();
    boolean nested = logits.producer().is("Flatten") && !names.containsKey(logits);
    String scores = names.get(nested ? logits.producer().value(0) : logits);
    if (scores == null && single) {
      throw new BackboneException(
          Text.format(
              "%s computes its logit inside a function of its own, where nothing else can read it; export it without functions",
              model.file()));
    }
    return new Attachment(
        model.file(),
        model.opset(),
        flow.input().name(),
        // Of probabilities that come out of no softmax, or of one inside a function, themselves.
        scores == null ? flow.output().name() : scores,
        nested,
        single,
        givesProbabilities(flow),
        mixesTypes(model),
        layers);
  }

  private static boolean givesProbabilities(Dataflow flow) {
    Operation last =
        flow.operand(flow.output().name()) instanceof Value output
            ? LogitsOutput.activation(output)
            : null;
    return last == null ? flow.output().kind() == OutputKind.PROBABILITIES : !last.is("LogSoftmax");
  }

  /** What the graph calls each value; nothing inside functions is named in the graph. */
  private static IdentityHashMap<Value, String> names(OnnxModel model, Dataflow flow) {
    IdentityHashMap<Value, String> names = new IdentityHashMap<>();
    for (OnnxNode node : model.nodes()) {
      for (String name : node.outputs()) {
        if (!name.isEmpty() && flow.operand(name) instanceof Value value) {
          names.putIfAbsent(value, name);
        }
      }
    }
    return names;
  }

  /** Whether anything says that not all numbers are float32. */
  private static boolean mixesTypes(OnnxModel model) {
    return isOther(ElementType.of(model.inputs().get(0).elementType()))
        || model.initialisers().values().stream().anyMatch(weight -> isOther(weight.type()))
        || model.nodes().stream().anyMatch(Attachment::givesOther)
        || model.functions().values().stream()
            .flatMap(function -> function.nodes().stream())
            .anyMatch(Attachment::givesOther);
  }

  private static boolean givesOther(OnnxNode node) {
    return isOther(ElementType.of(node.integer("to", 0)))
        || isOther(ElementType.of(node.integer("output_dtype", 0)))
        || node.type().equals("CastLike")
        || node.attributes().values().stream().anyMatch(Attachment::holdsOther);
  }

  private static boolean holdsOther(OnnxAttribute value) {
    return (value.tensor() != null && isOther(value.tensor().type()))
        || (value.graph() != null
            && value.graph().nodes().stream().anyMatch(Attachment::givesOther));
  }

  private static boolean isOther(ElementType type) {
    return type != null && !type.integer() && type != ElementType.FLOAT;
  }

  /**
   * Where a layer lies.
   *
   * @param layer one of the classifier's
   * @throws BackboneException if the file has no name for it
   */
  public Place place(FeatureLayer layer) throws BackboneException {
    Place place = layers.get(layer.node());
    if (place == null) {
      throw new BackboneException(
          Text.format(
              "%s has no value for the layer \"%s\" that anything behind its own nodes could read: it is inside a function of the file; export the file without functions, or train on other layers",
              file, layer.node()));
    }
    return place;
  }
}
