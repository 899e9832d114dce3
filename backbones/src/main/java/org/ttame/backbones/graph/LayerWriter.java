package org.ttame.backbones.graph;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.array.SingleThreadArrayHolder;
import org.nd4j.enums.WeightsFormat;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.architecture.ConvShape;
import org.ttame.backbones.architecture.PoolShape;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.LinearLayer;
import org.ttame.core.classifier.Transformer;
import org.ttame.core.engine.NarrowConstants;
import org.ttame.core.engine.Precision;
import org.ttame.core.image.ImageSize;
import org.ttame.core.masking.Masking;

/**
 * Writes layers into a SameDiff graph, NHWC, weights as constants named {@code layer.weight} and
 * {@code layer.bias}.
 */
public final class LayerWriter implements AutoCloseable {
  private static final String NHWC = "NHWC";

  private final SameDiff graph = SameDiff.create();
  private final WeightSource weights;
  private final DataType precision;
  private final NarrowConstants narrow;
  private final List<FeatureLayer> layers = new ArrayList<>();
  private final List<Parameter> parameters = new ArrayList<>();

  /**
   * Starts a graph.
   *
   * @param weights where its weights come from, or null to leave placeholders
   * @param precision of its values
   * @param computing the precision that it will be computed in: for bfloat16 weights are loaded in
   *     that, where the processor has it
   */
  public LayerWriter(WeightSource weights, DataType precision, Precision computing) {
    this.weights = weights;
    this.precision = precision;
    // SameDiff's own holder of constants keeps a second copy of each for other devices.
    graph.setArrayHolders(new SingleThreadArrayHolder(), new SingleThreadArrayHolder(), true);
    boolean inBfloat16 =
        weights != null
            && precision == DataType.FLOAT
            && computing == Precision.BFLOAT16
            && Precision.Hardware.here() != Precision.Hardware.NONE;
    narrow = inBfloat16 ? NarrowConstants.in(graph) : null;
  }

  /** Starts a graph with placeholders for its weights, which cannot be run. */
  public static LayerWriter outline() {
    return new LayerWriter(null, DataType.FLOAT, Precision.FLOAT32);
  }

  /** The graph. */
  public SameDiff graph() {
    return graph;
  }

  /** The type of its values. */
  public DataType precision() {
    return precision;
  }

  /** The weights written so far. */
  public List<Parameter> parameters() {
    return List.copyOf(parameters);
  }

  /**
   * The images.
   *
   * @param size H and W
   * @param channels C
   * @return a placeholder {@code [B, H, W, C]}
   */
  public SDVariable input(ImageSize size, int channels) {
    return graph.placeHolder(
        BackboneGraph.INPUT, precision, -1, size.height(), size.width(), channels);
  }

  /**
   * A weight.
   *
   * @param name its name
   * @param shape its shape
   * @return a constant; a placeholder where the graph is written without weights
   * @throws IOException if it cannot be had
   */
  public SDVariable weight(String name, long... shape) throws IOException {
    parameters.add(new Parameter(name, Arrays.stream(shape).boxed().toList()));
    if (weights == null) {
      return graph.placeHolder(name, precision, shape);
    }
    if (narrow != null && NarrowConstants.takes(shape)) {
      return graph.constant(name, narrow.add(weights.loadNarrow(name, shape)));
    }
    INDArray array = weights.load(name, shape);
    if (precision != DataType.FLOAT) {
      INDArray cast = array.castTo(precision);
      array.close();
      array = cast;
    }
    return graph.constant(name, array);
  }

  /** A constant that is no parameter: one value everywhere. */
  public SDVariable filled(String name, double value, long... shape) {
    return graph.constant(name, Nd4j.valueArrayOf(shape, value, precision));
  }

  /** Convolution with bias; {@code x} is {@code [B, h, w, in]}. */
  SDVariable convolution(String layer, SDVariable x, ConvShape shape) throws IOException {
    Conv2DConfig config =
        Conv2DConfig.builder()
            .kH(shape.kernel())
            .kW(shape.kernel())
            .sH(shape.stride())
            .sW(shape.stride())
            .pH(shape.padding())
            .pW(shape.padding())
            .paddingMode(PaddingMode.VALID)
            .dataFormat(NHWC)
            .weightsFormat(WeightsFormat.YXIO)
            .build();
    SDVariable weight =
        weight(layer + ".weight", shape.kernel(), shape.kernel(), shape.in(), shape.out());
    SDVariable bias = weight(layer + ".bias", shape.out());
    return graph.cnn().conv2d(layer, x, weight, bias, config);
  }

  SDVariable relu(String name, SDVariable x) {
    return graph.nn().relu(name, x, 0);
  }

  SDVariable maxPool(String name, SDVariable x, PoolShape shape) {
    return graph.cnn().maxPooling2d(name, x, pooling(shape));
  }

  /** Average over windows that neither overlap nor leave gaps. */
  SDVariable averagePool(String name, SDVariable x, int window) {
    return graph.cnn().avgPooling2d(name, x, pooling(new PoolShape(window, window, 0)));
  }

  private static Pooling2DConfig pooling(PoolShape shape) {
    return Pooling2DConfig.builder()
        .kH(shape.kernel())
        .kW(shape.kernel())
        .sH(shape.stride())
        .sW(shape.stride())
        .pH(shape.padding())
        .pW(shape.padding())
        .paddingMode(PaddingMode.VALID)
        .isNHWC(true)
        .build();
  }

  /** x·W + b on rows; {@code x} is {@code [rows, in]}. A matrix product, not {@code xw_plus_b}. */
  SDVariable linear(String layer, SDVariable x, int in, int out) throws IOException {
    SDVariable weight = weight(layer + ".weight", in, out);
    SDVariable bias = weight(layer + ".bias", out);
    return graph.mmul(layer + ".product", x, weight).add(layer, bias);
  }

  /** What {@link #linear} has named. */
  static LinearLayer named(String layer, String input) {
    return new LinearLayer(input, layer + ".weight", layer);
  }

  void map(String node, SDVariable variable, int channels, int side) {
    layers.add(new FeatureLayer(node, variable.name(), FeatureKind.MAP, channels, side, side));
  }

  void tokens(String node, SDVariable variable, int width, int grid) {
    layers.add(new FeatureLayer(node, variable.name(), FeatureKind.TOKENS, width, grid, grid));
  }

  /** Ends the writing; weights in bfloat16 that are not only multiplied are loaded again. */
  void settle() throws IOException {
    if (narrow != null) {
      narrow.settle(graph, weights::load);
    }
  }

  /** The last of {@code candidates} are explained by default; the CAM family reads {@code cam}. */
  BackboneGraph finish(
      SDVariable logits,
      List<String> candidates,
      String cam,
      Masking masking,
      Transformer transformer) {
    int from = Math.max(0, candidates.size() - BackboneGraph.DEFAULT_LAYERS);
    return new BackboneGraph(
        graph,
        logits.name(),
        layers,
        Map.of(),
        candidates.subList(from, candidates.size()),
        Optional.of(cam),
        masking,
        parameters,
        Optional.ofNullable(transformer));
  }

  /** Frees the weights of a graph that could not be finished. */
  @Override
  public void close() {
    if (narrow != null) {
      narrow.close();
    }
    for (Parameter parameter : parameters) {
      INDArray array =
          graph.hasVariable(parameter.name()) ? graph.getVariable(parameter.name()).getArr() : null;
      if (array != null && !array.wasClosed() && array.closeable()) {
        array.close();
      }
    }
  }
}
