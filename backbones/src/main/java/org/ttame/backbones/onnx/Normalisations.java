package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.Arrays;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.ttame.backbones.graph.ImportedLayers.Role;

/** Normalisations. */
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
  }

  /** With frozen statistics: a factor and a summand for each channel. */
  private static final class BatchNormalisation implements Converter {
    @Override
    public void convert(Operation norm, Emitter emitter) throws IOException {
      Tensor x = emitter.tensor(norm.value(0));
      int width = Math.toIntExact(x.shape()[1]);
      for (int i = 1; i <= 4; i++) {
        if (norm.constant(i).size() != width) {
          throw new UnsupportedGraphException(norm + " has no value for each channel");
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
        throw new UnsupportedGraphException(norm + " hands out its statistics");
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
}
