package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.ttame.backbones.graph.ImportedLayers.Role;

/** Normalisations by frozen statistics, by those of a token, and of an image's own channels. */
final class Normalisations {
  private Normalisations() {}

  static void register(ConverterRegistry registry) {
    registry.add(
        "BatchNormalization",
        1,
        new BatchNormalisation(),
        "epsilon",
        "momentum",
        "spatial=1",
        "is_test",
        "consumed_inputs",
        "training_mode");
    registry.add(
        "LayerNormalization", 17, new LayerNormalisation(), "axis", "epsilon", "stash_type");
    registry.add(
        "RMSNormalization", 23, new LayerNormalisation(), "axis", "epsilon", "stash_type=1");
    registry.add(Fusion.NORM, 1, new LayerNormalisation());
    registry.add(
        "InstanceNormalization", 1, Normalisations::instance, "epsilon", "consumed_inputs");
    registry.add(
        "GroupNormalization", 21, Normalisations::group, "epsilon", "num_groups", "stash_type");
    registry.add("LRN", 1, Normalisations::localResponse, "alpha", "beta", "bias", "size");
  }

  /** With frozen statistics: a factor and a summand for each channel. */
  private static final class BatchNormalisation implements Converter {
    @Override
    public void convert(Operation norm, Emitter emitter) throws IOException {
      Tensor x = emitter.tensor(norm.value(0));
      int width = Math.toIntExact(x.shape()[1]);
      for (int i = 1; i <= 4; i++) {
        if (norm.constant(i).size() != width) {
          throw new UnsupportedGraphException(
              norm + " has a scale or bias that is not one value per channel");
        }
      }
      long[] lying = new long[x.rank() - x.place(1)];
      Arrays.fill(lying, 1);
      lying[0] = width;
      SDVariable scale =
          emitter.parameter(norm, "scale", Role.SCALE, () -> Recipe.of(scales(norm)), lying);
      SDVariable shift =
          emitter.parameter(norm, "shift", Role.SHIFT, () -> Recipe.of(shifts(norm)), lying);
      emitter.putLike(norm, x.variable().mul(scale).add(shift), x);
    }

    private static double[] scales(Operation norm) throws IOException {
      double[] scale = norm.constant(1).values();
      double[] variance = norm.constant(4).values();
      double eps = norm.node().real("epsilon", 1e-5);
      for (int i = 0; i < scale.length; i++) {
        scale[i] /= Math.sqrt(variance[i] + eps);
      }
      return scale;
    }

    private static double[] shifts(Operation norm) throws IOException {
      double[] scale = scales(norm);
      double[] shift = norm.constant(2).values();
      double[] mean = norm.constant(3).values();
      for (int i = 0; i < scale.length; i++) {
        shift[i] -= mean[i] * scale[i];
      }
      return shift;
    }
  }

  /**
   * (x − mean) / √(var + eps) · weight + bias over the axes from one on, see {@link Fusion#NORM};
   * of the RMS form without mean and bias. Means are products with a column of 1/D: the library's
   * reductions of rows take six times as long.
   */
  private static final class LayerNormalisation implements Converter {
    @Override
    public void convert(Operation norm, Emitter emitter) throws IOException {
      boolean fused = norm.is(Fusion.NORM);
      if (norm.outputs().size() > 1) {
        throw new UnsupportedGraphException(norm + " returns its statistics");
      }
      Tensor x = emitter.tensor(norm.value(0));
      long[] shape = x.shape();
      int axis = Movement.axis(fused ? -1 : norm.node().integer("axis", -1), x.rank());
      int width = 1;
      for (int i = axis; i < shape.length; i++) {
        width *= Math.toIntExact(shape[i]);
      }
      if (axis <= x.batch()) {
        throw new UnsupportedGraphException(norm + " mixes the images of a batch");
      }
      double eps = fused ? norm.constant(3).scalar() : norm.node().real("epsilon", (double) 1e-5f);
      double[] shares = Constant.room(width);
      Arrays.fill(shares, 1.0 / width);
      SDVariable average = emitter.numbers(norm, "average", shares, width, 1);
      boolean several = axis < shape.length - 1;
      Tensor plain = several ? emitter.arrange(x, Tensor.plain(x.rank())) : x;
      Emitter.Rows rows =
          several
              ? new Emitter.Rows(
                  emitter.graph().reshape(plain.variable(), -1, width), plain.order(), x.batch())
              : emitter.rows(x, norm);
      SameDiff graph = emitter.graph();
      SDVariable centred =
          norm.is("RMSNormalization")
              ? rows.matrix()
              : rows.matrix().sub(graph.mmul(rows.matrix(), average));
      SDVariable variance = graph.mmul(centred.mul(centred), average);
      SDVariable y = centred.mul(graph.math().rsqrt(variance.add(eps)));
      Constant weight = whole(norm.constant(1), shape, axis);
      y = y.mul(emitter.parameter(norm, "weight", Role.SCALE, () -> Recipe.of(weight), width));
      if (norm.input(2) != null) {
        Constant bias = whole(norm.constant(2), shape, axis);
        y = y.add(emitter.parameter(norm, "bias", Role.SHIFT, () -> Recipe.of(bias), width));
      }
      if (several) {
        SDVariable lying = graph.reshape(y, Emitter.sizes(shape, plain.order(), x.batch()));
        emitter.putLike(norm, lying, plain);
      } else {
        emitter.putRows(norm, y, rows);
      }
    }

    /** A constant as it is broadcast over the axes that are normalised. */
    private static Constant whole(Constant constant, long[] shape, int axis) {
      return constant.broadcast(Arrays.copyOfRange(shape, axis, shape.length));
    }
  }

  private static void instance(Operation norm, Emitter emitter) throws IOException {
    Tensor x = emitter.tensor(norm.value(0));
    SDVariable normed = normalised(norm, x, emitter.graph(), 2, norm.node().real("epsilon", 1e-5));
    emitter.putLike(norm, affine(norm, x, normed, emitter), x);
  }

  /** Weights are for each channel from operator set 21 on. */
  private static void group(Operation norm, Emitter emitter) throws IOException {
    Tensor x = emitter.tensor(norm.value(0));
    long[] shape = x.shape();
    long groups = norm.node().integer("num_groups", 0);
    if (groups < 1 || shape[1] % groups != 0) {
      throw new UnsupportedGraphException(
          norm + " has channels that cannot be divided into its groups");
    }
    long values = Constant.count(Arrays.copyOfRange(shape, 1, shape.length)) / groups;
    Tensor grouped = emitter.reshape(x, new long[] {shape[0], groups, values}, norm);
    SDVariable normed =
        normalised(norm, grouped, emitter.graph(), 2, norm.node().real("epsilon", 1e-5));
    Tensor back =
        emitter.reshape(
            new Tensor(normed, grouped.shape(), grouped.order(), grouped.batch()), shape, norm);
    emitter.putLike(norm, affine(norm, back, back.variable(), emitter), back);
  }

  /** (x − mean) / √(var + eps) over all axes from one on. */
  private static SDVariable normalised(
      Operation norm, Tensor x, SameDiff graph, int from, double eps) {
    if (!x.batchFirst() || x.rank() <= from) {
      throw new UnsupportedGraphException(norm + " normalises across images");
    }
    int[] places = IntStream.range(from, x.rank()).map(x::place).sorted().toArray();
    SDVariable centred = x.variable().sub(graph.mean(x.variable(), true, places));
    SDVariable variance = graph.mean(centred.mul(centred), true, places);
    return centred.mul(graph.math().rsqrt(variance.add(eps)));
  }

  /** A factor and a summand for each channel. */
  private static SDVariable affine(
      Operation norm, Tensor layout, SDVariable normed, Emitter emitter) throws IOException {
    int width = Math.toIntExact(layout.shape()[1]);
    if (norm.constant(1).size() != width || norm.constant(2).size() != width) {
      throw new UnsupportedGraphException(
          norm + " has a scale or bias that is not one value per channel");
    }
    long[] lying = new long[layout.rank() - layout.place(1)];
    Arrays.fill(lying, 1);
    lying[0] = width;
    SDVariable scale =
        emitter.parameter(norm, "scale", Role.SCALE, () -> Recipe.of(norm.constant(1)), lying);
    SDVariable shift =
        emitter.parameter(norm, "shift", Role.SHIFT, () -> Recipe.of(norm.constant(2)), lying);
    return normed.mul(scale).add(shift);
  }

  /** x / (bias + α/size · Σ of neighbouring channels' squares)^β; the sum is a product. */
  private static void localResponse(Operation norm, Emitter emitter) {
    Tensor x = emitter.tensor(norm.value(0));
    int size = Math.toIntExact(norm.node().integer("size", 1));
    double alpha = norm.node().real("alpha", 1e-4);
    double beta = norm.node().real("beta", 0.75);
    double bias = norm.node().real("bias", 1);
    if (!x.batchFirst() || x.rank() < 3 || size < 1) {
      throw new UnsupportedGraphException(norm + " has an input that is not a batch of images");
    }
    int width = Math.toIntExact(x.shape()[1]);
    double[] near = Constant.room(width, width);
    for (int from = 0; from < width; from++) {
      for (int to = 0; to < width; to++) {
        // Channel `to` reads from floor((size − 1)/2) before it to ceil((size − 1)/2) after it.
        if (from >= to - (size - 1) / 2 && from <= to + size / 2) {
          near[from * width + to] = alpha / size;
        }
      }
    }
    int[] order = Tensor.channelsLast(x.rank());
    SDVariable images = emitter.arrange(x, order).variable();
    SameDiff graph = emitter.graph();
    SDVariable rows = graph.reshape(images, -1, width);
    SDVariable sums =
        graph.mmul(rows.mul(rows), emitter.numbers(norm, "near", near, width, width)).add(bias);
    SDVariable y = rows.mul(sums.pow(-beta));
    emitter.put(norm, graph.reshape(y, Emitter.sizes(x.shape(), order, 0)), order, 0);
  }
}
