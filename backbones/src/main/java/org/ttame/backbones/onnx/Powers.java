package org.ttame.backbones.onnx;

import java.io.IOException;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/** Powers and reciprocals. */
final class Powers {
  private Powers() {}

  static void register(ConverterRegistry registry) {
    registry.add("Reciprocal", 6, Powers::reciprocal);
    registry.add("Pow", 7, Powers::pow);
  }

  private static void reciprocal(Operation operation, Emitter emitter) {
    Tensor x = emitter.tensor(operation.value(0));
    emitter.putLike(operation, x.variable().rdiv(1.0), x);
  }

  /** By a known number, or by others. */
  private static void pow(Operation pow, Emitter emitter) throws IOException {
    if (pow.input(0) instanceof Value base
        && pow.input(1) instanceof Constant exponent
        && exponent.size() == 1
        && exponent.shape().length <= base.rank()) {
      Tensor x = emitter.tensor(base);
      emitter.putLike(pow, power(emitter.graph(), x.variable(), exponent.scalar()), x);
      return;
    }
    Elementwise.Broadcast pair = Elementwise.Broadcast.of(pow, emitter);
    SDVariable y = emitter.graph().math().pow(pair.operand(0), pair.operand(1));
    emitter.put(pow, y, pair.order(), pair.batch());
  }

  private static SDVariable power(SameDiff graph, SDVariable x, double exponent) {
    if (exponent == 2) {
      return x.mul(x);
    }
    if (exponent == 0.5) {
      return graph.math().sqrt(x);
    }
    if (exponent == -1) {
      return x.rdiv(1.0);
    }
    return exponent == 3 ? x.mul(x).mul(x) : graph.math().pow(x, exponent);
  }
}
