package org.ttame.backbones.onnx;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.backbones.BackboneException;
import org.ttame.backbones.architecture.Architecture;
import org.ttame.backbones.graph.WeightSource;

/**
 * A classifier found in an ONNX file: its architecture, and its weights, still in the file. Reads
 * by dataflow, operator kinds and shapes; no name in the file matters to the weights.
 */
public final class OnnxBackbone implements WeightSource, AutoCloseable {
  private final OnnxModel model;
  private final Architecture architecture;
  private final Map<String, Recipe> recipes;

  private OnnxBackbone(OnnxModel model, Architecture architecture, Map<String, Recipe> recipes) {
    this.model = model;
    this.architecture = architecture;
    this.recipes = recipes;
  }

  /**
   * What a family's reader found.
   *
   * @param architecture the architecture
   * @param recipes for each of the graph's weights, how to make it
   */
  record Found(Architecture architecture, Map<String, Recipe> recipes) {}

  /**
   * Reads a file's structure.
   *
   * @param file an ONNX file
   * @return the classifier; the caller closes it when the weights have been loaded
   * @throws BackboneException if the file is damaged or holds no VGG, ResNet or ViT
   */
  public static OnnxBackbone read(Path file) throws IOException {
    OnnxModel model = OnnxParser.parse(file);
    boolean done = false;
    try {
      Found found = Families.find(model);
      done = true;
      return new OnnxBackbone(model, found.architecture(), found.recipes());
    } finally {
      if (!done) {
        model.close();
      }
    }
  }

  /** The architecture. */
  public Architecture architecture() {
    return architecture;
  }

  /** Version of ONNX's operator set. */
  public long opset() {
    return model.opset();
  }

  /** The program that wrote the file, and its version; may be empty. */
  public String producer() {
    return model.producer();
  }

  @Override
  public INDArray load(String name, long... shape) throws IOException {
    Recipe recipe = recipes.get(name);
    if (recipe == null) {
      throw new BackboneException("%s has no weight %s".formatted(model.file(), name));
    }
    return recipe.make(name, shape);
  }

  @Override
  public void close() throws IOException {
    model.close();
  }
}
