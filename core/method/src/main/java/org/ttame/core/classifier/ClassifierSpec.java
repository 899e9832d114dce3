package org.ttame.core.classifier;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.ttame.core.Text;
import org.ttame.core.image.InputSpec;
import org.ttame.core.masking.Masking;

/**
 * What a classifier is, apart from its graph: the one description that run folders, backbone files,
 * metrics, methods, tables and pages read. Immutable.
 *
 * @param name for messages and records, e.g. {@code vgg16}
 * @param input what it expects of an image
 * @param output what it answers
 * @param layers those that can be explained, by node name, from input to logits
 * @param aliases other names that layers can be asked for by, and the node each means
 * @param defaultLayers the nodes explained unless told otherwise, latest last
 * @param cam the node that the CAM family reads; empty if there are no layers
 * @param masking how it is masked unless told otherwise
 * @param assumptions what of this nobody has said
 * @param provenance where it comes from, by name, in order: file, sha256, architecture and the like
 */
public record ClassifierSpec(
    String name,
    InputSpec input,
    OutputSpec output,
    Map<String, FeatureLayer> layers,
    Map<String, String> aliases,
    List<String> defaultLayers,
    Optional<String> cam,
    Masking masking,
    List<Assumption> assumptions,
    Map<String, String> provenance) {
  /** Layers that a message names. */
  private static final int LISTED = 40;

  public ClassifierSpec {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(input, "input");
    Objects.requireNonNull(output, "output");
    Objects.requireNonNull(masking, "masking");
    layers = Collections.unmodifiableMap(new LinkedHashMap<>(layers));
    aliases = Map.copyOf(aliases);
    defaultLayers = List.copyOf(defaultLayers);
    assumptions = List.copyOf(assumptions);
    provenance = Collections.unmodifiableMap(new LinkedHashMap<>(provenance));
  }

  /**
   * Finds a layer by name.
   *
   * @param node a layer's node name, or an alias
   * @return the layer
   * @throws IllegalArgumentException if there is none
   */
  public FeatureLayer layer(String node) {
    requireLayers();
    FeatureLayer layer = layers.get(aliases.getOrDefault(node, node));
    if (layer == null) {
      List<String> names = List.copyOf(layers.keySet());
      boolean many = names.size() > LISTED;
      throw new IllegalArgumentException(
          Text.format(
              "%s has no layer \"%s\" with height and width; it has %s%s%s",
              name,
              node,
              String.join(", ", many ? names.subList(names.size() - LISTED, names.size()) : names),
              many ? Text.format(" and %d before them, see inspect", names.size() - LISTED) : "",
              Text.didYouMean(node, names)));
    }
    return layer;
  }

  /**
   * Finds layers by name.
   *
   * @param nodes layers' node names, or aliases
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
   * The layer that the CAM family reads unless told otherwise. Of a convolutional network the last
   * feature map that no pooling gave; of a vision transformer the normalised input of the last
   * block's attention: whatever comes after that has no gradient but on the class token.
   *
   * @throws IllegalArgumentException if it names no layer
   */
  public FeatureLayer camLayer() {
    requireLayers();
    return layer(
        cam.orElseThrow(
            () ->
                new IllegalArgumentException(
                    name
                        + " has no layer with a height and a width that lies on every path to the"
                        + " logits: name one (inspect lists them), or explain by rise, which needs"
                        + " none")));
  }

  private void requireLayers() {
    if (layers.isEmpty()) {
      throw new IllegalArgumentException(
          name + " has no layer with height and width: explain by rise, which needs none");
    }
  }
}
