package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.ttame.core.Text;

/**
 * Operators that ONNX defines by simpler ones: the importer reads them so. Those that one converter
 * writes faster are left whole.
 */
final class Composites {
  /** Those that are always read so. */
  static final Set<String> OPERATORS =
      Set.of(
          "Attention",
          "LpNormalization",
          "MeanVarianceNormalization",
          "Mod",
          "Trilu",
          "CumSum",
          "RotaryEmbedding",
          "LSTM",
          "Col2Im",
          "ConvTranspose",
          "LpPool",
          "GlobalLpPool");

  private Composites() {}

  /**
   * The steps of a node.
   *
   * @param inputs its operands, null for one left out
   * @param opset version of the operator set
   * @return its steps, empty where it is no such operator
   * @throws UnsupportedGraphException if this form of it is not supported
   */
  static Optional<OnnxModel.Function> of(OnnxNode node, List<Operand> inputs, long opset)
      throws IOException {
    if (inputs.stream().noneMatch(Value.class::isInstance)) {
      return Optional.empty();
    }
    return switch (node.type()) {
      case "Attention" -> Optional.of(Attentions.steps(node, inputs, opset));
      case "Mod" -> Optional.of(remainder(node, opset));
      case "Trilu" -> Optional.of(triangle(node, inputs, opset));
      case "CumSum" -> Optional.of(runningSum(node, inputs, opset));
      case "RotaryEmbedding" -> Optional.of(Attentions.rotated(node, inputs, opset));
      case "LSTM" -> Optional.of(Lstm.steps(node, inputs, opset));
      case "Einsum" ->
          inputs.size() > 2 ? Optional.of(Einsums.inPairs(node, opset)) : Optional.empty();
      case "LpNormalization" -> Optional.of(lengthOne(node, opset));
      case "MeanVarianceNormalization" -> Optional.of(standardised(node, opset));
      case "LayerNormalization" ->
          isRead(node, 1) || isRead(node, 2)
              ? Optional.of(withStatistics(node, inputs, opset))
              : Optional.empty();
      case "GroupNormalization" ->
          opset < 21 ? Optional.of(groupsScaled(node, inputs, opset)) : Optional.empty();
      case "Gemm" ->
          opset < 7 || isLinear(node, inputs)
              ? Optional.empty()
              : Optional.of(product(node, inputs, opset));
      case "Conv" ->
          inputs.get(0).shape().length == 5
              ? Optional.of(WindowSteps.volumes(node, inputs, opset))
              : Optional.empty();
      case "ConvTranspose" -> Optional.of(WindowSteps.transposedConvolution(node, inputs, opset));
      case "Col2Im" -> Optional.of(WindowSteps.folded(node, inputs, opset));
      case "LpPool", "GlobalLpPool" -> Optional.of(WindowSteps.lengths(node, inputs, opset));
      case "MaxPool", "AveragePool" ->
          WindowSteps.needsSteps(node, inputs)
              ? Optional.of(WindowSteps.pool(node, inputs, opset))
              : Optional.empty();
      default -> Optional.empty();
    };
  }

  static boolean isRead(OnnxNode node, int output) {
    return output < node.outputs().size() && !node.outputs().get(output).isEmpty();
  }

  static UnsupportedGraphException refused(OnnxNode node, String why) {
    return new UnsupportedGraphException(
        Text.format("%s node \"%s\" %s", node.type(), node.displayName(), why));
  }

  /** x / ‖x‖ along an axis; zeros stay zeros. */
  private static OnnxModel.Function lengthOne(OnnxNode node, long opset) {
    long p = node.integer("p", 2);
    if (p != 1 && p != 2) {
      throw refused(node, "has p = " + p);
    }
    Body body = new Body(node, opset);
    String norm =
        body.step(
            p == 1 ? "ReduceL1" : "ReduceL2",
            List.of(body.input(0)),
            "axes",
            new long[] {node.integer("axis", -1)});
    String some = body.step("Max", List.of(norm, body.number(1e-37)));
    return body.of(body.step("Div", List.of(body.input(0), some)));
  }

  /** (x − mean) / (√(mean of squares − square of mean) + 1e-9). */
  private static OnnxModel.Function standardised(OnnxNode node, long opset) {
    long[] axes = node.integers("axes");
    if (axes == null) {
      axes = new long[] {0, 2, 3};
    }
    Body body = new Body(node, opset);
    String x = body.input(0);
    String mean = body.step("ReduceMean", List.of(x), "axes", axes);
    String centred = body.step("Sub", List.of(x, mean));
    String squares = body.step("Mul", List.of(centred, centred));
    String variance = body.step("ReduceMean", List.of(squares), "axes", axes);
    String deviation = body.step("Sqrt", List.of(variance));
    String some = body.step("Add", List.of(deviation, body.number(1e-9)));
    return body.of(body.step("Div", List.of(centred, some)));
  }

  /** x − y·⌊x/y⌋ towards zero, as C has it; of floats there is no other. */
  private static OnnxModel.Function remainder(OnnxNode node, long opset) {
    if (node.integer("fmod", 0) != 1) {
      throw refused(node, "has fmod = 0, which is for whole numbers");
    }
    Body body = new Body(node, opset);
    String quotient = body.step("Div", List.of(body.input(0), body.input(1)));
    String whole = body.step("Floor", List.of(body.step("Abs", List.of(quotient))));
    String signed = body.step("Mul", List.of(body.step("Sign", List.of(quotient)), whole));
    String rest = body.step("Mul", List.of(signed, body.input(1)));
    return body.of(body.step("Sub", List.of(body.input(0), rest)));
  }

  private static long number(OnnxNode node, List<Operand> inputs, int index, long otherwise)
      throws IOException {
    Operand operand = index < inputs.size() ? inputs.get(index) : null;
    if (operand == null) {
      return otherwise;
    }
    if (operand instanceof Constant constant && constant.size() == 1) {
      return constant.integers()[0];
    }
    throw refused(node, "does not have a constant as input " + index);
  }

  /** One triangle of the last two axes, zeros for the rest. */
  private static OnnxModel.Function triangle(OnnxNode node, List<Operand> inputs, long opset)
      throws IOException {
    long[] shape = inputs.get(0).shape();
    if (shape.length < 2) {
      throw refused(node, "has an input of less than two dimensions");
    }
    long diagonal = number(node, inputs, 1, 0);
    boolean upper = node.integer("upper", 1) != 0;
    int rows = Math.toIntExact(shape[shape.length - 2]);
    int columns = Math.toIntExact(shape[shape.length - 1]);
    double[] kept = Constant.room(rows, columns);
    for (int at = 0; at < kept.length; at++) {
      long right = at % columns - (long) (at / columns);
      kept[at] = (upper ? right >= diagonal : right <= diagonal) ? 1 : 0;
    }
    Body body = new Body(node, opset);
    Constant mask = Constant.computed(kept, ElementType.BOOL, rows, columns);
    return body.of(body.step("Where", List.of(body.constant(mask), body.input(0), body.number(0))));
  }

  /** Sums along an axis as a product with a triangle of ones. */
  private static OnnxModel.Function runningSum(OnnxNode node, List<Operand> inputs, long opset)
      throws IOException {
    long[] shape = inputs.get(0).shape();
    int axis = Movement.axis(number(node, inputs, 1, 0), shape.length);
    boolean strict = node.integer("exclusive", 0) != 0;
    boolean backwards = node.integer("reverse", 0) != 0;
    int size = Math.toIntExact(shape[axis]);
    double[] matrix = Constant.room(size, size);
    for (int from = 0; from < size; from++) {
      for (int to = 0; to < size; to++) {
        int behind = backwards ? from - to : to - from;
        matrix[from * size + to] = behind > 0 || (behind == 0 && !strict) ? 1 : 0;
      }
    }
    long[] last =
        IntStream.range(0, shape.length)
            .mapToLong(i -> i == axis ? shape.length - 1 : i == shape.length - 1 ? axis : i)
            .toArray();
    Body body = new Body(node, opset);
    String turned = body.step("Transpose", List.of(body.input(0)), "perm", last);
    Constant ones = Constant.ofValues(matrix, false, size, size);
    String sums = body.step("MatMul", List.of(turned, body.constant(ones)));
    return body.of(body.step("Transpose", List.of(sums), "perm", last));
  }

  /** A layer normalisation that hands out its mean and the inverse of its deviation. */
  private static OnnxModel.Function withStatistics(
      OnnxNode node, List<Operand> inputs, long opset) {
    int rank = inputs.get(0).shape().length;
    int first = Movement.axis(node.integer("axis", -1), rank);
    long[] axes = IntStream.range(first, rank).asLongStream().toArray();
    if (node.integer("stash_type", 1) != 1) {
      throw refused(node, "has an unsupported stash_type");
    }
    Body body = new Body(node, opset);
    String x = body.input(0);
    String mean = body.step("ReduceMean", List.of(x), "axes", axes);
    String centred = body.step("Sub", List.of(x, mean));
    String squares = body.step("Mul", List.of(centred, centred));
    String variance = body.step("ReduceMean", List.of(squares), "axes", axes);
    String eps = body.number(node.real("epsilon", 1e-5f));
    String deviation = body.step("Sqrt", List.of(body.step("Add", List.of(variance, eps))));
    String inverse = body.step("Reciprocal", List.of(deviation));
    String y =
        body.step("Mul", List.of(body.step("Mul", List.of(centred, inverse)), body.input(1)));
    if (inputs.size() > 2 && inputs.get(2) != null) {
      y = body.step("Add", List.of(y, body.input(2)));
    }
    return body.of(y, mean, inverse);
  }

  /** Until operator set 21 a factor and a summand are for each group, not for each channel. */
  private static OnnxModel.Function groupsScaled(OnnxNode node, List<Operand> inputs, long opset) {
    long[] shape = inputs.get(0).shape();
    long groups = node.integer("num_groups", 0);
    if (shape.length < 3 || groups < 1 || shape[1] % groups != 0) {
      throw refused(node, "has channels that cannot be divided into its groups");
    }
    long[] parameter = {1, groups, 1};
    Body body = new Body(node, opset);
    String rows = body.step("Reshape", List.of(body.input(0), body.integers(shape[0], groups, -1)));
    String mean = body.step("ReduceMean", List.of(rows), "axes", new long[] {2});
    String centred = body.step("Sub", List.of(rows, mean));
    String squares = body.step("Mul", List.of(centred, centred));
    String variance = body.step("ReduceMean", List.of(squares), "axes", new long[] {2});
    String eps = body.number(node.real("epsilon", 1e-5f));
    String deviation = body.step("Sqrt", List.of(body.step("Add", List.of(variance, eps))));
    String normed = body.step("Div", List.of(centred, deviation));
    String scale = body.step("Reshape", List.of(body.input(1), body.integers(parameter)));
    String shift = body.step("Reshape", List.of(body.input(2), body.integers(parameter)));
    String y = body.step("Add", List.of(body.step("Mul", List.of(normed, scale)), shift));
    return body.of(body.step("Reshape", List.of(y, body.integers(shape))));
  }

  /** α·A·B + β·C, A or B transposed. */
  private static OnnxModel.Function product(OnnxNode node, List<Operand> inputs, long opset) {
    Shapes.gemm(node, inputs.get(0).shape(), inputs.get(1).shape());
    Body body = new Body(node, opset);
    String[] factors = new String[2];
    for (int i = 0; i < 2; i++) {
      boolean turned = node.integer(i == 0 ? "transA" : "transB", 0) != 0;
      factors[i] =
          turned
              ? body.step("Transpose", List.of(body.input(i)), "perm", new long[] {1, 0})
              : body.input(i);
    }
    String y = body.step("MatMul", List.of(factors));
    y = body.step("Mul", List.of(y, body.number(node.real("alpha", 1))));
    if (inputs.size() > 2 && inputs.get(2) != null) {
      String beta = body.number(node.real("beta", 1));
      y = body.step("Add", List.of(y, body.step("Mul", List.of(body.input(2), beta))));
    }
    return body.of(y);
  }

  /** Whether a Gemm is rows times a weight, plus a bias for each column. */
  private static boolean isLinear(OnnxNode node, List<Operand> inputs) {
    Operand bias = inputs.size() > 2 ? inputs.get(2) : null;
    long[] shape = bias == null ? new long[0] : bias.shape();
    return node.integer("transA", 0) == 0
        && inputs.get(1) instanceof Constant
        && (bias == null || (bias instanceof Constant && node.real("beta", 1) == 1))
        && (shape.length < 2 || shape[0] == 1);
  }

  /** Einsum of more than two operands: one after another is multiplied in. */
  private static final class Einsums {
    private Einsums() {}

    /**
     * Writes it as products of two.
     *
     * @param opset version of the operator set
     */
    static OnnxModel.Function inPairs(OnnxNode node, long opset) {
      String text = node.text("equation", "").replace(" ", "");
      int arrow = text.indexOf("->");
      List<String> terms = List.of((arrow < 0 ? text : text.substring(0, arrow)).split(",", -1));
      if (terms.size() != node.inputs().size() || text.contains(".")) {
        throw Composites.refused(node, "has the equation " + text);
      }
      String all = String.join("", terms);
      String out =
          arrow < 0
              ? letters(all, letter -> all.indexOf(letter) == all.lastIndexOf(letter))
              : text.substring(arrow + 2);
      Body body = new Body(node, opset);
      String product = body.input(0);
      String labels = terms.get(0);
      for (int i = 1; i < terms.size(); i++) {
        String rest = out + String.join("", terms.subList(i + 1, terms.size()));
        // What no later operand and no result has is summed up at once.
        String kept =
            i == terms.size() - 1
                ? out
                : letters(labels + terms.get(i), letter -> rest.indexOf(letter) >= 0);
        product =
            body.step(
                "Einsum",
                List.of(product, body.input(i)),
                "equation",
                labels + "," + terms.get(i) + "->" + kept);
        labels = kept;
      }
      return body.of(product);
    }

    private static String letters(String of, java.util.function.IntPredicate wanted) {
      return of.chars()
          .filter(wanted)
          .distinct()
          .sorted()
          .mapToObj(Character::toString)
          .collect(Collectors.joining());
    }
  }
}
