package org.ttame.backbones.onnx;

import java.io.IOException;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/** Powers, reciprocals, and the choice between a value and something else by a constant mask. */
final class Powers {
  private Powers() {}

  static void register(ConverterRegistry registry) {
    registry.add("Reciprocal", 6, Powers::reciprocal);
    registry.add("Pow", 7, Powers::pow);
    registry.add("Where", 9, Powers::where);
  }

  private static void reciprocal(Operation operation, Emitter emitter) {
    Tensor x = emitter.tensor(operation.value(0));
    emitter.putLike(operation, x.variable().rdiv(1.0), x);
  }

  /** By a known number. */
  private static void pow(Operation pow, Emitter emitter) throws IOException {
    Constant exponent = pow.constant(1);
    Tensor x = emitter.tensor(pow.value(0));
    if (exponent.size() != 1 || exponent.shape().length > x.rank()) {
      throw new UnsupportedGraphException(pow + " has more than one exponent");
    }
    emitter.putLike(pow, power(emitter.graph(), x.variable(), exponent.scalar()), x);
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

  /** mask·a + (1 − mask)·b: a constant where the image does not count, or two values. */
  private static void where(Operation where, Emitter emitter) throws IOException {
    Elementwise.Broadcast broadcast = Elementwise.Broadcast.of(where, emitter);
    SDVariable mask = broadcast.operand(0);
    if (!(where.input(0) instanceof Constant)) {
      throw new UnsupportedGraphException(where + " decides by the image");
    }
    SDVariable y = mask.mul(broadcast.operand(1)).add(mask.rsub(1.0).mul(broadcast.operand(2)));
    emitter.put(where, y, broadcast.order(), broadcast.batch());
  }
}
