package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.Map;
import org.ttame.backbones.architecture.ConvShape;
import org.ttame.core.Text;

/** Steps along a graph that several families share. */
final class Chain {
  private Chain() {}

  /** The one operation that reads a value. */
  static Operation next(Value value) {
    if (value.consumers().size() != 1) {
      throw new UnsupportedGraphException(
          Text.format(
              "%d operations read \"%s\" where one is expected", value.consumers().size(), value));
    }
    return value.consumers().get(0);
  }

  /** Notes a convolution's weights, batch normalisation folded in, and returns its shape. */
  static ConvShape convolution(String layer, Operation conv, Map<String, Recipe> recipes)
      throws IOException {
    Constant weight = conv.constant(1);
    long[] shape = weight.shape();
    Window window = Window.of(conv.node(), shape[2], shape[3]);
    if (conv.node().integer("group", 1) != 1) {
      throw new UnsupportedGraphException(
          Text.format("%s has %d groups", conv, conv.node().integer("group", 1)));
    }
    if (!window.simple()) {
      throw new UnsupportedGraphException(conv + " is not square and evenly padded, or is dilated");
    }
    int channels = Math.toIntExact(shape[0]);
    double[] bias = conv.input(2) == null ? new double[channels] : conv.constant(2).values();
    double[] scale = conv.input(3) == null ? null : conv.constant(3).values();
    if (scale != null) {
      double[] shift = conv.constant(4).values();
      for (int i = 0; i < channels; i++) {
        bias[i] = bias[i] * scale[i] + shift[i];
      }
    }
    recipes.put(layer + ".weight", new Recipe(weight.transpose(2, 3, 1, 0), scale, 1));
    recipes.put(layer + ".bias", Recipe.of(bias));
    return new ConvShape(
        Math.toIntExact(shape[1]), channels, window.kernel(), window.stride(), window.padding());
  }

  /** Notes a linear layer's weights and returns the number of its outputs. */
  static int linear(String layer, Operation linear, Map<String, Recipe> recipes)
      throws IOException {
    return linear(layer, linear, linear.constant(1), recipes);
  }

  /** As above, its weight seen in another order of inputs: {@code [in, …, out]}. */
  static int linear(String layer, Operation linear, Constant weight, Map<String, Recipe> recipes)
      throws IOException {
    int out = Math.toIntExact(linear.constant(1).shape()[1]);
    recipes.put(layer + ".weight", Recipe.of(weight));
    recipes.put(layer + ".bias", Recipe.of(bias(linear, out)));
    return out;
  }

  static double[] bias(Operation linear, int out) throws IOException {
    return linear.input(2) == null ? new double[out] : linear.constant(2).values();
  }

  /**
   * The linear layer that reads a map's or token's elements as rows, one for each image.
   *
   * @param from the value whose elements are flattened
   */
  static Operation linearAfter(Value from) {
    Value at = from;
    while (true) {
      Operation operation = next(at);
      if (operation.is(Fusion.LINEAR)) {
        return operation;
      }
      if (!Movement.moves(operation.type())) {
        throw new UnsupportedGraphException(
            Text.format("%s is found where a linear layer is expected", operation));
      }
      at = operation.output();
    }
  }

  static UnsupportedGraphException unexpected(Operation operation, String expected) {
    return new UnsupportedGraphException(
        Text.format("%s is found where %s is expected", operation, expected));
  }
}
