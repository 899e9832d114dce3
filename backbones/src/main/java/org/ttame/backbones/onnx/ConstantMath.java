package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;

/**
 * Element by element on constants. Numbers are computed in double precision and rounded to the type
 * of the tensor after every operator, as a runtime that computes in that type does.
 */
final class ConstantMath {
  private static final Map<String, DoubleUnaryOperator> UNARY = new HashMap<>();
  private static final Map<String, DoubleUnaryOperator> TESTS = new HashMap<>();
  private static final Map<String, DoubleBinaryOperator> ARITHMETIC = new HashMap<>();
  private static final Map<String, DoubleBinaryOperator> COMPARISONS = new HashMap<>();

  static {
    UNARY.put("Abs", Math::abs);
    UNARY.put("Neg", a -> -a);
    UNARY.put("Sign", Math::signum);
    UNARY.put("Ceil", Math::ceil);
    UNARY.put("Floor", Math::floor);
    UNARY.put("Round", Math::rint);
    UNARY.put("Sqrt", Math::sqrt);
    UNARY.put("Reciprocal", a -> 1 / a);
    UNARY.put("Exp", Math::exp);
    UNARY.put("Log", Math::log);
    UNARY.put("Sin", Math::sin);
    UNARY.put("Cos", Math::cos);
    UNARY.put("Tanh", Math::tanh);
    UNARY.put("Erf", ConstantMath::erf);
    UNARY.put("Sigmoid", ConstantMath::sigmoid);
    UNARY.put("Softplus", ConstantMath::softplus);
    UNARY.put("Softsign", a -> a / (1 + Math.abs(a)));
    UNARY.put("Mish", a -> a * Math.tanh(softplus(a)));
    UNARY.put("HardSwish", a -> a * Math.max(0, Math.min(1, a / 6 + 0.5)));
    UNARY.put("Relu", a -> Math.max(a, 0));

    TESTS.put("Not", a -> a == 0 ? 1 : 0);
    TESTS.put("IsNaN", a -> Double.isNaN(a) ? 1 : 0);

    ARITHMETIC.put("Add", Double::sum);
    ARITHMETIC.put("Sub", (a, b) -> a - b);
    ARITHMETIC.put("Mul", (a, b) -> a * b);
    ARITHMETIC.put("Pow", Math::pow);
    ARITHMETIC.put("PRelu", (a, slope) -> a < 0 ? a * slope : a);

    COMPARISONS.put("Equal", (a, b) -> a == b ? 1 : 0);
    COMPARISONS.put("Greater", (a, b) -> a > b ? 1 : 0);
    COMPARISONS.put("GreaterOrEqual", (a, b) -> a >= b ? 1 : 0);
    COMPARISONS.put("Less", (a, b) -> a < b ? 1 : 0);
    COMPARISONS.put("LessOrEqual", (a, b) -> a <= b ? 1 : 0);
    COMPARISONS.put("And", (a, b) -> a != 0 && b != 0 ? 1 : 0);
    COMPARISONS.put("Or", (a, b) -> a != 0 || b != 0 ? 1 : 0);
    COMPARISONS.put("Xor", (a, b) -> a != 0 != (b != 0) ? 1 : 0);
  }

  private ConstantMath() {}

  /** Evaluates a node, or returns null where its operator is none of these. */
  static Constant evaluate(OnnxNode node, List<Constant> inputs) throws IOException {
    String type = node.type();
    Constant first = inputs.isEmpty() ? null : inputs.get(0);
    if (UNARY.containsKey(type)) {
      return unary(first, first.type(), UNARY.get(type));
    }
    if (TESTS.containsKey(type)) {
      return unary(first, ElementType.BOOL, TESTS.get(type));
    }
    if (type.equals("Sub") && isCentred(first, inputs.get(1))) {
      double[] offsets = inputs.get(1).values();
      Arrays.setAll(offsets, i -> -offsets[i]);
      double[] ones = new double[offsets.length];
      Arrays.fill(ones, 1);
      return first.perChannel(channels(inputs.get(1)), ones, offsets);
    }
    if (ARITHMETIC.containsKey(type)) {
      return binary(first, inputs.get(1), first.type(), ARITHMETIC.get(type));
    }
    if (COMPARISONS.containsKey(type)) {
      return binary(first, inputs.get(1), ElementType.BOOL, COMPARISONS.get(type));
    }
    return switch (type) {
      case "Div" ->
          binary(
              first,
              inputs.get(1),
              first.type(),
              first.integer() ? ConstantMath::quotient : (a, b) -> a / b);
      case "Mod" -> {
        boolean signOfFirst = node.integer("fmod", 0) != 0;
        yield binary(
            first,
            inputs.get(1),
            first.type(),
            signOfFirst ? (a, b) -> a % b : ConstantMath::remainder);
      }
      case "Max" -> several(inputs, Math::max);
      case "Min" -> several(inputs, Math::min);
      case "Sum" -> several(inputs, Double::sum);
      case "Mean" -> {
        Constant sum = several(inputs, Double::sum);
        int count = inputs.size();
        yield unary(sum, sum.type(), a -> a / count);
      }
      case "Where" -> where(inputs);
      case "Clip" -> clip(node, inputs);
      case "IsInf" -> {
        boolean negative = node.integer("detect_negative", 1) != 0;
        boolean positive = node.integer("detect_positive", 1) != 0;
        yield unary(
            first,
            ElementType.BOOL,
            a -> Double.isInfinite(a) && (a < 0 ? negative : positive) ? 1 : 0);
      }
      default -> {
        DoubleUnaryOperator activation = activation(node);
        yield activation == null ? null : unary(first, first.type(), activation);
      }
    };
  }

  /**
   * Whether it is a weight in the file less a number for each channel, as a standardisation begins:
   * no memory is taken for it then.
   */
  private static boolean isCentred(Constant weight, Constant offsets) {
    return weight.storage() instanceof Storage.InFile
        && !weight.integer()
        && weight.shape().length == offsets.shape().length
        && channels(offsets) >= 0
        && offsets.size() == weight.shape()[channels(offsets)];
  }

  /** The only axis along which a constant has several elements; −1 if there is not one. */
  private static int channels(Constant constant) {
    long[] shape = constant.shape();
    int[] axes = IntStream.range(0, shape.length).filter(axis -> shape[axis] != 1).toArray();
    return axes.length == 1 ? axes[0] : -1;
  }

  /** The activations that have parameters; null for other operators. */
  private static DoubleUnaryOperator activation(OnnxNode node) {
    return switch (node.type()) {
      case "LeakyRelu" -> {
        double alpha = node.real("alpha", 0.01);
        yield a -> a < 0 ? alpha * a : a;
      }
      case "Elu" -> {
        double alpha = node.real("alpha", 1);
        yield a -> a < 0 ? alpha * Math.expm1(a) : a;
      }
      case "Celu" -> {
        double alpha = node.real("alpha", 1);
        yield a -> a < 0 ? alpha * Math.expm1(a / alpha) : a;
      }
      case "Selu" -> {
        double alpha = node.real("alpha", 1.6732631921768188);
        double gamma = node.real("gamma", 1.0507010221481323);
        yield a -> gamma * (a < 0 ? alpha * Math.expm1(a) : a);
      }
      case "ThresholdedRelu" -> {
        double alpha = node.real("alpha", 1);
        yield a -> a > alpha ? a : 0;
      }
      case "HardSigmoid" -> {
        double alpha = node.real("alpha", 0.2);
        double beta = node.real("beta", 0.5);
        yield a -> Math.max(0, Math.min(1, alpha * a + beta));
      }
      case "Swish" -> {
        double alpha = node.real("alpha", 1);
        yield a -> a * sigmoid(alpha * a);
      }
      case "Gelu" ->
          node.text("approximate", "none").equals("tanh")
              ? a -> a / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (a + 0.044715 * a * a * a)))
              : a -> a / 2 * (1 + erf(a / Math.sqrt(2)));
      default -> null;
    };
  }

  static Constant unary(Constant input, ElementType type, DoubleUnaryOperator operator)
      throws IOException {
    double[] values = input.values();
    for (int i = 0; i < values.length; i++) {
      values[i] = operator.applyAsDouble(values[i]);
    }
    return Constant.computed(values, type, input.shape());
  }

  static Constant binary(Constant a, Constant b, ElementType type, DoubleBinaryOperator operator)
      throws IOException {
    long[] shape = Shapes.broadcast(a.shape(), b.shape());
    double[] left = a.broadcast(shape).values();
    // What is multiplied by itself is read once.
    double[] right = a == b ? left : b.broadcast(shape).values();
    for (int i = 0; i < left.length; i++) {
      left[i] = operator.applyAsDouble(left[i], right[i]);
    }
    return Constant.computed(left, type, shape);
  }

  /** One after the other: these operators take any number of inputs. */
  private static Constant several(List<Constant> inputs, DoubleBinaryOperator operator)
      throws IOException {
    Constant result = inputs.get(0);
    for (Constant next : inputs.subList(1, inputs.size())) {
      result = binary(result, next, result.type(), operator);
    }
    return result;
  }

  private static Constant where(List<Constant> inputs) throws IOException {
    long[] shape = inputs.get(0).shape();
    for (Constant input : inputs) {
      shape = Shapes.broadcast(shape, input.shape());
    }
    List<double[]> values = new ArrayList<>();
    for (Constant input : inputs) {
      values.add(input.broadcast(shape).values());
    }
    double[] result = Constant.room(shape);
    Arrays.setAll(result, i -> values.get(values.get(0)[i] != 0 ? 1 : 2)[i]);
    return Constant.computed(result, inputs.get(1).type(), shape);
  }

  private static Constant clip(OnnxNode node, List<Constant> inputs) throws IOException {
    double low = bound(node, "min", inputs, 1, Double.NEGATIVE_INFINITY);
    double high = bound(node, "max", inputs, 2, Double.POSITIVE_INFINITY);
    Constant input = inputs.get(0);
    return unary(input, input.type(), a -> Math.min(Math.max(a, low), high));
  }

  /** A limit: an attribute in old operator sets, an input in new ones. */
  private static double bound(
      OnnxNode node, String attribute, List<Constant> inputs, int index, double otherwise)
      throws IOException {
    boolean given = index < inputs.size() && inputs.get(index) != null;
    return given ? inputs.get(index).scalar() : node.real(attribute, otherwise);
  }

  /** The remainder with the divisor's sign. */
  private static double remainder(double a, double b) {
    double rest = a % b;
    return rest != 0 && rest < 0 != b < 0 ? rest + b : rest;
  }

  private static double quotient(double a, double b) {
    long whole = (long) a / (long) b;
    return whole;
  }

  private static double sigmoid(double a) {
    return 1 / (1 + Math.exp(-a));
  }

  private static double softplus(double a) {
    return Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a)));
  }

  /**
   * The error function, by its power series near 0 and the continued fraction of erfc further out.
   */
  static double erf(double a) {
    double x = Math.abs(a);
    if (!(x < 6)) {
      return Double.isNaN(a) ? a : Math.signum(a);
    }
    if (x < 2.5) {
      double term = a;
      double sum = a;
      for (int n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
        term *= -a * a / n;
        sum += term / (2 * n + 1);
      }
      return 2 / Math.sqrt(Math.PI) * sum;
    }
    double fraction = x;
    for (int n = 60; n > 0; n--) {
      fraction = x + n / 2.0 / fraction;
    }
    return Math.signum(a) * (1 - Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction);
  }
}
