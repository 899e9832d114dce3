package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.ttame.backbones.graph.ImportedLayers.Role;
import org.ttame.core.Text;

/** Products of rows and a weight; the others are {@link Contractions}. */
final class Products {
  private Products() {}

  static void register(ConverterRegistry registry) {
    registry.add("Gemm", 7, new Gemm(), "alpha", "beta", "transA", "transB");
    registry.add(Fusion.LINEAR, 1, new Linear());
  }

  /** Rows times a weight, plus a bias; see {@link Fusion#LINEAR}. */
  private static final class Linear implements Converter {
    @Override
    public void convert(Operation linear, Emitter emitter) throws IOException {
      Constant weight = linear.constant(1);
      Constant bias = linear.input(2) == null ? null : linear.constant(2);
      write(linear, emitter, () -> Recipe.of(weight), weight.shape()[1], bias);
    }

    /** Writes the product over the last axis, whatever the order of the others. */
    static void write(
        Operation operation, Emitter emitter, Emitter.Weight weight, long out, Constant bias)
        throws IOException {
      Tensor x = emitter.tensor(operation.value(0));
      Emitter.Rows rows = emitter.rows(x, operation);
      long in = x.shape()[x.rank() - 1];
      SDVariable weights = emitter.parameter(operation, "weight", Role.WEIGHT, weight, in, out);
      SDVariable y = emitter.graph().mmul(rows.matrix(), weights);
      if (bias != null) {
        y = y.add(emitter.parameter(operation, "bias", Role.BIAS, () -> Recipe.of(bias), out));
      }
      emitter.putRows(operation, y, rows);
    }
  }

  /** Those that {@link Fusion} leaves: with factors. */
  private static final class Gemm implements Converter {
    @Override
    public List<long[]> shapes(OnnxNode node, List<Operand> inputs) throws IOException {
      if (inputs.get(0).shape().length != 2 || inputs.get(1).shape().length != 2) {
        throw new UnsupportedGraphException(
            Text.format("Gemm node \"%s\" does not multiply matrices", node.displayName()));
      }
      return Converter.super.shapes(node, inputs);
    }

    @Override
    public void convert(Operation gemm, Emitter emitter) throws IOException {
      OnnxNode node = gemm.node();
      Value x = gemm.value(0);
      Constant weight = gemm.constant(1);
      if (node.integer("transA", 0) == 1) {
        throw new UnsupportedGraphException(gemm + " transposes the images of a batch");
      }
      Constant oriented = node.integer("transB", 0) == 1 ? weight.transpose(1, 0) : weight;
      if (x.shape()[1] != oriented.shape()[0]) {
        throw new UnsupportedGraphException(gemm + " has a weight of another size than its input");
      }
      long out = oriented.shape()[1];
      double alpha = node.real("alpha", 1);
      double beta = node.real("beta", 1);
      Constant bias = gemm.input(2) == null ? null : scaled(gemm, beta, out);
      Linear.write(gemm, emitter, () -> new Recipe(oriented, null, alpha), out, bias);
    }

    private static Constant scaled(Operation gemm, double beta, long out) throws IOException {
      Constant bias = gemm.constant(2);
      long[] shape = bias.shape();
      boolean row = shape.length < 2 || shape[0] == 1;
      boolean fits = bias.size() == 1 || (shape.length > 0 && shape[shape.length - 1] == out);
      if (!row || !fits || beta != 1) {
        throw new UnsupportedGraphException(gemm + " adds something that is no bias");
      }
      return bias.reshape(bias.size()).broadcast(out);
    }
  }
}
