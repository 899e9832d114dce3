package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleBinaryOperator;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.ttame.core.Text;

/** Operators that pick, place, repeat or mask elements of constants. */
final class ConstantIndexing {
  private ConstantIndexing() {}

  /** Evaluates a node, or returns null where its operator is none of these. */
  static Constant evaluate(OnnxNode node, List<Constant> inputs) throws IOException {
    Constant first = inputs.isEmpty() ? null : inputs.get(0);
    return switch (node.type()) {
      case "GatherElements" -> gatherElements(node, first, inputs.get(1));
      case "GatherND" -> gatherNd(node, first, inputs.get(1));
      case "ScatterElements", "Scatter" -> scatterElements(node, inputs);
      case "ScatterND" -> scatterNd(node, inputs);
      case "OneHot" -> oneHot(node, inputs);
      case "NonZero" -> nonZero(first);
      case "Trilu" -> triangle(node, inputs);
      case "Tile" -> tile(first, inputs.get(1).integers());
      case "Pad" -> pad(node, inputs);
      case "DepthToSpace" -> depthToSpace(node, first);
      case "SpaceToDepth" -> spaceToDepth(node, first);
      default -> null;
    };
  }

  /** An index into an axis, from its end where negative. */
  private static int within(double index, long size, OnnxNode node) {
    long at = (long) index + (index < 0 ? size : 0);
    if (at < 0 || at >= size) {
      throw new UnsupportedGraphException(
          Text.format(
              "%s node \"%s\" reads index %d of %d",
              node.type(), node.displayName(), (long) index, size));
    }
    return (int) at;
  }

  /** For each element of the indices, its own position in the data with one axis replaced. */
  private static int[] positions(OnnxNode node, Constant data, Constant indices)
      throws IOException {
    long[] shape = data.shape();
    int axis = Movement.axis(node.integer("axis", 0), shape.length);
    long[] strides = Constant.rowMajor(shape);
    double[] wanted = indices.values();
    long[] own = Constant.rowMajor(indices.shape());
    int[] result = new int[wanted.length];
    for (int i = 0; i < wanted.length; i++) {
      long at = 0;
      for (int k = 0; k < shape.length; k++) {
        long index = i / own[k] % indices.shape()[k];
        at +=
            (k == axis
                    ? within(wanted[i], shape[axis], node)
                    : within((double) index, shape[k], node))
                * strides[k];
      }
      result[i] = (int) at;
    }
    return result;
  }

  private static Constant gatherElements(OnnxNode node, Constant data, Constant indices)
      throws IOException {
    double[] values = data.values();
    int[] positions = positions(node, data, indices);
    double[] result = Constant.room(indices.shape());
    Arrays.setAll(result, i -> values[positions[i]]);
    return Constant.computed(result, data.type(), indices.shape());
  }

  private static Constant scatterElements(OnnxNode node, List<Constant> inputs) throws IOException {
    Constant data = inputs.get(0);
    double[] values = data.values();
    double[] updates = inputs.get(2).values();
    int[] positions = positions(node, data, inputs.get(1));
    DoubleBinaryOperator reduction = reduction(node);
    for (int i = 0; i < positions.length; i++) {
      values[positions[i]] = reduction.applyAsDouble(values[positions[i]], updates[i]);
    }
    return Constant.computed(values, data.type(), data.shape());
  }

  private static DoubleBinaryOperator reduction(OnnxNode node) {
    String name = node.text("reduction", "none");
    return switch (name) {
      case "none", "" -> (old, update) -> update;
      case "add" -> Double::sum;
      case "mul" -> (old, update) -> old * update;
      case "max" -> Math::max;
      case "min" -> Math::min;
      default ->
          throw new UnsupportedGraphException(
              Text.format(
                  "%s node \"%s\" has reduction = %s", node.type(), node.displayName(), name));
    };
  }

  /** For each row of the last axis of the indices, where the block that it names begins. */
  private static int[] blocks(OnnxNode node, long[] shape, Constant indices, int batch)
      throws IOException {
    long[] indexShape = indices.shape();
    int depth = (int) indexShape[indexShape.length - 1];
    long[] strides = Constant.rowMajor(shape);
    double[] wanted = indices.values();
    int rows = depth == 0 ? 1 : wanted.length / depth;
    int perBatch = rows / (int) Constant.count(Arrays.copyOf(shape, batch));
    int[] result = new int[rows];
    for (int row = 0; row < rows; row++) {
      long at = batch == 0 ? 0 : row / perBatch * strides[batch - 1];
      for (int k = 0; k < depth; k++) {
        at += within(wanted[row * depth + k], shape[batch + k], node) * strides[batch + k];
      }
      result[row] = (int) at;
    }
    return result;
  }

  private static Constant gatherNd(OnnxNode node, Constant data, Constant indices)
      throws IOException {
    int batch = (int) node.integer("batch_dims", 0);
    long[] shape = data.shape();
    long[] indexShape = indices.shape();
    int depth = batch + (int) indexShape[indexShape.length - 1];
    long[] inner = Arrays.copyOfRange(shape, depth, shape.length);
    int size = (int) Constant.count(inner);
    int[] blocks = blocks(node, shape, indices, batch);
    long[] resultShape =
        LongStream.concat(
                LongStream.of(indexShape).limit(indexShape.length - 1L), LongStream.of(inner))
            .toArray();
    double[] values = data.values();
    double[] result = Constant.room(resultShape);
    for (int i = 0; i < blocks.length; i++) {
      System.arraycopy(values, blocks[i], result, i * size, size);
    }
    return Constant.computed(result, data.type(), resultShape);
  }

  private static Constant scatterNd(OnnxNode node, List<Constant> inputs) throws IOException {
    Constant data = inputs.get(0);
    long[] shape = data.shape();
    long[] indexShape = inputs.get(1).shape();
    int depth = (int) indexShape[indexShape.length - 1];
    int size = (int) Constant.count(Arrays.copyOfRange(shape, depth, shape.length));
    int[] blocks = blocks(node, shape, inputs.get(1), 0);
    DoubleBinaryOperator reduction = reduction(node);
    double[] values = data.values();
    double[] updates = inputs.get(2).values();
    for (int i = 0; i < blocks.length; i++) {
      for (int j = 0; j < size; j++) {
        int at = blocks[i] + j;
        values[at] = reduction.applyAsDouble(values[at], updates[i * size + j]);
      }
    }
    return Constant.computed(values, data.type(), shape);
  }

  private static Constant oneHot(OnnxNode node, List<Constant> inputs) throws IOException {
    Constant indices = inputs.get(0);
    long depth = (long) inputs.get(1).scalar();
    double[] offAndOn = inputs.get(2).values();
    long[] shape = indices.shape();
    int axis = Movement.axis(node.integer("axis", -1), shape.length + 1);
    long inner = Constant.count(Arrays.copyOfRange(shape, axis, shape.length));
    double[] wanted = indices.values();
    long[] resultShape =
        LongStream.concat(
                LongStream.concat(LongStream.of(shape).limit(axis), LongStream.of(depth)),
                LongStream.of(shape).skip(axis))
            .toArray();
    double[] result = Constant.room(resultShape);
    Arrays.fill(result, offAndOn[0]);
    for (int i = 0; i < wanted.length; i++) {
      // An index that is out of range sets nothing.
      long index = (long) wanted[i] + (wanted[i] < 0 ? depth : 0);
      if (index >= 0 && index < depth) {
        result[(int) ((i / inner * depth + index) * inner + i % inner)] = offAndOn[1];
      }
    }
    return Constant.computed(result, inputs.get(2).type(), resultShape);
  }

  private static Constant nonZero(Constant input) throws IOException {
    double[] values = input.values();
    long[] shape = input.shape();
    long[] strides = Constant.rowMajor(shape);
    int[] found = IntStream.range(0, values.length).filter(i -> values[i] != 0).toArray();
    double[] result = Constant.room(shape.length, found.length);
    for (int axis = 0; axis < shape.length; axis++) {
      for (int i = 0; i < found.length; i++) {
        result[axis * found.length + i] = found[i] / strides[axis] % shape[axis];
      }
    }
    return Constant.computed(result, ElementType.INT64, shape.length, found.length);
  }

  private static Constant triangle(OnnxNode node, List<Constant> inputs) throws IOException {
    Constant input = inputs.get(0);
    long shift = inputs.size() > 1 && inputs.get(1) != null ? (long) inputs.get(1).scalar() : 0;
    boolean upper = node.integer("upper", 1) != 0;
    long[] shape = input.shape();
    int columns = (int) shape[shape.length - 1];
    int rows = (int) shape[shape.length - 2];
    double[] values = input.values();
    for (int i = 0; i < values.length; i++) {
      long above = i % columns - (long) (i / columns % rows) - shift;
      if (upper ? above < 0 : above > 0) {
        values[i] = 0;
      }
    }
    return Constant.computed(values, input.type(), shape);
  }

  private static Constant tile(Constant input, long[] repeats) throws IOException {
    Constant result = input;
    for (int axis = 0; axis < repeats.length; axis++) {
      long size = input.shape()[axis];
      if (repeats[axis] != 1) {
        Constant.room(size, repeats[axis]);
        result =
            result.pick(
                axis, LongStream.range(0, size * repeats[axis]).map(i -> i % size).toArray());
      }
    }
    return result;
  }

  private static Constant pad(OnnxNode node, List<Constant> inputs) throws IOException {
    Constant result = inputs.get(0);
    int rank = result.shape().length;
    boolean asInput = inputs.size() > 1 && inputs.get(1) != null;
    long[] pads =
        asInput
            ? inputs.get(1).integers()
            : node.integers(node.has("paddings") ? "paddings" : "pads");
    double filler = node.real("value", 0);
    if (inputs.size() > 2 && inputs.get(2) != null) {
      filler = inputs.get(2).scalar();
    }
    int[] axes = IntStream.range(0, rank).toArray();
    if (inputs.size() > 3 && inputs.get(3) != null) {
      axes =
          LongStream.of(inputs.get(3).integers())
              .mapToInt(axis -> Movement.axis(axis, rank))
              .toArray();
    }
    String mode = node.text("mode", "constant");
    for (int i = 0; i < axes.length; i++) {
      long before = pads[i];
      long after = pads[axes.length + i];
      if (before == 0 && after == 0) {
        continue;
      }
      long size = result.shape()[axes[i]];
      Constant.room(Math.max(0, before + size + after));
      long[] from =
          LongStream.range(-before, size + after).map(at -> source(at, size, mode, node)).toArray();
      result = placed(result, axes[i], from, filler);
    }
    return result;
  }

  /** Where a padded axis takes a position from; −1 for the filler. */
  private static long source(long at, long size, String mode, OnnxNode node) {
    if (at >= 0 && at < size) {
      return at;
    }
    return switch (mode) {
      case "constant" -> -1;
      case "edge" -> at < 0 ? 0 : size - 1;
      case "wrap" -> Math.floorMod(at, size);
      case "reflect" -> {
        long period = Math.max(1, 2 * (size - 1));
        long folded = Math.floorMod(at, period);
        yield folded < size ? folded : period - folded;
      }
      default ->
          throw new UnsupportedGraphException(
              Text.format("Pad node \"%s\" has mode = %s", node.displayName(), mode));
    };
  }

  private static Constant placed(Constant data, int axis, long[] from, double filler)
      throws IOException {
    if (LongStream.of(from).noneMatch(i -> i < 0)) {
      return data.pick(axis, from);
    }
    // The filler is one more element of the axis.
    long[] shape = data.shape();
    long[] one = shape.clone();
    one[axis] = 1;
    double[] value = {filler};
    Constant fillers = Constant.computed(value, data.type()).broadcast(one);
    Constant longer = Arithmetic.concat(List.of(data, fillers), axis);
    return longer.pick(axis, LongStream.of(from).map(i -> i < 0 ? shape[axis] : i).toArray());
  }

  private static Constant depthToSpace(OnnxNode node, Constant input) throws IOException {
    long[] s = input.shape();
    long block = node.integer("blocksize", 1);
    long channels = s[1] / (block * block);
    boolean blocksFirst = node.text("mode", "DCR").equals("DCR");
    Constant split =
        blocksFirst
            ? input.reshape(s[0], block, block, channels, s[2], s[3]).transpose(0, 3, 4, 1, 5, 2)
            : input.reshape(s[0], channels, block, block, s[2], s[3]).transpose(0, 1, 4, 2, 5, 3);
    return split.reshape(s[0], channels, s[2] * block, s[3] * block);
  }

  private static Constant spaceToDepth(OnnxNode node, Constant input) throws IOException {
    long[] s = input.shape();
    long block = node.integer("blocksize", 1);
    boolean blocksFirst = node.text("mode", "DCR").equals("DCR");
    return input
        .reshape(s[0], s[1], s[2] / block, block, s[3] / block, block)
        .transpose(blocksFirst ? new int[] {0, 3, 5, 1, 2, 4} : new int[] {0, 1, 3, 5, 2, 4})
        .reshape(s[0], s[1] * block * block, s[2] / block, s[3] / block);
  }
}
