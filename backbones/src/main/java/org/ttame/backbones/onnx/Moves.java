package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.ttame.backbones.graph.ImportedLayers.Role;

/** Operators that move values. */
final class Moves {
  private Moves() {}

  static void register(ConverterRegistry registry) {
    Converter reshape = Moves::reshape;
    registry.add("Reshape", 1, reshape, "shape", "allowzero", "consumed_inputs");
    registry.add("Flatten", 1, reshape, "axis");
    registry.add("Squeeze", 1, reshape, "axes");
    registry.add("Unsqueeze", 1, reshape, "axes");
    registry.add("Transpose", 1, Moves::transpose, "perm");
    registry.add("Concat", 4, Moves::concat, "axis");
  }

  private static void reshape(Operation reshape, Emitter emitter) {
    Tensor x = emitter.tensor(reshape.value(0));
    Tensor y = emitter.reshape(x, reshape.output().shape(), reshape);
    if (y.variable().name().equals(x.variable().name())) {
      emitter.alias(reshape.output(), y);
    } else {
      emitter.putLike(reshape, y.variable(), y);
    }
  }

  /** Changes the order of axes and nothing else. */
  private static void transpose(Operation transpose, Emitter emitter) {
    Tensor x = emitter.tensor(transpose.value(0));
    int[] permutation = Movement.permutation(transpose.node(), x.rank());
    emitter.alias(transpose.output(), transposed(x, permutation));
  }

  /** A tensor with its axes in another order in ONNX's sense; nothing moves. */
  static Tensor transposed(Tensor x, int... permutation) {
    long[] shape = x.shape();
    return new Tensor(
        x.variable(),
        IntStream.of(permutation).mapToLong(axis -> shape[axis]).toArray(),
        IntStream.of(x.order()).map(axis -> Tensor.place(permutation, axis)).toArray(),
        Tensor.place(permutation, x.batch()));
  }

  private static void concat(Operation concat, Emitter emitter) throws IOException {
    if (concat.inputs().size() == 1) {
      emitter.alias(concat.output(), emitter.tensor(concat.value(0)));
      return;
    }
    Tensor first = emitter.tensor(concat.values().get(0));
    int axis = Movement.axis(concat.node().integer("axis", 1), first.rank());
    for (Value value : concat.values()) {
      Tensor part = emitter.tensor(value);
      if (part.batch() != first.batch() || axis == part.batch()) {
        throw new UnsupportedGraphException(concat + " mixes the images of a batch");
      }
    }
    if (concat.values().size() < concat.inputs().size()) {
      withConstants(concat, emitter, first, axis);
      return;
    }
    SDVariable[] parts =
        concat.values().stream()
            .map(value -> emitter.arranged(value, first.order()))
            .toArray(SDVariable[]::new);
    emitter.putLike(concat, emitter.graph().concat(first.place(axis), parts), first);
  }

  /**
   * Constants, such as class tokens, are the same for every image. The values are laid among zeros,
   * where constants then are added.
   */
  private static void withConstants(Operation concat, Emitter emitter, Tensor first, int axis)
      throws IOException {
    long[] shape = concat.output().shape();
    SDVariable sum = null;
    List<Constant> constants = new ArrayList<>();
    List<Long> places = new ArrayList<>();
    long at = 0;
    for (Operand operand : concat.inputs()) {
      long length = operand.shape()[axis];
      if (operand instanceof Value value) {
        long[][] margins = new long[shape.length][2];
        margins[axis] = new long[] {at, shape[axis] - at - length};
        Tensor part = emitter.arrange(emitter.tensor(value), first.order());
        SDVariable padded = Picks.padded(concat, emitter, part, margins, 0);
        sum = sum == null ? padded : sum.add(padded);
      } else {
        Constant constant = (Constant) operand;
        constants.add(
            first.batch() == Tensor.NONE ? constant : constant.unrepeated(first.batch(), concat));
        places.add(at);
      }
      at += length;
    }
    if (first.batch() != Tensor.NONE) {
      shape[first.batch()] = 1;
    }
    int[] order = first.order();
    long[] lying = IntStream.of(order).mapToLong(i -> shape[i]).toArray();
    Emitter.Weight weight = () -> Recipe.of(laid(constants, places, axis, shape).transpose(order));
    emitter.putLike(
        concat, sum.add(emitter.parameter(concat, "constants", Role.FIXED, weight, lying)), first);
  }

  /** Constants at their places along an axis, zeros elsewhere. */
  private static Constant laid(List<Constant> constants, List<Long> places, int axis, long[] shape)
      throws IOException {
    int inner = Math.toIntExact(Constant.count(Arrays.copyOfRange(shape, axis + 1, shape.length)));
    int outer = Math.toIntExact(Constant.count(Arrays.copyOf(shape, axis)));
    int row = Math.toIntExact(shape[axis]) * inner;
    double[] all = Constant.room(outer, row);
    for (int i = 0; i < constants.size(); i++) {
      double[] values = constants.get(i).values();
      int part = values.length / outer;
      for (int r = 0; r < outer; r++) {
        System.arraycopy(
            values, r * part, all, r * row + Math.toIntExact(places.get(i)) * inner, part);
      }
    }
    return Constant.ofValues(all, false, shape);
  }
}
