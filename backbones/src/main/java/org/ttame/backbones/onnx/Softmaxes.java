package org.ttame.backbones.onnx;

import java.util.stream.IntStream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * Softmax and its logarithm along one axis, which is written out; see {@link
 * Attributes#alongOneAxis}.
 */
final class Softmaxes {
  private Softmaxes() {}

  static void register(ConverterRegistry registry) {
    for (String type : new String[] {"Softmax", "LogSoftmax"}) {
      registry.add(type, 1, Softmaxes::convert, "axis");
    }
  }

  private static void convert(Operation softmax, Emitter emitter) {
    Tensor x = emitter.tensor(softmax.value(0));
    int axis = Movement.axis(softmax.node().integer("axis", -1), x.rank());
    if (axis == x.batch()) {
      throw new UnsupportedGraphException(softmax + " mixes the images of a batch");
    }
    int[] order =
        IntStream.concat(IntStream.of(x.order()).filter(other -> other != axis), IntStream.of(axis))
            .toArray();
    Tensor last = emitter.arrange(x, order);
    SDVariable y = softmax(softmax, emitter.graph(), last.variable(), x.rank() - 1);
    emitter.putLike(softmax, y, last);
  }

  private static SDVariable softmax(Operation operation, SameDiff graph, SDVariable x, int axis) {
    if (operation.is("Softmax")) {
      return graph.nn().softmax(x, axis);
    }
    // The library's logSoftmax loses its axis on the way to a gradient.
    SDVariable shifted = x.sub(graph.max(x, true, axis));
    return shifted.sub(graph.math().log(graph.sum(graph.math().exp(shifted), true, axis)));
  }
}
