package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.ttame.core.Text;

/**
 * Products of constants: MatMul, Gemm, Einsum and convolutions by 1×1, all of them one sum of
 * products.
 */
final class ConstantProducts {
  /** Multiplications that take seconds; what a classifier multiplies beforehand is far smaller. */
  private static final long MOST_PRODUCTS = 1L << 32;

  private ConstantProducts() {}

  /** Evaluates a node, or returns null where its operator is none of these. */
  static Constant evaluate(OnnxNode node, List<Constant> inputs) throws IOException {
    return switch (node.type()) {
      case "MatMul" -> matMul(inputs.get(0), inputs.get(1));
      case "Gemm" -> gemm(node, inputs);
      case "Einsum" -> einsum(node, inputs);
      case "Conv" -> conv(node, inputs);
      default -> null;
    };
  }

  private static Constant matMul(Constant a, Constant b) throws IOException {
    int left = a.shape().length;
    int right = b.shape().length;
    if (left == 0 || right == 0) {
      throw new UnsupportedGraphException("a scalar cannot be an operand of a matrix product");
    }
    String first = left == 1 ? "k" : "...mk";
    String second = right == 1 ? "k" : "...kn";
    String result = "..." + (left == 1 ? "" : "m") + (right == 1 ? "" : "n");
    return einsum(first + "," + second + "->" + result, List.of(a, b), a.type());
  }

  private static Constant gemm(OnnxNode node, List<Constant> inputs) throws IOException {
    Constant a = inputs.get(0);
    Constant b = inputs.get(1);
    String first = node.integer("transA", 0) != 0 ? "km" : "mk";
    String second = node.integer("transB", 0) != 0 ? "nk" : "kn";
    double alpha = node.real("alpha", 1);
    double beta = node.real("beta", 1);
    Constant product = einsum(first + "," + second + "->mn", List.of(a, b), ElementType.DOUBLE);
    Constant scaled = ConstantMath.unary(product, ElementType.DOUBLE, v -> v * alpha);
    if (inputs.size() < 3 || inputs.get(2) == null) {
      return ConstantMath.unary(scaled, a.type(), v -> v);
    }
    return ConstantMath.binary(scaled, inputs.get(2), a.type(), (v, c) -> v + beta * c);
  }

  /** By 1×1, as position embeddings are projected. */
  private static Constant conv(OnnxNode node, List<Constant> inputs) throws IOException {
    long[] image = inputs.get(0).shape();
    long[] weight = inputs.get(1).shape();
    boolean point =
        image.length == 4
            && weight.length == 4
            && weight[2] * weight[3] == 1
            && weight[1] == image[1]
            && node.text("auto_pad", "NOTSET").equals("NOTSET")
            && all(node, "strides", 1)
            && all(node, "pads", 0);
    if (!point) {
      throw new UnsupportedGraphException(
          Text.format("Conv node \"%s\" convolves constants", node.displayName()));
    }
    Constant rows = inputs.get(1).reshape(weight[0], weight[1]);
    Constant product = einsum("nihw,oi->nohw", List.of(inputs.get(0), rows), inputs.get(0).type());
    if (inputs.size() < 3 || inputs.get(2) == null) {
      return product;
    }
    Constant bias = inputs.get(2).reshape(weight[0], 1, 1);
    return ConstantMath.binary(product, bias, product.type(), Double::sum);
  }

  private static boolean all(OnnxNode node, String attribute, long value) {
    long[] values = node.integers(attribute);
    return values == null || LongStream.of(values).allMatch(each -> each == value);
  }

  private static Constant einsum(OnnxNode node, List<Constant> inputs) throws IOException {
    return einsum(node.text("equation", "").replace(" ", ""), inputs, inputs.get(0).type());
  }

  /**
   * A sum of products. Letters name axes, an ellipsis stands for axes that are broadcast; without
   * an arrow the result has the letters that occur once, in alphabetical order.
   */
  static Constant einsum(String equation, List<Constant> inputs, ElementType type)
      throws IOException {
    String[] sides = equation.split("->", -1);
    String[] terms = sides[0].split(",", -1);
    if (terms.length != inputs.size() || sides.length > 2) {
      throw new UnsupportedGraphException(
          Text.format("the equation %s does not fit %d operands", equation, inputs.size()));
    }
    int hidden = 0;
    for (int i = 0; i < terms.length; i++) {
      hidden = Math.max(hidden, inputs.get(i).shape().length - letters(terms[i]).length());
    }
    List<String> axes = new ArrayList<>();
    for (int i = 0; i < terms.length; i++) {
      axes.add(
          spelled(terms[i], inputs.get(i).shape().length - letters(terms[i]).length(), hidden));
    }
    String result = sides.length == 2 ? spelled(sides[1], hidden, hidden) : implied(terms, hidden);
    return product(axes, result, inputs, type);
  }

  private static String letters(String term) {
    return term.replace("...", "");
  }

  /** Replaces the ellipsis by digits: the last ones, so that operands are aligned on the right. */
  private static String spelled(String term, int count, int most) {
    StringBuilder digits = new StringBuilder();
    for (int i = most - count; i < most; i++) {
      digits.append((char) ('0' + i));
    }
    if (count < 0 || (!term.contains("...") && count > 0 && term.length() > 0 && count != most)) {
      throw new UnsupportedGraphException(
          Text.format("the term %s does not fit its operand", term));
    }
    return term.replace("...", digits);
  }

  private static String implied(String[] terms, int hidden) {
    String all = letters(String.join("", terms));
    StringBuilder result = new StringBuilder(spelled("...", hidden, hidden));
    all.chars()
        .sorted()
        .filter(letter -> all.indexOf(letter) == all.lastIndexOf(letter))
        .forEach(letter -> result.append((char) letter));
    return result.toString();
  }

  private static Constant product(
      List<String> axes, String result, List<Constant> inputs, ElementType type)
      throws IOException {
    Map<Character, Long> sizes = new HashMap<>();
    for (int i = 0; i < axes.size(); i++) {
      long[] shape = inputs.get(i).shape();
      String names = axes.get(i);
      if (names.length() != shape.length) {
        throw new UnsupportedGraphException(
            Text.format("the axes %s do not fit %s", names, Arrays.toString(shape)));
      }
      for (int axis = 0; axis < shape.length; axis++) {
        long known = sizes.getOrDefault(names.charAt(axis), 1L);
        if (known != 1 && shape[axis] != 1 && known != shape[axis]) {
          throw new UnsupportedGraphException(
              Text.format("axis %s is %d and %d long", names.charAt(axis), known, shape[axis]));
        }
        sizes.put(names.charAt(axis), known == 1 ? shape[axis] : known);
      }
    }
    StringBuilder order = new StringBuilder(result);
    sizes.keySet().stream().filter(name -> result.indexOf(name) < 0).forEach(order::append);
    long[] extent = order.chars().mapToLong(name -> sizes.getOrDefault((char) name, 1L)).toArray();
    long[] shape = Arrays.copyOf(extent, result.length());
    double[] sums = Constant.room(shape);
    int summed = (int) Constant.count(Arrays.copyOfRange(extent, result.length(), extent.length));
    if (Constant.count(extent) > MOST_PRODUCTS) {
      throw new UnsupportedGraphException(
          Text.format(
              "a product of constants of %,d multiplications is not expected in a classifier",
              Constant.count(extent)));
    }
    double[][] values = new double[inputs.size()][];
    long[][] steps = new long[inputs.size()][];
    for (int i = 0; i < values.length; i++) {
      values[i] = inputs.get(i).values();
      steps[i] = steps(axes.get(i), inputs.get(i).shape(), order);
    }
    Walk walk = new Walk(extent, steps);
    for (int i = 0; i < sums.length; i++) {
      double sum = 0;
      for (int j = 0; j < summed; j++) {
        double term = 1;
        for (int k = 0; k < values.length; k++) {
          term *= values[k][walk.at[k]];
        }
        sum += term;
        walk.next();
      }
      sums[i] = sum;
    }
    return Constant.computed(sums, type, shape);
  }

  /** How far an operand's position moves with each axis; an axis named twice is its diagonal. */
  private static long[] steps(String names, long[] shape, CharSequence order) {
    long[] strides = new long[shape.length];
    long step = 1;
    for (int axis = shape.length - 1; axis >= 0; axis--) {
      strides[axis] = shape[axis] == 1 ? 0 : step;
      step *= shape[axis];
    }
    return order
        .chars()
        .mapToLong(
            name ->
                LongStream.range(0, shape.length)
                    .filter(axis -> names.charAt((int) axis) == name)
                    .map(axis -> strides[(int) axis])
                    .sum())
        .toArray();
  }

  /** Positions in several operands while an index runs, the last axis fastest. */
  private static final class Walk {
    private final long[] extent;
    private final long[][] steps;
    private final long[] index;
    private final int[] at;

    Walk(long[] extent, long[][] steps) {
      this.extent = extent;
      this.steps = steps;
      index = new long[extent.length];
      at = new int[steps.length];
    }

    void next() {
      for (int axis = extent.length - 1; axis >= 0; axis--) {
        boolean over = ++index[axis] == extent[axis];
        for (int k = 0; k < at.length; k++) {
          at[k] += (int) (over ? -steps[k][axis] * (extent[axis] - 1) : steps[k][axis]);
        }
        if (!over) {
          return;
        }
        index[axis] = 0;
      }
    }
  }
}
