package org.ttame.backbones;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToCnnPreProcessor;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.graph.vertex.impl.LayerVertex;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.backbones.architecture.Architecture;
import org.ttame.backbones.onnx.OnnxBackbone;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneSource;
import org.ttame.core.Text;
import org.ttame.core.classifier.OutputSpec;
import org.ttame.core.image.InputSpec;

/**
 * Takes over classifiers of the DL4J zoo: a network in memory, the zip that {@link ZooDownload} or
 * the zoo itself fetched, or one that DL4J saved. What is supported is what the architecture
 * records can say: VGG16, ResNet50 (the zoo's own form: stride on the first 1×1 convolution, also
 * in the first stage, a max pool at the end), and their like.
 */
public final class ZooBridge implements BackboneSource {
  private static final int DEFAULT_SIDE = 224;
  private static final double WHITE = 255;

  private final OnnxBackbone backbone;
  private final ComputationGraph network;
  private final InputSpec inputSpec;

  /** The file that the network is from; then it is closed here. */
  private final Optional<SavedNetwork> saved;

  private ZooBridge(
      OnnxBackbone backbone,
      ComputationGraph network,
      InputSpec inputSpec,
      Optional<SavedNetwork> saved) {
    this.backbone = backbone;
    this.network = network;
    this.inputSpec = inputSpec;
    this.saved = saved;
  }

  /**
   * How a network wants its images. The backbone takes standardised RGB images as all others do;
   * this is folded into its first convolution and its {@link InputSpec}.
   *
   * @param blueFirst whether its channels are blue, green, red
   * @param mean subtracted from each channel, red first, on a scale of 0 to 255
   * @param scale what a channel is divided by after that
   */
  public record Preprocessing(boolean blueFirst, List<Double> mean, double scale) {
    public Preprocessing {
      mean = List.copyOf(mean);
      if (mean.size() != 3 || !(scale > 0)) {
        throw new IllegalArgumentException(
            Text.format(
                "Preprocessing needs three means and a positive scale, got %s and %s",
                mean, scale));
      }
    }

    /**
     * What {@code VGG16ImagePreProcessor} does to DL4J's images: blue first, means off, no scale.
     */
    public static Preprocessing vgg16() {
      return new Preprocessing(true, List.of(123.68, 116.779, 103.939), 1);
    }

    InputSpec inputSpec(int side) {
      return new InputSpec(
          side,
          mean.stream().map(value -> value / WHITE).toList(),
          List.of(scale / WHITE, scale / WHITE, scale / WHITE));
    }
  }

  /**
   * Takes over a network.
   *
   * @param network a network of the zoo; stays the caller's and must outlive the bridge
   * @param name for messages
   * @param side height and width of its images
   * @param preprocessing how it wants its images
   * @return the bridge; the caller closes it when the weights have been loaded
   * @throws BackboneException if the records cannot express the network; says why
   */
  public static ZooBridge of(
      ComputationGraph network, String name, int side, Preprocessing preprocessing)
      throws IOException {
    OnnxBackbone backbone =
        OnnxBackbone.of(network, Path.of(name), side, preprocessing.blueFirst());
    return new ZooBridge(backbone, network, preprocessing.inputSpec(side), Optional.empty());
  }

  static boolean isZip(byte[] start) {
    return start.length > 3 && start[0] == 'P' && start[1] == 'K' && start[2] == 3 && start[3] == 4;
  }

  /** Opens a network that DL4J has saved; images are expected as VGG16 of the zoo wants them. */
  static ZooBridge open(Path file) throws IOException {
    SavedNetwork saved = SavedNetwork.read(file);
    ComputationGraph network = saved.network();
    boolean done = false;
    try {
      OnnxBackbone backbone = OnnxBackbone.of(network, file, side(network), true);
      InputSpec images = Preprocessing.vgg16().inputSpec(side(network));
      done = true;
      return new ZooBridge(backbone, network, images, Optional.of(saved));
    } finally {
      if (!done) {
        network.close();
      }
    }
  }

  /**
   * The side that a saved network names for its images, else that of the zoo's ImageNet weights.
   */
  private static int side(ComputationGraph network) {
    for (GraphVertex vertex : network.getVertices()) {
      if (vertex instanceof LayerVertex layer
          && layer.getLayerPreProcessor() instanceof FeedForwardToCnnPreProcessor images) {
        return Math.toIntExact(images.getInputHeight());
      }
    }
    return DEFAULT_SIDE;
  }

  @Override
  public Architecture architecture() {
    return backbone.architecture();
  }

  @Override
  public OutputSpec output() {
    return backbone.output();
  }

  @Override
  public Optional<InputSpec> inputSpec() {
    return Optional.of(inputSpec);
  }

  @Override
  public Map<String, String> provenance() {
    Map<String, String> provenance = new LinkedHashMap<>(backbone.provenance());
    List<String> unread = saved.map(SavedNetwork::unread).orElse(List.of());
    if (!unread.isEmpty()) {
      provenance.put(
          "not read",
          Text.format(
              "%s (how images are prepared, as a Java object that could run code; VGG16's"
                  + " preparation is assumed)",
              String.join(", ", unread)));
    }
    return provenance;
  }

  @Override
  public INDArray load(String name, long... shape) throws IOException {
    return backbone.load(name, shape);
  }

  @Override
  public void close() throws IOException {
    backbone.close();
    if (saved.isPresent()) {
      network.close();
    }
  }
}
