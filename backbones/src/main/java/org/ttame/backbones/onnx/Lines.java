package org.ttame.backbones.onnx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import org.nd4j.autodiff.samediff.SDVariable;

/** New values along one axis, each a known one of the old, or a known sum of them. */
final class Lines {
  /** Runs of evenly spaced values that are cut out and joined; what has more is a product. */
  private static final int MAX_RUNS = 64;

  /** Numbers of a matrix that is written into the graph. */
  private static final long MAX_MATRIX = 1 << 22;

  private Lines() {}

  /**
   * Values by their places.
   *
   * @param operation for names and messages
   * @param emitter writes
   * @param axis along it
   * @param indices where each new value was, none below 0
   * @throws UnsupportedGraphException if that picks among images
   */
  static Tensor picked(Operation operation, Emitter emitter, Tensor x, int axis, long... indices) {
    int size = Math.toIntExact(x.shape()[axis]);
    if (Arrays.equals(indices, LongStream.range(0, size).toArray())) {
      return x;
    }
    if (axis == x.batch()) {
      throw new UnsupportedGraphException(operation + " selects among the images of a batch");
    }
    if (indices.length == 0) {
      throw new UnsupportedGraphException(operation + " is empty");
    }
    List<SDVariable> runs = new ArrayList<>();
    for (int i = 0; i < indices.length && runs.size() <= MAX_RUNS; ) {
      int length = run(indices, i);
      runs.add(
          run(emitter, x, axis, indices[i], length, length > 1 ? indices[i + 1] - indices[i] : 1));
      i += length;
    }
    if (runs.size() <= MAX_RUNS) {
      SDVariable y =
          runs.size() == 1
              ? runs.get(0)
              : emitter.graph().concat(x.place(axis), runs.toArray(SDVariable[]::new));
      return resized(x, y, axis, indices.length);
    }
    requireMatrix(operation, size, indices.length);
    double[][] rows = new double[indices.length][size];
    for (int i = 0; i < rows.length; i++) {
      rows[i][Math.toIntExact(indices[i])] = 1;
    }
    return mixed(operation, emitter, x, axis, rows);
  }

  /** How many indices from one on have one distance, which is not 0. */
  private static int run(long[] indices, int from) {
    int length = 1;
    while (from + length < indices.length) {
      long step = indices[from + 1] - indices[from];
      if (step == 0 || indices[from + length] - indices[from + length - 1] != step) {
        return length;
      }
      length++;
    }
    return length;
  }

  private static SDVariable run(
      Emitter emitter, Tensor x, int axis, long start, int length, long step) {
    int rank = x.rank();
    int place = x.place(axis);
    long first = step > 0 ? start : start + (length - 1) * step;
    SDVariable part = x.variable();
    if (length < x.shape()[axis]) {
      long[] begin = new long[rank];
      long[] end = new long[rank];
      long[] stride = new long[rank];
      Arrays.fill(stride, 1);
      begin[place] = first;
      stride[place] = Math.abs(step);
      end[place] = first + (length - 1) * Math.abs(step) + 1;
      int others = ((1 << rank) - 1) & ~(1 << place);
      part = emitter.graph().stridedSlice(part, begin, end, stride, others, others, 0, 0, 0);
    }
    return step > 0 ? part : emitter.graph().reverse(part, place);
  }

  /**
   * Sums of products along an axis.
   *
   * @param rows for each new value, how much of each old one
   * @throws UnsupportedGraphException if that mixes images
   */
  static Tensor mixed(Operation operation, Emitter emitter, Tensor x, int axis, double[]... rows) {
    Tensor last = emitter.axisLast(x, axis, operation);
    int old = Math.toIntExact(x.shape()[axis]);
    requireMatrix(operation, old, rows.length);
    double[] matrix = new double[old * rows.length];
    for (int i = 0; i < rows.length; i++) {
      for (int k = 0; k < old; k++) {
        matrix[k * rows.length + i] = rows[i][k];
      }
    }
    SDVariable flat = emitter.graph().reshape(last.variable(), -1, old);
    SDVariable weights = emitter.numbers(operation, "matrix", matrix, old, rows.length);
    Tensor made = resized(last, last.variable(), axis, rows.length);
    long[] sizes = Emitter.sizes(made.shape(), last.order(), x.batch());
    SDVariable y = emitter.graph().reshape(emitter.graph().mmul(flat, weights), sizes);
    return resized(last, y, axis, rows.length);
  }

  /** Makes sure that a matrix is not too large, before it is made. */
  static void requireMatrix(Operation operation, long old, long made) {
    if (old * made > MAX_MATRIX) {
      throw new UnsupportedGraphException(
          operation + " makes " + made + " values of " + old + ", too many for a matrix");
    }
  }

  private static Tensor resized(Tensor like, SDVariable variable, int axis, int length) {
    long[] shape = like.shape();
    shape[axis] = length;
    return new Tensor(variable, shape, like.order(), like.batch());
  }
}
