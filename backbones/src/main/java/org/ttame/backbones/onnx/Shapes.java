package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.ttame.core.Text;

/** Output shapes of the operators that compute on the image, for known input shapes. */
final class Shapes {
  private Shapes() {}

  /**
   * The shapes of a node's outputs.
   *
   * @param node the node
   * @param inputs its operands, null for one left out
   * @return a shape for each output
   * @throws UnsupportedGraphException if the operator is not known
   */
  static List<long[]> of(OnnxNode node, List<Operand> inputs) throws IOException {
    long[] first = inputs.get(0) == null ? new long[0] : inputs.get(0).shape();
    if (Movement.moves(node.type()) && inputs.get(0) instanceof Value) {
      Constant dummy = Constant.ofValues(new double[1], false).broadcast(first);
      return Movement.apply(node, dummy, inputs).stream().map(Constant::shape).toList();
    }
    return switch (node.type()) {
      case "Conv" -> List.of(conv(node, first, inputs.get(1).shape()));
      case "MaxPool", "AveragePool" -> List.of(pool(node, first));
      case "GlobalAveragePool", "GlobalMaxPool" -> List.of(ones(first, 2));
      case "Gemm" -> List.of(gemm(node, first, inputs.get(1).shape()));
      case "MatMul" -> List.of(matMul(first, inputs.get(1).shape()));
      case "Concat" -> List.of(concat(node, inputs));
      case "ReduceMean", "ReduceSum", "ReduceMax" -> List.of(reduce(node, inputs));
      case "Add", "Sub", "Mul", "Div", "Pow", "Where", "Max", "Min", "Equal" -> {
        long[] shape = first;
        for (Operand input : inputs) {
          shape = broadcast(shape, input.shape());
        }
        yield List.of(shape);
      }
      case "Attention" -> List.of(attention(node, first, inputs.get(2).shape()));
      case "BatchNormalization",
              "LayerNormalization",
              "RMSNormalization",
              "InstanceNormalization",
              "GroupNormalization",
              "Relu",
              "PRelu",
              "LeakyRelu",
              "Elu",
              "Selu",
              "Clip",
              "Sigmoid",
              "HardSigmoid",
              "HardSwish",
              "Mish",
              "Softplus",
              "Tanh",
              "Sqrt",
              "Reciprocal",
              "Neg",
              "Exp",
              "Log",
              "Abs",
              "Erf",
              "Gelu",
              "Softmax",
              "LogSoftmax",
              "Dropout",
              "Cast",
              "CastLike",
              "LRN",
              "Celu",
              "Softsign",
              "Swish",
              "IsNaN" ->
          List.of(first);
      default ->
          throw new UnsupportedGraphException(
              Text.format(
                  "%s node \"%s\" cannot be computed on values that depend on the image",
                  node.type(), node.displayName()));
    };
  }

  /** Numpy's broadcasting of two shapes. */
  static long[] broadcast(long[] a, long[] b) {
    int rank = Math.max(a.length, b.length);
    long[] result = new long[rank];
    for (int i = 1; i <= rank; i++) {
      long left = i <= a.length ? a[a.length - i] : 1;
      long right = i <= b.length ? b[b.length - i] : 1;
      if (left != right && left != 1 && right != 1) {
        throw new UnsupportedGraphException(
            Text.format(
                "shapes %s and %s do not fit together", Arrays.toString(a), Arrays.toString(b)));
      }
      result[rank - i] = left == 1 ? right : left;
    }
    return result;
  }

  private static long[] conv(OnnxNode node, long[] input, long[] weight) {
    if (input.length != 4 || weight.length != 4) {
      throw new UnsupportedGraphException(
          Text.format("Conv node \"%s\" is not a convolution of images", node.displayName()));
    }
    long[] kernel = node.integers("kernel_shape");
    if (kernel != null && !Arrays.equals(kernel, new long[] {weight[2], weight[3]})) {
      throw new UnsupportedGraphException(
          Text.format(
              "Conv node \"%s\" declares a kernel of %s, but its weights have %s",
              node.displayName(),
              Arrays.toString(kernel),
              Arrays.toString(new long[] {weight[2], weight[3]})));
    }
    Window window = Window.of(node, weight[2], weight[3]);
    return new long[] {input[0], weight[0], window.rows(input[2]), window.columns(input[3])};
  }

  private static long[] pool(OnnxNode node, long[] input) {
    long[] kernel = node.integers("kernel_shape");
    if (input.length != 4 || kernel == null || kernel.length != 2) {
      throw new UnsupportedGraphException(
          Text.format("%s node \"%s\" does not pool images", node.type(), node.displayName()));
    }
    Window window = Window.of(node, kernel[0], kernel[1]);
    return new long[] {input[0], input[1], window.rows(input[2]), window.columns(input[3])};
  }

  private static long[] ones(long[] shape, int from) {
    long[] result = shape.clone();
    Arrays.fill(result, Math.min(from, result.length), result.length, 1);
    return result;
  }

  /** Of {@code [m, n]}, as the attributes turn the operands. */
  static long[] gemm(OnnxNode node, long[] a, long[] b) {
    int inA = node.integer("transA", 0) != 0 ? 0 : 1;
    int inB = node.integer("transB", 0) != 0 ? 1 : 0;
    if (a.length != 2 || b.length != 2 || a[inA] != b[inB]) {
      throw new UnsupportedGraphException(
          Text.format(
              "Gemm node \"%s\" multiplies %s and %s, which do not fit together",
              node.displayName(), Arrays.toString(a), Arrays.toString(b)));
    }
    return new long[] {a[1 - inA], b[1 - inB]};
  }

  private static long[] matMul(long[] a, long[] b) {
    if (a.length < 2 || b.length < 2 || a[a.length - 1] != b[b.length - 2]) {
      throw new UnsupportedGraphException(
          Text.format(
              "matrices of shapes %s and %s cannot be multiplied",
              Arrays.toString(a), Arrays.toString(b)));
    }
    long[] batch = broadcast(Arrays.copyOf(a, a.length - 2), Arrays.copyOf(b, b.length - 2));
    long[] result = Arrays.copyOf(batch, batch.length + 2);
    result[result.length - 2] = a[a.length - 2];
    result[result.length - 1] = b[b.length - 1];
    return result;
  }

  private static long[] concat(OnnxNode node, List<Operand> inputs) {
    long[] result = inputs.get(0).shape();
    int axis = concatAxis(node, result.length);
    for (Operand input : inputs.subList(1, inputs.size())) {
      long[] shape = input.shape();
      long length = shape.length == result.length ? shape[axis] : -1;
      result[axis] += length;
      if (length >= 0) {
        shape[axis] = result[axis];
      }
      if (!Arrays.equals(shape, result)) {
        throw new UnsupportedGraphException(
            Text.format(
                "Concat node \"%s\" joins shapes that do not fit together", node.displayName()));
      }
    }
    return result;
  }

  /** Operator sets before 4 join along the second axis unless told otherwise, later ones say it. */
  static int concatAxis(OnnxNode node, int rank) {
    return Movement.axis(node.integer("axis", 1), rank);
  }

  /** The axes that a reduction goes over; all of them where none are named. */
  static int[] reducedAxes(OnnxNode node, List<Operand> inputs) throws IOException {
    int rank = inputs.get(0).shape().length;
    long[] axes =
        inputs.size() > 1 && inputs.get(1) instanceof Constant constant
            ? constant.integers()
            : node.integers("axes");
    if (axes == null || axes.length == 0) {
      boolean nothing = node.integer("noop_with_empty_axes", 0) != 0;
      return java.util.stream.IntStream.range(0, nothing ? 0 : rank).toArray();
    }
    return Arrays.stream(axes).mapToInt(axis -> Movement.axis(axis, rank)).sorted().toArray();
  }

  static long[] reduce(OnnxNode node, List<Operand> inputs) throws IOException {
    long[] shape = inputs.get(0).shape();
    int[] axes = reducedAxes(node, inputs);
    for (int axis : axes) {
      shape[axis] = node.integer("keepdims", 1) != 0 ? 1 : -1;
    }
    return Arrays.stream(shape).filter(size -> size >= 0).toArray();
  }

  private static long[] attention(OnnxNode node, long[] query, long[] value) {
    long[] result = query.clone();
    if (query.length == 4) {
      result[3] = value[3];
    } else {
      long valueWidth = value[2] / node.integer("kv_num_heads", 1);
      result[2] = valueWidth * node.integer("q_num_heads", 1);
    }
    return result;
  }

  /** What Shape and Size give. */
  static Constant sizes(OnnxNode node, Operand operand) {
    long[] shape = operand.shape();
    if (node.type().equals("Size")) {
      return Constant.ofIntegers(new long[] {Constant.count(shape)});
    }
    int start = clamp(node.integer("start", 0), shape.length);
    int end = clamp(node.integer("end", shape.length), shape.length);
    long[] part = Arrays.copyOfRange(shape, start, Math.max(start, end));
    return Constant.ofIntegers(part, part.length);
  }

  private static int clamp(long index, int rank) {
    return (int) Math.max(0, Math.min(rank, index < 0 ? index + rank : index));
  }
}
