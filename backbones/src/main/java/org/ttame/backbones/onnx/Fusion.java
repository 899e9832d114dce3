package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/**
 * Brings the forms in which exporters write a layer to one:
 *
 * <ul>
 *   <li>{@code Conv}: image, weight [O, I, kh, kw], bias or null, scale [O] or null, shift [O] or
 *       null; batch normalisation with frozen statistics has become y·scale + shift
 *   <li>{@link #LINEAR}: data, weight seen as [in, out], bias [out] or null
 *   <li>{@link #NORM}: data, weight [D], bias [D], eps; over the last axis
 *   <li>{@link #GELU}: data; the exact one
 * </ul>
 */
final class Fusion {
  static final String CONV = "Conv";
  static final String LINEAR = "Linear";
  static final String NORM = "LayerNorm";
  static final String GELU = "ExactGelu";

  private static final double TOLERANCE = 1e-6;

  private Fusion() {}

  static void apply(Dataflow flow) throws IOException {
    for (Operation operation : flow.operations()) {
      Operation fused = fuse(operation);
      if (fused != null) {
        operation.output().producer(fused);
      }
    }
    flow.connect();
  }

  private static Operation fuse(Operation operation) throws IOException {
    return switch (operation.type()) {
      case "Gemm" -> gemm(operation);
      case "MatMul" -> matMul(operation);
      case "BatchNormalization" -> batchNormalization(operation);
      case "LayerNormalization" -> layerNormalization(operation);
      case "Gelu" -> geluOperator(operation);
      case "Mul" -> {
        Operation channels = channelwise(operation);
        yield channels != null ? channels : geluProduct(operation);
      }
      case "Add" -> {
        Operation bias = bias(operation);
        if (bias == null) {
          bias = channelwise(operation);
        }
        yield bias != null ? bias : decomposedNorm(operation);
      }
      default -> null;
    };
  }

  private static Operation as(String type, Operation end, Operand... inputs) {
    return new Operation(type, end.node(), Arrays.asList(inputs), List.of(end.output()));
  }

  private static Operation gemm(Operation gemm) throws IOException {
    if (!(gemm.input(1) instanceof Constant weight)
        || !(gemm.input(0) instanceof Value)
        || gemm.input(2) instanceof Value) {
      return null;
    }
    OnnxNode node = gemm.node();
    if (node.real("alpha", 1) != 1 || node.real("beta", 1) != 1 || node.integer("transA", 0) != 0) {
      return null;
    }
    Constant inOut = node.integer("transB", 0) != 0 ? weight.transpose(1, 0) : weight;
    Constant bias = (Constant) gemm.input(2);
    if (bias != null) {
      bias = row(bias, inOut.shape()[1]);
      if (bias == null) {
        return null;
      }
    }
    return as(LINEAR, gemm, gemm.input(0), inOut, bias);
  }

  private static Operation matMul(Operation matMul) {
    return matMul.input(0) instanceof Value value
            && matMul.input(1) instanceof Constant weight
            && weight.shape().length == 2
        ? as(LINEAR, matMul, value, weight, null)
        : null;
  }

  /** A constant added to a linear layer without bias. */
  private static Operation bias(Operation add) throws IOException {
    Constant constant = add.onlyConstant();
    if (constant == null) {
      return null;
    }
    Operation linear = add.onlyValue().producer();
    if (linear == null || !linear.is(LINEAR) || linear.input(2) != null) {
      return null;
    }
    Constant bias = row(constant, linear.constant(1).shape()[1]);
    return bias == null ? null : as(LINEAR, add, linear.input(0), linear.input(1), bias);
  }

  /** A constant as [length], if it is one along the last axis; else null. */
  private static Constant row(Constant constant, long length) throws IOException {
    long[] shape = constant.shape();
    for (int axis = 0; axis < shape.length - 1; axis++) {
      if (shape[axis] != 1) {
        return null;
      }
    }
    if (constant.size() == length) {
      return constant.reshape(length);
    }
    return constant.size() == 1 ? constant.reshape(1).broadcast(length) : null;
  }

  private static Operation batchNormalization(Operation norm) throws IOException {
    Operation conv = norm.value(0).producer();
    if (conv == null || !conv.is(CONV)) {
      return null;
    }
    double[] weight = norm.constant(1).values();
    double[] bias = norm.constant(2).values();
    double[] mean = norm.constant(3).values();
    double[] variance = norm.constant(4).values();
    long channels = conv.constant(1).shape()[0];
    if (weight.length != channels
        || bias.length != channels
        || mean.length != channels
        || variance.length != channels) {
      return null;
    }
    double eps = norm.node().real("epsilon", 1e-5);
    double[] scale = new double[weight.length];
    double[] shift = new double[weight.length];
    for (int i = 0; i < scale.length; i++) {
      scale[i] = weight[i] / Math.sqrt(variance[i] + eps);
      shift[i] = bias[i] - mean[i] * scale[i];
    }
    return affine(norm, conv, scale, shift);
  }

  /** A convolution followed by y·scale + shift, on top of what follows it already. */
  private static Operation affine(Operation end, Operation conv, double[] scale, double[] shift)
      throws IOException {
    double[] newScale = scale.clone();
    double[] newShift = shift.clone();
    if (conv.input(3) != null) {
      double[] oldScale = conv.constant(3).values();
      double[] oldShift = conv.constant(4).values();
      for (int i = 0; i < newScale.length; i++) {
        newShift[i] = oldShift[i] * scale[i] + shift[i];
        newScale[i] = oldScale[i] * scale[i];
      }
    }
    List<Operand> inputs =
        Arrays.asList(
            conv.input(0),
            conv.input(1),
            conv.input(2),
            Constant.ofValues(newScale, false, newScale.length),
            Constant.ofValues(newShift, false, newShift.length));
    return new Operation(CONV, conv.node(), inputs, List.of(end.output()));
  }

  /** A constant per channel that multiplies, or is added to, a convolution's output. */
  private static Operation channelwise(Operation operation) throws IOException {
    Constant constant = operation.onlyConstant();
    if (constant == null) {
      return null;
    }
    Operation conv = operation.onlyValue().producer();
    if (conv == null || !conv.is(CONV)) {
      return null;
    }
    int channels = Math.toIntExact(conv.output().shape()[1]);
    long[] shape = constant.shape();
    int last = shape.length - 1;
    boolean perChannel =
        shape.length >= 3
            && constant.size() == channels
            && shape[last] == 1
            && shape[last - 1] == 1
            && shape[last - 2] == channels;
    if (!perChannel) {
      return null;
    }
    double[] values = constant.values();
    double[] neutral = new double[channels];
    Arrays.fill(neutral, operation.is("Mul") ? 0 : 1);
    return operation.is("Mul")
        ? affine(operation, conv, values, neutral)
        : affine(operation, conv, neutral, values);
  }

  private static Operation layerNormalization(Operation norm) throws IOException {
    long[] shape = norm.value(0).shape();
    long axis = norm.node().integer("axis", -1);
    if (Movement.axis(axis, shape.length) != shape.length - 1) {
      return null;
    }
    long width = shape[shape.length - 1];
    Constant weight = row(norm.constant(1), width);
    Constant bias =
        norm.input(2) == null ? scalar(0).broadcast(width) : row(norm.constant(2), width);
    if (weight == null || bias == null) {
      return null;
    }
    return as(NORM, norm, norm.input(0), weight, bias, scalar(norm.node().real("epsilon", 1e-5)));
  }

  /** (x − mean) / √(var + eps) · weight + bias in single steps. */
  private static Operation decomposedNorm(Operation add) throws IOException {
    Constant bias = add.onlyConstant();
    Operation scaled = bias == null ? null : add.onlyValue().producer();
    if (scaled == null || !scaled.is("Mul")) {
      return null;
    }
    Constant weight = scaled.onlyConstant();
    Operation quotient = weight == null ? null : scaled.onlyValue().producer();
    if (quotient == null || !quotient.is("Div") || quotient.values().size() != 2) {
      return null;
    }
    Value data = centred(quotient.value(0));
    Operation root = quotient.value(1).producer();
    if (data == null || root == null || !root.is("Sqrt")) {
      return null;
    }
    Operation sum = root.value(0).producer();
    Constant eps = sum != null && sum.is("Add") ? sum.onlyConstant() : null;
    if (eps == null || !isVarianceOf(sum.onlyValue(), data)) {
      return null;
    }
    long width = data.shape()[data.rank() - 1];
    Constant weightRow = row(weight, width);
    Constant biasRow = row(bias, width);
    return weightRow == null || biasRow == null
        ? null
        : as(NORM, add, data, weightRow, biasRow, scalar(eps.scalar()));
  }

  /** x of x − mean(x), else null. */
  private static Value centred(Value value) throws IOException {
    Operation sub = value.producer();
    if (sub == null || !sub.is("Sub") || sub.values().size() != 2) {
      return null;
    }
    Value data = sub.value(0);
    Operation mean = sub.value(1).producer();
    return isMeanOverLastAxis(mean) && mean.value(0) == data ? data : null;
  }

  private static boolean isMeanOverLastAxis(Operation mean) throws IOException {
    if (mean == null || !mean.is("ReduceMean")) {
      return false;
    }
    int[] axes = Shapes.reducedAxes(mean.node(), mean.inputs());
    return axes.length == 1
        && axes[0] == mean.value(0).rank() - 1
        && mean.output().rank() == mean.value(0).rank();
  }

  private static boolean isVarianceOf(Value value, Value data) throws IOException {
    Operation mean = value.producer();
    if (!isMeanOverLastAxis(mean)) {
      return false;
    }
    Operation square = mean.value(0).producer();
    if (square == null || square.inputs().size() != 2) {
      return false;
    }
    boolean squares;
    if (square.is("Pow")) {
      squares = square.input(1) instanceof Constant power && power.size() == 1 && power.all(2);
    } else {
      squares = square.is("Mul") && square.input(0) == square.input(1);
    }
    return squares && square.input(0) instanceof Value base && centred(base) == data;
  }

  private static Operation geluOperator(Operation gelu) {
    if (!gelu.node().text("approximate", "none").equals("none")) {
      return null;
    }
    return as(GELU, gelu, gelu.input(0));
  }

  /** x · (erf(x / √2) + 1) · 0.5, in any order of multiplication. */
  private static Operation geluProduct(Operation product) throws IOException {
    List<Operation> sums = new ArrayList<>();
    List<Value> others = new ArrayList<>();
    double[] factor = {1};
    collect(product, sums, others, factor);
    if (sums.size() != 1 || others.size() != 1 || Math.abs(factor[0] - 0.5) > TOLERANCE) {
      return null;
    }
    Value x = others.get(0);
    Operation sum = sums.get(0);
    Operation argument = sum.onlyValue().producer().value(0).producer();
    if (argument == null || sum.onlyConstant().scalar() != 1) {
      return null;
    }
    Constant by = argument.onlyConstant();
    if (by == null || by.size() != 1 || argument.onlyValue() != x) {
      return null;
    }
    double divisor = Double.NaN;
    if (argument.is("Mul")) {
      divisor = 1 / by.scalar();
    } else if (argument.is("Div") && argument.input(0) == x) {
      divisor = by.scalar();
    }
    return Math.abs(divisor - Math.sqrt(2)) < 1e-3 ? as(GELU, product, x) : null;
  }

  /** Factors of a GELU's longest spelling; a product of more is none, however many it has. */
  private static final int FACTORS = 6;

  /** Sorts the factors of a product into erf(…) + 1, other values, and numbers. */
  private static void collect(
      Operation product, List<Operation> sums, List<Value> others, double[] factor)
      throws IOException {
    Deque<Operation> products = new ArrayDeque<>(List.of(product));
    for (int seen = 0; !products.isEmpty(); seen++) {
      if (seen == FACTORS) {
        factor[0] = Double.NaN;
        return;
      }
      for (Operand input : products.poll().inputs()) {
        if (input instanceof Constant constant) {
          factor[0] *= constant.size() == 1 ? constant.scalar() : Double.NaN;
          continue;
        }
        Value value = (Value) input;
        Operation producer = value.producer();
        if (producer != null && producer.is("Mul")) {
          products.add(producer);
        } else if (producer != null && producer.is("Add") && isErf(producer)) {
          sums.add(producer);
        } else {
          others.add(value);
        }
      }
    }
  }

  private static boolean isErf(Operation add) {
    return add.onlyConstant() != null
        && add.onlyConstant().size() == 1
        && add.onlyValue().producer() != null
        && add.onlyValue().producer().is("Erf");
  }

  private static Constant scalar(double value) {
    return Constant.ofValues(new double[] {value}, false);
  }
}
