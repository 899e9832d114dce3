package org.ttame.backbones.onnx;

import static org.ttame.backbones.onnx.Elementwise.unary;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * Activation functions that ND4J has none of, or wrong ones. Composed of ReLU, whose gradient is
 * right and fast: min(x, 0) is −relu(−x), |x| is relu(x) + relu(−x). Softmax and its logarithm go
 * along one axis, which is written out; see {@link Attributes#alongOneAxis}.
 */
final class Activations {
  private Activations() {}

  static void register(ConverterRegistry registry) {
    registry.add(
        "LeakyRelu", 6, unary((g, x, node) -> leaky(x, node.real("alpha", 0.01))), "alpha");
    registry.add("PRelu", 7, new LearnedSlope());
    registry.add("Elu", 6, unary((g, x, node) -> elu(x, node.real("alpha", 1), 1)), "alpha");
    registry.add(
        "Selu",
        6,
        unary(
            (g, x, node) ->
                elu(x, node.real("alpha", 1.6732631921768188), 1)
                    .mul(node.real("gamma", 1.0507010221481323))),
        "alpha",
        "gamma");
    registry.add(
        "Celu",
        12,
        unary((g, x, node) -> elu(x, node.real("alpha", 1), node.real("alpha", 1))),
        "alpha");
    registry.add("Tanh", 1, Activations::tanh, "consumed_inputs");
    registry.add("Softplus", 1, unary((g, x, node) -> softplus(x)));
    registry.add("Softsign", 1, unary((g, x, node) -> x.div(absolute(x).add(1))));
    registry.add("Mish", 18, unary((g, x, node) -> x.mul(softplusTanh(x))));
    registry.add(
        "Swish",
        24,
        unary((g, x, node) -> x.mul(g.nn().sigmoid(x.mul(node.real("alpha", 1))))),
        "alpha");
    registry.add(
        "ThresholdedRelu",
        10,
        unary((g, x, node) -> x.mul(Choices.number(x.gt(node.real("alpha", 1)), x))),
        "alpha");
    registry.add("Abs", 6, unary((g, x, node) -> absolute(x)));
    registry.add("Log", 6, unary((g, x, node) -> g.math().log(x)));
    for (String type : new String[] {"Softmax", "LogSoftmax"}) {
      registry.add(type, 1, Activations::convert, "axis");
    }
  }

  private static SDVariable relu(SDVariable x) {
    return x.getSameDiff().nn().relu(x, 0);
  }

  /** −min(x, 0). */
  private static SDVariable negativePart(SDVariable x) {
    return relu(x.neg());
  }

  private static SDVariable absolute(SDVariable x) {
    return relu(x).add(negativePart(x));
  }

  private static SDVariable leaky(SDVariable x, double slope) {
    return relu(x).sub(negativePart(x).mul(slope));
  }

  /** x above 0, α·(exp(x/β) − 1) below. */
  private static SDVariable elu(SDVariable x, double alpha, double beta) {
    SDVariable low = x.getSameDiff().math().exp(negativePart(x).mul(-1 / beta));
    return relu(x).add(low.sub(1).mul(alpha));
  }

  /** log(1 + exp(x)) without overflow. */
  private static SDVariable softplus(SDVariable x) {
    SameDiff graph = x.getSameDiff();
    return relu(x).add(graph.math().log1p(graph.math().exp(absolute(x).neg())));
  }

  /** Of a softplus as in {@link #softplusTanh}: older operator sets write Mish in steps. */
  private static void tanh(Operation tanh, Emitter emitter) {
    Operation inner = tanh.value(0).producer();
    boolean mish = inner != null && inner.is("Softplus") && emitter.has(inner.value(0));
    Tensor x = emitter.tensor(mish ? inner.value(0) : tanh.value(0));
    SDVariable y = mish ? softplusTanh(x.variable()) : emitter.graph().nn().tanh(x.variable());
    emitter.putLike(tanh, y, x);
  }

  /**
   * tanh(log(1 + exp(x))), a quotient of exponentials: the library's tanh has no relative accuracy
   * near zero. With u = exp(−|x|) it is (1 + 2u) / (1 + 2u + 2u²) above 0, (u² + 2u) / (u² + 2u +
   * 2) below.
   */
  private static SDVariable softplusTanh(SDVariable x) {
    SDVariable u = x.getSameDiff().math().exp(absolute(x).neg());
    SDVariable square = u.mul(u);
    SDVariable above = Choices.number(x.gt(0), x);
    SDVariable below = above.rsub(1.0);
    SDVariable numerator = u.mul(2).add(above).add(below.mul(square));
    SDVariable rest = above.mul(square).add(below).mul(2);
    return numerator.div(numerator.add(rest));
  }

  /** A slope for each channel, or of any shape that fits the input's. */
  private static final class LearnedSlope implements Converter {
    @Override
    public void convert(Operation prelu, Emitter emitter) throws IOException {
      Elementwise.Broadcast broadcast = Elementwise.Broadcast.of(prelu, emitter);
      SDVariable x = broadcast.operand(0);
      SDVariable y = relu(x).sub(negativePart(x).mul(broadcast.operand(1)));
      emitter.put(prelu, y, broadcast.order(), broadcast.batch());
    }

    @Override
    public List<long[]> shapes(OnnxNode node, List<Operand> inputs) {
      if (!(inputs.get(1) instanceof Constant)) {
        throw new UnsupportedGraphException(
            "PRelu node \"" + node.displayName() + "\" has a slope that is not constant");
      }
      long[] shape = inputs.get(0).shape();
      if (!Arrays.equals(Shapes.broadcast(shape, inputs.get(1).shape()), shape)) {
        throw new UnsupportedGraphException(
            "PRelu node \"" + node.displayName() + "\" has a slope that does not fit its input");
      }
      return List.of(inputs.get(0).shape());
    }
  }

  private static void convert(Operation softmax, Emitter emitter) {
    Tensor x = emitter.tensor(softmax.value(0));
    int axis = Movement.axis(softmax.node().integer("axis", -1), x.rank());
    Tensor last = emitter.axisLast(x, axis, softmax);
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
