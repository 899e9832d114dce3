package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.Arrays;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.ttame.backbones.graph.ImportedLayers.Role;

/** Normalisations, and softmax. */
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
    registry.add(Fusion.NORM, 1, new LayerNormalisation());
    registry.add("Softmax", 1, Normalisations::softmax, "axis");
  }

  /** With frozen statistics: a factor and a summand for each channel. */
  private static final class BatchNormalisation implements Converter {
    @Override
    public void convert(Operation norm, Emitter emitter) throws IOException {
      OnnxNode node = norm.node();
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
   * (x − mean) / √(var + eps) · weight + bias over the last axis, see {@link Fusion#NORM}. Means
   * are products with a column of 1/D: the library's reductions of rows take six times as long.
   */
  private static final class LayerNormalisation implements Converter {
    @Override
    public void convert(Operation norm, Emitter emitter) throws IOException {
      if (!norm.is(Fusion.NORM)) {
        throw new UnsupportedGraphException(norm + " normalises over more than the last axis");
      }
      Tensor x = emitter.tensor(norm.value(0));
      int width = Math.toIntExact(x.shape()[x.rank() - 1]);
      double[] shares = new double[width];
      Arrays.fill(shares, 1.0 / width);
      SDVariable average = emitter.numbers(norm, "average", shares, width, 1);
      Emitter.Rows rows = emitter.rows(x, norm);
      SameDiff graph = emitter.graph();
      SDVariable centred = rows.matrix().sub(graph.mmul(rows.matrix(), average));
      SDVariable variance = graph.mmul(centred.mul(centred), average);
      SDVariable scale = graph.math().rsqrt(variance.add(norm.constant(3).scalar()));
      SDVariable weight =
          emitter.parameter(norm, "weight", Role.SCALE, () -> Recipe.of(norm.constant(1)), width);
      SDVariable bias =
          emitter.parameter(norm, "bias", Role.SHIFT, () -> Recipe.of(norm.constant(2)), width);
      emitter.putRows(norm, centred.mul(scale).mul(weight).add(bias), rows);
    }
  }

  /** Along one axis, which is written out; see {@link Attributes#alongOneAxis}. */
  private static void softmax(Operation softmax, Emitter emitter) {
    Tensor x = emitter.tensor(softmax.value(0));
    int axis = Movement.axis(softmax.node().integer("axis", -1), x.rank());
    if (axis == x.batch()) {
      throw new UnsupportedGraphException(softmax + " mixes the images of a batch");
    }
    emitter.putLike(softmax, emitter.graph().nn().softmax(x.variable(), x.place(axis)), x);
  }
}
