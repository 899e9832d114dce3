package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.enums.PadMode;
import org.nd4j.enums.WeightsFormat;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.graph.ImportedLayers.Role;
import org.ttame.core.Text;

/** Convolutions and pools of images. */
final class Windows {
  private static final String NHWC = "NHWC";

  /** Less than any activation; -∞ would make not-a-number of 0·∞ on the way back. */
  private static final double LEAST = -3.0e38;

  private Windows() {}

  static void register(ConverterRegistry registry) {
    registry.add(
        "Conv",
        1,
        new Convolution(),
        "auto_pad",
        "dilations",
        "group",
        "kernel_shape",
        "pads",
        "strides");
    Set<String> pooling = Set.of("auto_pad", "kernel_shape", "pads", "strides", "ceil_mode");
    registry.add("MaxPool", 1, new MaxPool(), with(pooling, "storage_order", "dilations"));
    registry.add(
        "AveragePool", 1, new AveragePool(), with(pooling, "count_include_pad", "dilations"));
    registry.add("GlobalAveragePool", 1, new GlobalPool());
    registry.add("GlobalMaxPool", 1, new GlobalPool());
  }

  private static String[] with(Set<String> some, String... more) {
    return java.util.stream.Stream.concat(some.stream(), Arrays.stream(more))
        .toArray(String[]::new);
  }

  /** Windows along height and width. */
  private record Sides(Sliding rows, Sliding columns) {
    static Sides of(OnnxNode node, long[] image, long... kernel) {
      long[] given = node.integers("kernel_shape");
      if (image.length == 3 && kernel.length == 1 && (given == null || given[0] == kernel[0])) {
        Sliding still = new Sliding(1, 1, 1, 1, 0, 0, 0, 1);
        return new Sides(still, Sliding.of(node, 1, 0, image[2], kernel[0]));
      }
      if (image.length != 4 || kernel.length != 2) {
        throw new UnsupportedGraphException(
            Text.format(
                "%s node \"%s\" does not take two-dimensional images",
                node.type(), node.displayName()));
      }
      if (given != null && !Arrays.equals(given, kernel)) {
        throw new UnsupportedGraphException(
            Text.format(
                "%s node \"%s\" declares a kernel of %s, but its weights have %s",
                node.type(), node.displayName(), Arrays.toString(given), Arrays.toString(kernel)));
      }
      return new Sides(
          Sliding.of(node, 2, 0, image[2], kernel[0]), Sliding.of(node, 2, 1, image[3], kernel[1]));
    }

    boolean even() {
      return rows.even() && columns.even();
    }

    /** Writes padding that convolutions and pools cannot be told of. */
    SDVariable pad(Operation operation, Emitter emitter, SDVariable x, double value) {
      if (rows.before()
              + rows.after()
              + rows.over()
              + columns.before()
              + columns.after()
              + columns.over()
          == 0) {
        return x;
      }
      SDVariable margins =
          emitter.integers(
              operation,
              "margins",
              Nd4j.createFromArray(
                  new int[][] {
                    {0, 0},
                    {(int) rows.before(), (int) (rows.after() + rows.over())},
                    {(int) columns.before(), (int) (columns.after() + columns.over())},
                    {0, 0}
                  }));
      return emitter
          .graph()
          .nn()
          .pad(emitter.step(operation, "padded"), x, margins, PadMode.CONSTANT, value);
    }

    long[] counts(long[] image, long channels) {
      if (image.length == 3) {
        return new long[] {image[0], channels, columns.count()};
      }
      return new long[] {image[0], channels, rows.count(), columns.count()};
    }
  }

  /** Convolution, its batch normalisation folded in; see {@link Fusion}. */
  private static final class Convolution implements Converter {
    @Override
    public List<long[]> shapes(OnnxNode node, List<Operand> inputs) {
      long[] image = inputs.get(0).shape();
      long[] weight = inputs.get(1).shape();
      long groups = node.integer("group", 1);
      if (image.length != weight.length || image.length < 3 || image.length > 4) {
        throw new UnsupportedGraphException(
            Text.format("Conv node \"%s\" is not a convolution of images", node.displayName()));
      }
      if (groups < 1 || image[1] != weight[1] * groups || weight[0] % groups != 0) {
        throw new UnsupportedGraphException(
            Text.format(
                "Conv node \"%s\" reads %d channels in %d groups with weights of shape %s",
                node.displayName(), image[1], groups, Arrays.toString(weight)));
      }
      long[] kernel = Arrays.copyOfRange(weight, 2, weight.length);
      return List.of(Sides.of(node, image, kernel).counts(image, weight[0]));
    }

    @Override
    public void convert(Operation conv, Emitter emitter) throws IOException {
      Value image = conv.value(0);
      Constant given = conv.constant(1);
      long[] kernel = Arrays.copyOfRange(given.shape(), 2, given.shape().length);
      Constant weight =
          kernel.length == 2
              ? given
              : given.reshape(given.shape()[0], given.shape()[1], 1, kernel[0]);
      long[] shape = weight.shape();
      int out = Math.toIntExact(shape[0]);
      int groups = Math.toIntExact(conv.node().integer("group", 1));
      Sides sides = Sides.of(conv.node(), image.shape(), kernel);
      SDVariable x = images(conv, image, emitter);
      boolean even = sides.even();
      if (!even) {
        x = sides.pad(conv, emitter, x, 0);
      }
      boolean depthwise = shape[1] == 1 && groups > 1;
      SDVariable weights =
          emitter.parameter(
              conv,
              "weight",
              Role.WEIGHT,
              () -> new Recipe(weight.transpose(2, 3, 1, 0), scales(conv), 1),
              shape[2],
              shape[3],
              depthwise ? groups : shape[1],
              depthwise ? out / groups : out);
      if (sides.rows.dilation() > 1 || sides.columns.dilation() > 1) {
        weights = widened(conv, emitter, weights, sides);
      }
      SDVariable bias =
          conv.input(2) == null && conv.input(4) == null
              ? null
              : emitter.parameter(conv, "bias", Role.BIAS, () -> Recipe.of(biases(conv, out)), out);
      Conv2DConfig config =
          Conv2DConfig.builder()
              .kH(reach(sides.rows))
              .kW(reach(sides.columns))
              .sH(sides.rows.stride())
              .sW(sides.columns.stride())
              .pH(even ? sides.rows.before() : 0)
              .pW(even ? sides.columns.before() : 0)
              .paddingMode(PaddingMode.VALID)
              .dataFormat(NHWC)
              .weightsFormat(WeightsFormat.YXIO)
              .build();
      SDVariable y;
      if (depthwise) {
        y =
            bias == null
                ? emitter.graph().cnn().depthWiseConv2d(x, weights, config)
                : emitter.graph().cnn().depthWiseConv2d(x, weights, bias, config);
      } else if (groups > 1) {
        y = grouped(conv, emitter, x, weights, groups, config);
        y = bias == null ? y : y.add(bias);
      } else {
        y =
            bias == null
                ? emitter.graph().cnn().conv2d(x, weights, config)
                : emitter.graph().cnn().conv2d(x, weights, bias, config);
      }
      put(conv, y, emitter);
    }

    private static long reach(Sliding sliding) {
      return (sliding.kernel() - 1) * sliding.dilation() + 1;
    }

    /**
     * A dilated kernel with its gaps written out as zeros, once for all: ND4J has no dilated
     * convolution with channels last. A product with a matrix of zeros and ones is exact.
     */
    private static SDVariable widened(
        Operation conv, Emitter emitter, SDVariable weights, Sides sides) {
      int rows = Math.toIntExact(sides.rows.kernel());
      int columns = Math.toIntExact(sides.columns.kernel());
      int width = Math.toIntExact(reach(sides.columns));
      int values = rows * columns;
      double[] places = Constant.room(reach(sides.rows), width, values);
      for (int i = 0; i < values; i++) {
        long row = i / columns * sides.rows.dilation();
        long column = i % columns * sides.columns.dilation();
        places[Math.toIntExact((row * width + column) * values + i)] = 1;
      }
      long[] shape = weights.getShape();
      SDVariable flat = emitter.graph().reshape(weights, values, shape[2] * shape[3]);
      SDVariable matrix = emitter.numbers(conv, "places", places, places.length / values, values);
      return emitter
          .graph()
          .reshape(
              emitter.graph().mmul(matrix, flat), reach(sides.rows), width, shape[2], shape[3]);
    }

    private static SDVariable grouped(
        Operation conv,
        Emitter emitter,
        SDVariable x,
        SDVariable weights,
        int groups,
        Conv2DConfig config) {
      SDVariable[] images = emitter.graph().split(x, groups, 3);
      SDVariable[] kernels = emitter.graph().split(weights, groups, 3);
      SDVariable[] parts = new SDVariable[groups];
      for (int i = 0; i < groups; i++) {
        String name = emitter.step(conv, "group" + i);
        parts[i] = emitter.graph().cnn().conv2d(name, images[i], kernels[i], config);
      }
      return emitter.graph().concat(3, parts);
    }

    private static double[] scales(Operation conv) throws IOException {
      return conv.input(3) == null ? null : conv.constant(3).values();
    }

    private static double[] biases(Operation conv, int out) throws IOException {
      double[] bias = conv.input(2) == null ? new double[out] : conv.constant(2).values();
      double[] scale = scales(conv);
      if (scale != null) {
        double[] shift = conv.constant(4).values();
        for (int i = 0; i < out; i++) {
          bias[i] = bias[i] * scale[i] + shift[i];
        }
      }
      return bias;
    }
  }

  /**
   * Images as they are convolved and pooled: batch first, channels last; rows have a height of 1.
   */
  private static SDVariable images(Operation operation, Value value, Emitter emitter) {
    Tensor x = emitter.tensor(value);
    if (!x.batchFirst() || x.rank() < 3 || x.rank() > 4) {
      throw new UnsupportedGraphException(operation + " is neither one- nor two-dimensional");
    }
    if (x.rank() == 3) {
      long[] shape = x.shape();
      x = emitter.reshape(x, new long[] {shape[0], shape[1], 1, shape[2]}, operation);
    }
    return emitter.arrange(x, Tensor.channelsLast(4)).variable();
  }

  /** Hands over what {@link #images} became. */
  private static void put(Operation operation, SDVariable y, Emitter emitter) {
    long[] shape = operation.output().shape();
    if (shape.length == 4) {
      emitter.put(operation, y, Tensor.channelsLast(4), 0);
      return;
    }
    int[] order = Tensor.channelsLast(3);
    emitter.put(operation, emitter.graph().reshape(y, Emitter.sizes(shape, order, 0)), order, 0);
  }

  private static Sides sides(OnnxNode node, long[] image) {
    long[] kernel = node.integers("kernel_shape");
    return Sides.of(node, image, kernel == null ? new long[0] : kernel);
  }

  private static Pooling2DConfig config(Sides sides, boolean padded) {
    return Pooling2DConfig.builder()
        .kH(sides.rows.kernel())
        .kW(sides.columns.kernel())
        .sH(sides.rows.stride())
        .sW(sides.columns.stride())
        .pH(padded ? sides.rows.before() : 0)
        .pW(padded ? sides.columns.before() : 0)
        .paddingMode(PaddingMode.VALID)
        .isNHWC(true)
        .build();
  }

  private static void requireDense(Operation pool, Sides sides) {
    if (sides.rows.dilation() != 1 || sides.columns.dilation() != 1) {
      throw new UnsupportedGraphException(pool + " is dilated");
    }
  }

  private abstract static class Pool implements Converter {
    @Override
    public List<long[]> shapes(OnnxNode node, List<Operand> inputs) {
      if (node.outputs().size() > 1 && !node.outputs().get(1).isEmpty()) {
        throw new UnsupportedGraphException(
            Text.format(
                "%s node \"%s\" returns the indices of its maxima",
                node.type(), node.displayName()));
      }
      long[] image = inputs.get(0).shape();
      return List.of(sides(node, image).counts(image, image.length > 1 ? image[1] : 1));
    }
  }

  private static final class MaxPool extends Pool {
    @Override
    public void convert(Operation pool, Emitter emitter) {
      Value image = pool.value(0);
      Sides sides = sides(pool.node(), image.shape());
      requireDense(pool, sides);
      SDVariable x = images(pool, image, emitter);
      boolean even = sides.even();
      if (!even) {
        x = sides.pad(pool, emitter, x, LEAST);
      }
      SDVariable y = emitter.graph().cnn().maxPooling2d(x, config(sides, even));
      put(pool, y, emitter);
    }
  }

  /**
   * Average pool. Padding is written out as zeros, each window divided by its whole size, and that
   * mended where some of it does not count.
   */
  private static final class AveragePool extends Pool {
    @Override
    public void convert(Operation pool, Emitter emitter) {
      Value image = pool.value(0);
      Sides sides = sides(pool.node(), image.shape());
      requireDense(pool, sides);
      boolean padding = pool.node().integer("count_include_pad", 0) != 0;
      SDVariable x = images(pool, image, emitter);
      x = sides.pad(pool, emitter, x, 0);
      SDVariable y = emitter.graph().cnn().avgPooling2d(x, config(sides, false));
      int rows = Math.toIntExact(sides.rows.count());
      int columns = Math.toIntExact(sides.columns.count());
      double whole = (double) sides.rows.kernel() * sides.columns.kernel();
      double[] factors = Constant.room(rows, columns);
      for (int i = 0; i < factors.length; i++) {
        long covered =
            sides.rows.covered(i / columns, padding) * sides.columns.covered(i % columns, padding);
        if (covered == 0) {
          throw new UnsupportedGraphException(pool + " has a window that is all padding");
        }
        factors[i] = whole / covered;
      }
      if (Arrays.stream(factors).anyMatch(factor -> factor != 1)) {
        y = y.mul(emitter.numbers(pool, "factors", factors, 1, rows, columns, 1));
      }
      put(pool, y, emitter);
    }
  }

  /** Mean or maximum over height and width, which stay as axes of one value. */
  private static final class GlobalPool implements Converter {
    @Override
    public void convert(Operation pool, Emitter emitter) {
      Value image = pool.value(0);
      SDVariable x = images(pool, image, emitter);
      SDVariable y =
          pool.is("GlobalMaxPool")
              ? emitter.graph().max(x, true, 1, 2)
              : emitter.graph().mean(x, true, 1, 2);
      put(pool, y, emitter);
    }
  }
}
