package org.ttame.backbones.graph;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.ttame.backbones.architecture.Architecture;
import org.ttame.backbones.architecture.ResNetArchitecture;
import org.ttame.backbones.architecture.VggArchitecture;
import org.ttame.backbones.architecture.VitArchitecture;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.Transformer;
import org.ttame.core.engine.Precision;
import org.ttame.core.masking.Masking;

/**
 * A classifier's SameDiff graph.
 *
 * @param graph the graph; its weights are constants
 * @param logits name of the logits, {@code [B, K]}
 * @param layers the layers that can be explained, from input to logits
 * @param aliases other names of layers, and which layer each is
 * @param defaultLayers names of the layers explained by default, latest last
 * @param camLayer name of the layer that the CAM family reads by default
 * @param masking the family's masking
 * @param parameters the graph's constants
 * @param transformer what a vision transformer's graph looks like inside; empty for others
 */
public record BackboneGraph(
    SameDiff graph,
    String logits,
    List<FeatureLayer> layers,
    Map<String, String> aliases,
    List<String> defaultLayers,
    Optional<String> camLayer,
    Masking masking,
    List<Parameter> parameters,
    Optional<Transformer> transformer) {
  /** Name of the placeholder for standardised images, {@code [B, H, W, C]}. */
  public static final String INPUT = "input";

  /** How many layers are explained by default. */
  static final int DEFAULT_LAYERS = 3;

  public BackboneGraph {
    layers = List.copyOf(layers);
    aliases = Map.copyOf(aliases);
    defaultLayers = List.copyOf(defaultLayers);
    parameters = List.copyOf(parameters);
  }

  /**
   * Writes the graph of an architecture with placeholders for its weights: for its layers and
   * parameters.
   *
   * @return the graph, which cannot be run
   */
  public static BackboneGraph outline(Architecture architecture) {
    try {
      return of(architecture, null, DataType.FLOAT, Precision.FLOAT32);
    } catch (IOException e) {
      throw new IllegalStateException("nothing is read for an outline", e);
    }
  }

  /**
   * Writes the graph of an architecture for a precision to compute in.
   *
   * @param architecture the architecture
   * @param weights its weights
   * @param precision of all values; double to check by
   * @param computing for bfloat16, weights that are multiplied are rounded as they are loaded
   * @return the graph
   * @throws IOException if a weight cannot be had
   */
  public static BackboneGraph of(
      Architecture architecture, WeightSource weights, DataType precision, Precision computing)
      throws IOException {
    LayerWriter writer = new LayerWriter(weights, precision, computing);
    boolean done = false;
    try {
      BackboneGraph graph;
      if (architecture instanceof VggArchitecture vgg) {
        graph = VggGraph.write(vgg, writer);
      } else if (architecture instanceof ResNetArchitecture resnet) {
        graph = ResNetGraph.write(resnet, writer);
      } else if (architecture instanceof ImportedLayers imported) {
        graph = imported.write(writer);
      } else {
        graph = VitGraph.write((VitArchitecture) architecture, writer);
      }
      writer.settle();
      done = true;
      return graph;
    } finally {
      if (!done) {
        writer.close();
      }
    }
  }
}
