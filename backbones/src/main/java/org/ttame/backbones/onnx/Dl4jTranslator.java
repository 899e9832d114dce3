package org.ttame.backbones.onnx;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.ZeroPaddingLayer;
import org.deeplearning4j.nn.conf.preprocessor.CnnToFeedForwardPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToCnnPreProcessor;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.graph.vertex.VertexIndices;
import org.deeplearning4j.nn.graph.vertex.impl.InputVertex;
import org.deeplearning4j.nn.graph.vertex.impl.LayerVertex;
import org.deeplearning4j.nn.graph.vertex.impl.PreprocessorVertex;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationIdentity;
import org.nd4j.linalg.activations.impl.ActivationReLU;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;

/**
 * Says a DL4J network in ONNX's terms, so that one reader recognises both. Weights stay where the
 * network has them.
 */
final class Dl4jTranslator {
  /** What a linear layer has; one with a gain normalises, too. */
  private static final Set<String> WEIGHTS = Set.of("W", "b");

  private final List<OnnxNode> nodes = new ArrayList<>();
  private final Map<String, Constant> weights = new LinkedHashMap<>();

  /** The value that each vertex has become, by the vertex's index. */
  private final Map<Integer, String> values = new HashMap<>();

  /** Zero padding waiting for the convolution after it, by the padded value's name. */
  private final Map<String, int[]> padding = new HashMap<>();

  private final boolean blueFirst;
  private boolean firstConvolution = true;

  private Dl4jTranslator(boolean blueFirst) {
    this.blueFirst = blueFirst;
  }

  /**
   * Translates a network.
   *
   * @param network a network with one image input
   * @param name for messages
   * @param shape of one image, channels, height, width
   * @param blueFirst whether it takes its channels as blue, green, red
   */
  static OnnxModel translate(ComputationGraph network, Path name, long[] shape, boolean blueFirst) {
    return new Dl4jTranslator(blueFirst).translate(network, name, shape);
  }

  private OnnxModel translate(ComputationGraph network, Path name, long[] shape) {
    if (network.getNumInputArrays() != 1 || network.getNumOutputArrays() != 1) {
      throw new UnsupportedGraphException(
          Text.format(
              "it has %d inputs and %d outputs",
              network.getNumInputArrays(), network.getNumOutputArrays()));
    }
    String input = network.getConfiguration().getNetworkInputs().get(0);
    for (int index : network.topologicalSortOrder()) {
      vertex(network, network.getVertices()[index]);
    }
    String output = network.getConfiguration().getNetworkOutputs().get(0);
    String last = values.get(network.getVertex(output).getVertexIndex());
    return new OnnxModel(
        name,
        "deeplearning4j",
        0,
        nodes,
        weights,
        List.of(new OnnxModel.GraphInput(input, 1, new long[] {-1, shape[0], shape[1], shape[2]})),
        List.of(last),
        Map.of(),
        List.of());
  }

  private void vertex(ComputationGraph network, GraphVertex vertex) {
    String name = vertex.getVertexName();
    if (vertex instanceof InputVertex) {
      values.put(vertex.getVertexIndex(), name);
      return;
    }
    List<String> inputs = new ArrayList<>();
    for (VertexIndices from : vertex.getInputVertices()) {
      inputs.add(values.get(from.getVertexIndex()));
    }
    String result;
    if (vertex instanceof LayerVertex layer) {
      String data = preprocess(name, layer.getLayerPreProcessor(), inputs.get(0));
      result = layer(name, layer.getLayer(), data);
    } else if (network.getConfiguration().getVertices().get(name)
            instanceof org.deeplearning4j.nn.conf.graph.ElementWiseVertex sum
        && sum.getOp() == org.deeplearning4j.nn.conf.graph.ElementWiseVertex.Op.Add
        && inputs.size() == 2) {
      result = add("Add", name, inputs, Map.of());
    } else if (vertex instanceof PreprocessorVertex preprocessor) {
      result = preprocess(name, preprocessor.getPreProcessor(), inputs.get(0));
    } else {
      throw new UnsupportedGraphException(
          Text.format("vertex \"%s\" is a %s", name, vertex.getClass().getSimpleName()));
    }
    values.put(vertex.getVertexIndex(), result);
  }

  private String preprocess(String name, InputPreProcessor preprocessor, String data) {
    if (preprocessor == null || preprocessor instanceof FeedForwardToCnnPreProcessor) {
      return data;
    }
    if (preprocessor instanceof CnnToFeedForwardPreProcessor flatten
        && flatten.getFormat() == CNN2DFormat.NCHW) {
      return add("Flatten", name + "/flatten", List.of(data), Map.of());
    }
    throw new UnsupportedGraphException(
        Text.format(
            "\"%s\" prepares its input by %s", name, preprocessor.getClass().getSimpleName()));
  }

  private String layer(String name, Layer layer, String data) {
    var configuration = layer.conf().getLayer();
    if (configuration.getClass() == ConvolutionLayer.class) {
      return convolution(name, layer, (ConvolutionLayer) configuration, data);
    }
    if (configuration instanceof BatchNormalization norm) {
      return batchNormalization(name, layer, norm, data);
    }
    if (configuration instanceof ZeroPaddingLayer zeros) {
      padding.put(name, zeros.getPadding());
      return add("Identity", name, List.of(data), Map.of());
    }
    if (configuration instanceof SubsamplingLayer pool) {
      return pool(name, pool, data);
    }
    if (configuration instanceof GlobalPoolingLayer pool) {
      int[] over = pool.getPoolingDimensions();
      boolean wholeMaps = over == null || java.util.Arrays.equals(over, new int[] {2, 3});
      if (pool.getPoolingType() != PoolingType.AVG || !wholeMaps) {
        throw new UnsupportedGraphException(
            Text.format("\"%s\" is not an average pool over whole maps", name));
      }
      String mean = add("GlobalAveragePool", name, List.of(data), Map.of());
      return add("Flatten", name + "/flatten", List.of(mean), Map.of());
    }
    if (configuration instanceof ActivationLayer activation) {
      return activation(name, activation.getActivationFn(), data);
    }
    if (configuration instanceof DropoutLayer) {
      return data;
    }
    boolean linear =
        configuration instanceof DenseLayer || configuration instanceof BaseOutputLayer;
    if (linear && WEIGHTS.containsAll(layer.paramTable().keySet())) {
      return linear(name, layer, (FeedForwardLayer) configuration, data);
    }
    throw new UnsupportedGraphException(
        Text.format("layer \"%s\" is a %s", name, configuration.getClass().getSimpleName()));
  }

  private String convolution(
      String name, Layer layer, ConvolutionLayer configuration, String data) {
    if (configuration.getCnn2dDataFormat() != CNN2DFormat.NCHW) {
      throw new UnsupportedGraphException(
          Text.format("\"%s\" works on %s", name, configuration.getCnn2dDataFormat()));
    }
    int[] kernel = configuration.getKernelSize();
    int[] pads =
        pads(
            name,
            configuration.getConvolutionMode(),
            kernel,
            configuration.getStride(),
            configuration.getPadding());
    int[] zeros = padding.get(data);
    if (zeros != null) {
      pads =
          new int[] {
            pads[0] + zeros[0], pads[1] + zeros[2], pads[2] + zeros[1], pads[3] + zeros[3]
          };
    }
    INDArray weight = layer.getParam("W");
    Constant constant = firstConvolution && blueFirst ? redFirst(weight) : constant(weight);
    firstConvolution = false;
    List<String> inputs = new ArrayList<>(List.of(data, put(name + ".W", constant)));
    if (configuration.hasBias()) {
      inputs.add(put(name + ".b", constant(layer.getParam("b").reshape(-1))));
    }
    String result =
        add(
            "Conv",
            name,
            inputs,
            Map.of(
                "strides", integers(configuration.getStride()),
                "dilations", integers(configuration.getDilation()),
                "pads", integers(pads)));
    return activation(name + "/activation", configuration.getActivationFn(), result);
  }

  /** DL4J's modes as explicit padding: top, left, bottom, right. */
  private static int[] pads(
      String name, ConvolutionMode mode, int[] kernel, int[] stride, int[] explicit) {
    if (mode != ConvolutionMode.Same) {
      return new int[] {explicit[0], explicit[1], explicit[0], explicit[1]};
    }
    boolean even = stride[0] == 1 && stride[1] == 1 && kernel[0] % 2 == 1 && kernel[1] % 2 == 1;
    if (!even) {
      throw new UnsupportedGraphException(
          Text.format("\"%s\" pads unevenly (mode Same with a stride or an even kernel)", name));
    }
    return new int[] {kernel[0] / 2, kernel[1] / 2, kernel[0] / 2, kernel[1] / 2};
  }

  private String batchNormalization(
      String name, Layer layer, BatchNormalization configuration, String data) {
    int channels = (int) layer.getParam("mean").length();
    Constant gamma =
        configuration.isLockGammaBeta()
            ? filled(configuration.getGamma(), channels)
            : constant(layer.getParam("gamma").reshape(-1));
    Constant beta =
        configuration.isLockGammaBeta()
            ? filled(configuration.getBeta(), channels)
            : constant(layer.getParam("beta").reshape(-1));
    Constant variance;
    if (configuration.isUseLogStd()) {
      double[] values = layer.getParam("log10stdev").toDoubleVector();
      for (int i = 0; i < values.length; i++) {
        values[i] = Math.pow(10, 2 * values[i]);
      }
      variance = Constant.ofValues(values, false, values.length);
    } else {
      variance = constant(layer.getParam("var").reshape(-1));
    }
    List<String> inputs =
        List.of(
            data,
            put(name + ".gamma", gamma),
            put(name + ".beta", beta),
            put(name + ".mean", constant(layer.getParam("mean").reshape(-1))),
            put(name + ".var", variance));
    return add("BatchNormalization", name, inputs, Map.of("epsilon", real(configuration.getEps())));
  }

  private String pool(String name, SubsamplingLayer pool, String data) {
    String type =
        switch (pool.getPoolingType()) {
          case MAX -> "MaxPool";
          case AVG -> "AveragePool";
          default ->
              throw new UnsupportedGraphException(
                  Text.format("\"%s\" pools by %s", name, pool.getPoolingType()));
        };
    int[] pads =
        pads(
            name,
            pool.getConvolutionMode(),
            pool.getKernelSize(),
            pool.getStride(),
            pool.getPadding());
    return add(
        type,
        name,
        List.of(data),
        Map.of(
            "kernel_shape", integers(pool.getKernelSize()),
            "strides", integers(pool.getStride()),
            "dilations", integers(pool.getDilation()),
            "pads", integers(pads)));
  }

  private String linear(String name, Layer layer, FeedForwardLayer configuration, String data) {
    List<String> inputs = new ArrayList<>();
    inputs.add(data);
    inputs.add(put(name + ".W", constant(layer.getParam("W"))));
    if (layer.paramTable().containsKey("b")) {
      inputs.add(put(name + ".b", constant(layer.getParam("b").reshape(-1))));
    }
    String result = add("Gemm", name, inputs, Map.of());
    return activation(name + "/activation", configuration.getActivationFn(), result);
  }

  private String activation(String name, IActivation activation, String data) {
    if (activation instanceof ActivationIdentity) {
      return data;
    }
    if (activation instanceof ActivationReLU relu && plain(relu)) {
      return add("Relu", name, List.of(data), Map.of());
    }
    if (activation instanceof ActivationSoftmax) {
      return add("Softmax", name, List.of(data), Map.of());
    }
    throw new UnsupportedGraphException(
        Text.format("\"%s\" has the activation %s", name, activation));
  }

  private static boolean plain(ActivationReLU relu) {
    return none(relu.getMax()) && none(relu.getThreshold()) && none(relu.getNegativeSlope());
  }

  private static boolean none(Double value) {
    return value == null || value == 0;
  }

  private String put(String name, Constant constant) {
    weights.put(name, constant);
    return name;
  }

  private String add(
      String type, String name, List<String> inputs, Map<String, OnnxAttribute> attributes) {
    if (!type.equals("Conv") && padding.containsKey(inputs.get(0))) {
      throw new UnsupportedGraphException(
          Text.format("the input of \"%s\" is zero-padded, but it is not a convolution", name));
    }
    nodes.add(new OnnxNode(name, "", type, inputs, List.of(name), attributes));
    return name;
  }

  private static OnnxAttribute integers(int... values) {
    long[] longs = java.util.Arrays.stream(values).asLongStream().toArray();
    return new OnnxAttribute(0, 0, "", longs, new double[0], null, "", null);
  }

  private static OnnxAttribute real(double value) {
    return new OnnxAttribute(value, 0, "", new long[0], new double[0], null, "", null);
  }

  private static Constant filled(double value, int count) {
    return Constant.ofValues(new double[] {value}, false).broadcast(count);
  }

  /** A view on the network's own memory. */
  private static Constant constant(INDArray array) {
    return Constant.strided(new Storage.InArray(array), array.shape(), array.stride());
  }

  /** The first convolution's weight with its input channels turned round. */
  private static Constant redFirst(INDArray weight) {
    long[] shape = weight.shape();
    double[] values = weight.dup('c').data().asDouble();
    double[] turned = new double[values.length];
    int plane = (int) (shape[2] * shape[3]);
    for (int i = 0; i < values.length; i++) {
      int channel = i / plane % 3;
      turned[i + (2 - 2 * channel) * plane] = values[i];
    }
    return Constant.ofValues(turned, false, shape);
  }
}
