package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.ttame.core.Text;

/**
 * The operators that only move elements: each is a change of view. Applied to weights they cost
 * nothing; applied to {@link Constant#positions} they tell where each element of a computed tensor
 * came from, whatever sequence of reshapes, transposes and slices an exporter chose.
 */
final class Movement {
  private static final Set<String> TYPES =
      Set.of(
          "Identity",
          "Reshape",
          "Flatten",
          "Transpose",
          "Squeeze",
          "Unsqueeze",
          "Slice",
          "Split",
          "Gather",
          "Expand");

  private Movement() {}

  static boolean moves(String type) {
    return TYPES.contains(type);
  }

  /**
   * Applies a node.
   *
   * @param data its first input
   * @param parameters all its inputs; from the second on constants
   * @return its outputs
   */
  static List<Constant> apply(OnnxNode node, Constant data, List<Operand> parameters)
      throws IOException {
    return switch (node.type()) {
      case "Identity" -> List.of(data);
      case "Reshape" -> List.of(data.reshape(reshaped(node, data.shape(), parameters)));
      case "Flatten" -> List.of(data.reshape(flattened(node, data.shape())));
      case "Transpose" -> List.of(data.transpose(permutation(node, data.shape().length)));
      case "Squeeze" -> List.of(data.reshape(squeezed(node, data.shape(), parameters)));
      case "Unsqueeze" -> List.of(data.reshape(unsqueezed(node, data.shape(), parameters)));
      case "Slice" -> List.of(slice(node, data, parameters));
      case "Split" -> split(node, data, parameters);
      case "Gather" -> List.of(gather(node, data, parameters));
      case "Expand" -> List.of(expand(node, data, parameters));
      default -> throw new IllegalArgumentException(node.type());
    };
  }

  /** Integers given as an attribute in old operator sets, as an input in new ones. */
  private static long[] integers(
      OnnxNode node, String attribute, List<Operand> parameters, int index) throws IOException {
    if (index < parameters.size() && parameters.get(index) != null) {
      if (parameters.get(index) instanceof Constant constant) {
        return constant.integers();
      }
      throw new UnsupportedGraphException(
          Text.format(
              "%s node \"%s\" has a shape that depends on the image's content",
              node.type(), node.displayName()));
    }
    return node.integers(attribute);
  }

  private static long[] reshaped(OnnxNode node, long[] shape, List<Operand> parameters)
      throws IOException {
    long[] target = integers(node, "shape", parameters, 1).clone();
    boolean keepZero = node.integer("allowzero", 0) != 0;
    long known = 1;
    int free = -1;
    for (int axis = 0; axis < target.length; axis++) {
      if (target[axis] == 0 && !keepZero) {
        target[axis] = shape[axis];
      }
      if (target[axis] == -1) {
        free = axis;
      } else {
        known *= target[axis];
      }
    }
    if (free >= 0) {
      target[free] = known == 0 ? 0 : Constant.count(shape) / known;
    }
    return target;
  }

  private static long[] flattened(OnnxNode node, long[] shape) {
    long given = node.integer("axis", 1);
    int axis = given == shape.length ? shape.length : axis(given, shape.length);
    return new long[] {
      Constant.count(Arrays.copyOf(shape, axis)),
      Constant.count(Arrays.copyOfRange(shape, axis, shape.length))
    };
  }

  static int[] permutation(OnnxNode node, int rank) {
    long[] given = node.integers("perm");
    if (given == null) {
      return IntStream.range(0, rank).map(i -> rank - 1 - i).toArray();
    }
    int[] permutation = LongStream.of(given).mapToInt(i -> axis(i, rank)).toArray();
    if (permutation.length != rank || IntStream.of(permutation).distinct().count() != rank) {
      throw new UnsupportedGraphException(
          Text.format(
              "Transpose node \"%s\" puts %d axes in the order %s",
              node.displayName(), rank, Arrays.toString(given)));
    }
    return permutation;
  }

  private static long[] squeezed(OnnxNode node, long[] shape, List<Operand> parameters)
      throws IOException {
    long[] axes = integers(node, "axes", parameters, 1);
    Set<Integer> dropped = new java.util.HashSet<>();
    if (axes == null) {
      IntStream.range(0, shape.length).filter(i -> shape[i] == 1).forEach(dropped::add);
    } else {
      LongStream.of(axes).forEach(i -> dropped.add(axis(i, shape.length)));
    }
    return IntStream.range(0, shape.length)
        .filter(i -> !dropped.contains(i))
        .mapToLong(i -> shape[i])
        .toArray();
  }

  private static long[] unsqueezed(OnnxNode node, long[] shape, List<Operand> parameters)
      throws IOException {
    long[] axes = integers(node, "axes", parameters, 1);
    int rank = shape.length + axes.length;
    long[] result = new long[rank];
    LongStream.of(axes).forEach(i -> result[axis(i, rank)] = 1);
    int from = 0;
    for (int i = 0; i < rank; i++) {
      if (result[i] == 0) {
        result[i] = shape[from++];
      }
    }
    return result;
  }

  private static Constant slice(OnnxNode node, Constant data, List<Operand> parameters)
      throws IOException {
    long[] starts = integers(node, "starts", parameters, 1);
    long[] ends = integers(node, "ends", parameters, 2);
    long[] axes = integers(node, "axes", parameters, 3);
    long[] steps = integers(node, "steps", parameters, 4);
    Constant result = data;
    for (int i = 0; i < starts.length; i++) {
      int axis = axis(axes == null ? i : axes[i], data.shape().length);
      long size = data.shape()[axis];
      long step = steps == null ? 1 : steps[i];
      if (step == 0) {
        throw new UnsupportedGraphException(
            Text.format("Slice node \"%s\" has a step of 0", node.displayName()));
      }
      if (step > 0) {
        long start = clamp(starts[i], size, 0);
        long end = clamp(ends[i], size, 0);
        result = result.slice(axis, start, Math.max(0, (end - start + step - 1) / step), step);
      } else {
        long start = Math.min(clamp(starts[i], size, 0), size - 1);
        long end = clamp(ends[i], size, -1);
        long length = end >= start ? 0 : (start - end - 1) / -step + 1;
        result =
            result.pick(axis, LongStream.range(0, length).map(k -> start + k * step).toArray());
      }
    }
    return result;
  }

  private static long clamp(long index, long size, long lowest) {
    long positive = index < 0 ? index + size : index;
    return Math.max(lowest, Math.min(size, positive));
  }

  private static List<Constant> split(OnnxNode node, Constant data, List<Operand> parameters)
      throws IOException {
    int axis = axis(node.integer("axis", 0), data.shape().length);
    long size = data.shape()[axis];
    long[] lengths = integers(node, "split", parameters, 1);
    if (node.integer("num_outputs", node.outputs().size()) != node.outputs().size()) {
      throw new UnsupportedGraphException(
          Text.format(
              "Split node \"%s\" has %d outputs and announces %d",
              node.displayName(), node.outputs().size(), node.integer("num_outputs", 0)));
    }
    if (lengths == null) {
      int parts = node.outputs().size();
      long part = (size + parts - 1) / parts;
      lengths = IntStream.range(0, parts).mapToLong(i -> Math.min(part, size - i * part)).toArray();
    }
    if (LongStream.of(lengths).anyMatch(length -> length < 0)
        || LongStream.of(lengths).sum() != size) {
      throw new UnsupportedGraphException(
          Text.format(
              "Split node \"%s\" splits %d values into %s",
              node.displayName(), size, Arrays.toString(lengths)));
    }
    List<Constant> result = new ArrayList<>();
    long start = 0;
    for (long length : lengths) {
      result.add(data.slice(axis, start, length, 1));
      start += length;
    }
    return result;
  }

  private static Constant gather(OnnxNode node, Constant data, List<Operand> parameters)
      throws IOException {
    int axis = axis(node.integer("axis", 0), data.shape().length);
    long size = data.shape()[axis];
    if (!(parameters.get(1) instanceof Constant indices)) {
      throw new UnsupportedGraphException(
          Text.format("Gather node \"%s\" has computed indices", node.displayName()));
    }
    long[] wanted = indices.integers();
    for (int i = 0; i < wanted.length; i++) {
      wanted[i] += wanted[i] < 0 ? size : 0;
      if (wanted[i] < 0 || wanted[i] >= size) {
        throw new UnsupportedGraphException(
            Text.format(
                "Gather node \"%s\" reads index %d of %d", node.displayName(), wanted[i], size));
      }
    }
    if (indices.shape().length == 0) {
      return data.select(axis, wanted[0]);
    }
    long step = wanted.length > 1 ? wanted[1] - wanted[0] : 1;
    boolean regular =
        indices.shape().length == 1
            && step > 0
            && wanted.length > 0
            && IntStream.range(0, wanted.length).allMatch(i -> wanted[i] == wanted[0] + i * step);
    if (!regular) {
      long[] shape =
          LongStream.concat(
                  LongStream.concat(
                      LongStream.of(data.shape()).limit(axis), LongStream.of(indices.shape())),
                  LongStream.of(data.shape()).skip(axis + 1L))
              .toArray();
      return data.pick(axis, wanted).reshape(shape);
    }
    return data.slice(axis, wanted[0], wanted.length, step);
  }

  private static Constant expand(OnnxNode node, Constant data, List<Operand> parameters)
      throws IOException {
    return data.broadcast(Shapes.broadcast(data.shape(), integers(node, "shape", parameters, 1)));
  }

  static int axis(long axis, int rank) {
    long positive = axis < 0 ? axis + rank : axis;
    if (positive < 0 || positive >= rank) {
      throw new UnsupportedGraphException(
          Text.format("axis %d does not exist in a tensor of rank %d", axis, rank));
    }
    return (int) positive;
  }
}
