package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ttame.core.Text;

/** Operators on constants that go along some axes: reductions, running sums, normalisations. */
final class ConstantReductions {
  private static final double INFINITY = Double.POSITIVE_INFINITY;

  private ConstantReductions() {}

  /** What becomes of one row. */
  private interface Fold {
    double of(double[] values, int from, int to);
  }

  /** What becomes of the elements of one row, in place. */
  private interface Change {
    void to(double[] values, int from, int to);
  }

  /** Evaluates a node, or returns null where its operator is none of these. */
  static List<Constant> evaluate(OnnxNode node, List<Constant> inputs, long opset)
      throws IOException {
    Fold fold = fold(node.type());
    if (fold != null) {
      return List.of(reduce(node, inputs, fold));
    }
    return switch (node.type()) {
      case "Softmax" -> List.of(softmax(node, inputs.get(0), opset, false));
      case "LogSoftmax" -> List.of(softmax(node, inputs.get(0), opset, true));
      case "CumSum" -> List.of(runningSum(node, inputs));
      case "BatchNormalization" -> batchNormalization(node, inputs);
      case "InstanceNormalization" -> List.of(perChannel(node, inputs, 2));
      case "LayerNormalization" -> List.of(layerNormalization(node, inputs, true));
      case "RMSNormalization" -> List.of(layerNormalization(node, inputs, false));
      default -> null;
    };
  }

  private static Fold fold(String type) {
    return switch (type) {
      case "ReduceSum" -> ConstantReductions::sum;
      case "ReduceMean" -> (v, from, to) -> sum(v, from, to) / (to - from);
      case "ReduceMax" -> (v, from, to) -> row(v, from, to).reduce(-INFINITY, Math::max);
      case "ReduceMin" -> (v, from, to) -> row(v, from, to).reduce(INFINITY, Math::min);
      case "ReduceProd" -> (v, from, to) -> row(v, from, to).reduce(1, (a, b) -> a * b);
      case "ReduceL1" -> (v, from, to) -> row(v, from, to).map(Math::abs).reduce(0, Double::sum);
      case "ReduceL2" -> (v, from, to) -> Math.sqrt(squares(v, from, to));
      case "ReduceSumSquare" -> ConstantReductions::squares;
      case "ReduceLogSum" -> (v, from, to) -> Math.log(sum(v, from, to));
      case "ReduceLogSumExp" -> ConstantReductions::logSumExp;
      default -> null;
    };
  }

  private static DoubleStream row(double[] values, int from, int to) {
    return Arrays.stream(values, from, to);
  }

  private static double sum(double[] values, int from, int to) {
    double sum = 0;
    for (int i = from; i < to; i++) {
      sum += values[i];
    }
    return sum;
  }

  private static double squares(double[] values, int from, int to) {
    double sum = 0;
    for (int i = from; i < to; i++) {
      sum += values[i] * values[i];
    }
    return sum;
  }

  private static double logSumExp(double[] values, int from, int to) {
    double top = row(values, from, to).reduce(-INFINITY, Math::max);
    if (Double.isInfinite(top)) {
      return top;
    }
    double sum = 0;
    for (int i = from; i < to; i++) {
      sum += Math.exp(values[i] - top);
    }
    return top + Math.log(sum);
  }

  private static Constant reduce(OnnxNode node, List<Constant> inputs, Fold fold)
      throws IOException {
    Constant input = inputs.get(0);
    List<Operand> operands = Collections.unmodifiableList(inputs);
    int[] axes = Shapes.reducedAxes(node, operands);
    int rank = input.shape().length;
    int[] kept = IntStream.range(0, rank).filter(i -> Arrays.binarySearch(axes, i) < 0).toArray();
    Constant rows =
        input.transpose(IntStream.concat(IntStream.of(kept), IntStream.of(axes)).toArray());
    int length = (int) Constant.count(Arrays.copyOfRange(rows.shape(), kept.length, rank));
    if (length == 0 && input.integer()) {
      throw new UnsupportedGraphException(
          Text.format(
              "%s node \"%s\" reduces an empty set of integers", node.type(), node.displayName()));
    }
    long[] shape = Shapes.reduce(node, operands);
    double[] result = Constant.room(shape);
    if (length == 0) {
      Arrays.fill(result, fold.of(new double[0], 0, 0));
    } else {
      rows.inParts(length, (i, values, from) -> result[i] = fold.of(values, from, from + length));
    }
    return Constant.computed(result, input.type(), shape);
  }

  /** Changes every row along one axis. */
  private static Constant along(Constant input, int axis, Change change) throws IOException {
    int rank = input.shape().length;
    int[] last =
        IntStream.range(0, rank).map(i -> i < axis ? i : i == rank - 1 ? axis : i + 1).toArray();
    int[] back =
        IntStream.range(0, rank).map(i -> i < axis ? i : i == axis ? rank - 1 : i - 1).toArray();
    Constant rows = input.transpose(last);
    int length = (int) input.shape()[axis];
    double[] values = rows.values();
    for (int from = 0; from < values.length; from += length) {
      change.to(values, from, from + length);
    }
    return Constant.computed(values, input.type(), rows.shape()).transpose(back);
  }

  /** Operator sets before 13 take all axes from the given one on as one. */
  private static Constant softmax(OnnxNode node, Constant input, long opset, boolean logarithm)
      throws IOException {
    Change change =
        (values, from, to) -> {
          // The largest first: beside it the logarithm of their number may be lost.
          double top = row(values, from, to).reduce(-INFINITY, Math::max);
          for (int i = from; i < to; i++) {
            values[i] -= top;
          }
          double whole = logSumExp(values, from, to);
          for (int i = from; i < to; i++) {
            values[i] = logarithm ? values[i] - whole : Math.exp(values[i] - whole);
          }
        };
    long[] shape = input.shape();
    if (opset >= 13) {
      return along(input, Movement.axis(node.integer("axis", -1), shape.length), change);
    }
    long given = node.integer("axis", 1);
    int axis = given == shape.length ? shape.length : Movement.axis(given, shape.length);
    long rows = Constant.count(Arrays.copyOf(shape, axis));
    Constant flat =
        input.reshape(rows, Constant.count(Arrays.copyOfRange(shape, axis, shape.length)));
    return along(flat, 1, change).reshape(shape);
  }

  private static Constant runningSum(OnnxNode node, List<Constant> inputs) throws IOException {
    Constant input = inputs.get(0);
    int axis = Movement.axis((long) inputs.get(1).scalar(), input.shape().length);
    boolean exclusive = node.integer("exclusive", 0) != 0;
    boolean backwards = node.integer("reverse", 0) != 0;
    return along(
        input,
        axis,
        (values, from, to) -> {
          double sum = 0;
          for (int i = 0; i < to - from; i++) {
            int at = backwards ? to - 1 - i : from + i;
            double value = values[at];
            values[at] = exclusive ? sum : sum + value;
            sum += value;
          }
        });
  }

  /** Brings a row to mean 0 and variance 1, or, not centred, to a mean square of 1. */
  private static Change standardise(double epsilon, boolean centred) {
    return (values, from, to) -> {
      int count = to - from;
      double mean = centred ? sum(values, from, to) / count : 0;
      for (int i = from; i < to; i++) {
        values[i] -= mean;
      }
      double scale = 1 / Math.sqrt(squares(values, from, to) / count + epsilon);
      for (int i = from; i < to; i++) {
        values[i] *= scale;
      }
    };
  }

  private static Constant layerNormalization(OnnxNode node, List<Constant> inputs, boolean centred)
      throws IOException {
    Constant input = inputs.get(0);
    long[] shape = input.shape();
    int axis = Movement.axis(node.integer("axis", -1), shape.length);
    long length = Constant.count(Arrays.copyOfRange(shape, axis, shape.length));
    Constant rows = input.reshape(length == 0 ? 0 : input.size() / length, length);
    Constant result =
        along(rows, 1, standardise(node.real("epsilon", 1e-5), centred)).reshape(shape);
    return affine(result, inputs, shape.length);
  }

  /** Scale and bias, as far as they are given, against the last axes. */
  private static Constant affine(Constant input, List<Constant> inputs, int rank)
      throws IOException {
    Constant result = input;
    if (inputs.size() > 1 && inputs.get(1) != null) {
      result = ConstantMath.binary(result, inputs.get(1), result.type(), (a, b) -> a * b);
    }
    if (inputs.size() > 2 && inputs.get(2) != null) {
      result = ConstantMath.binary(result, inputs.get(2), result.type(), Double::sum);
    }
    if (result.shape().length != rank) {
      throw new UnsupportedGraphException("a normalisation's scale has more axes than its input");
    }
    return result;
  }

  /** A value for each channel, shaped to be broadcast against {@code [N, C, …]}. */
  private static Constant channels(Constant values, int rank) throws IOException {
    long[] shape = new long[rank - 1];
    Arrays.fill(shape, 1);
    shape[0] = values.size();
    return values.reshape(shape);
  }

  /** Each image's channels by themselves. */
  private static Constant perChannel(OnnxNode node, List<Constant> inputs, int axis)
      throws IOException {
    Constant input = inputs.get(0);
    long[] shape = input.shape();
    long length = Constant.count(Arrays.copyOfRange(shape, axis, shape.length));
    Constant rows = input.reshape(length == 0 ? 0 : input.size() / length, length);
    Constant result = along(rows, 1, standardise(node.real("epsilon", 1e-5), true)).reshape(shape);
    List<Constant> parameters =
        Arrays.asList(
            input, channels(inputs.get(1), shape.length), channels(inputs.get(2), shape.length));
    return affine(result, parameters, shape.length);
  }

  /**
   * With given statistics, or in training mode with the batch's: so exporters standardise weights,
   * whose "batch" never changes.
   */
  private static List<Constant> batchNormalization(OnnxNode node, List<Constant> inputs)
      throws IOException {
    Constant input = inputs.get(0);
    double epsilon = node.real("epsilon", 1e-5);
    Constant mean = inputs.get(3);
    Constant variance = inputs.get(4);
    List<Constant> statistics = List.of();
    if (node.integer("training_mode", 0) != 0) {
      requireStatistics(node, input, mean);
      double[] means = Constant.room(mean.size());
      double[] variances = Constant.room(mean.size());
      int length = Math.toIntExact(input.size() / means.length);
      int[] byChannel = IntStream.range(0, input.shape().length).toArray();
      byChannel[0] = 1;
      byChannel[1] = 0;
      input
          .transpose(byChannel)
          .inParts(
              length,
              (c, values, from) -> {
                double centre = sum(values, from, from + length) / length;
                means[c] = centre;
                variances[c] =
                    row(values, from, from + length).map(a -> (a - centre) * (a - centre)).sum()
                        / length;
              });
      double momentum = node.real("momentum", 0.9);
      Constant newMean = Constant.computed(means, input.type(), means.length);
      Constant newVariance = Constant.computed(variances, input.type(), means.length);
      statistics = List.of(moved(mean, newMean, momentum), moved(variance, newVariance, momentum));
      mean = newMean;
      variance = newVariance;
    }
    double[] factors =
        ConstantMath.binary(
                inputs.get(1), variance, ElementType.DOUBLE, (s, v) -> s / Math.sqrt(v + epsilon))
            .values();
    double[] shifts = inputs.get(2).values();
    double[] centres = mean.values();
    for (int c = 0; c < shifts.length; c++) {
      shifts[c] -= centres[c] * factors[c];
    }
    Constant result = input.perChannel(1, factors, shifts);
    return Stream.concat(Stream.of(result), statistics.stream()).toList();
  }

  private static void requireStatistics(OnnxNode node, Constant input, Constant mean) {
    long[] shape = input.shape();
    if (shape.length < 2 || input.size() == 0 || shape[1] != mean.size()) {
      throw new UnsupportedGraphException(
          Text.format(
              "BatchNormalization node \"%s\" has %d means for a constant of shape %s",
              node.displayName(), mean.size(), Arrays.toString(shape)));
    }
  }

  private static Constant moved(Constant old, Constant now, double momentum) throws IOException {
    return ConstantMath.binary(old, now, old.type(), (a, b) -> a * momentum + b * (1 - momentum));
  }
}
