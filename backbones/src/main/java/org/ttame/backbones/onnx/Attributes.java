package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.ttame.core.Text;

/**
 * What the attributes of a node may say. An attribute changes what its node computes: one that
 * nothing reads is refused by name unless it has the value at which it changes nothing. {@link
 * ConverterRegistry} says what its operators have; the others are here.
 */
final class Attributes {
  /** Operators that have no converter: of constants alone, of families, of old operator sets. */
  private static final Map<String, Map<String, Long>> OTHERS =
      table(
          "PRelu Mish Softplus Softsign:",
          "Gemm: alpha beta broadcast transA transB",
          "InstanceNormalization: epsilon",
          "GroupNormalization: epsilon num_groups stash_type=1",
          "Attention: is_causal kv_num_heads left_window_size q_num_heads qk_matmul_output_mode"
              + " right_window_size scale softcap softmax_precision=1",
          "LpNormalization: axis p",
          "Col2Im: dilations pads strides",
          "LSTM: direction hidden_size input_forget=0 layout",
          "ConvTranspose: auto_pad dilations group kernel_shape output_padding output_shape pads"
              + " strides",
          "LpPool: auto_pad ceil_mode dilations kernel_shape p pads strides",
          "GlobalLpPool: p",
          "MeanVarianceNormalization: axes",
          "Concat GatherElements OneHot: axis",
          "LeakyRelu Elu Celu ThresholdedRelu Swish: alpha",
          "Selu: alpha gamma",
          "CastLike: round_mode saturate",
          "Constant: value value_float value_floats value_int value_ints",
          "ConstantOfShape: value",
          "ReduceProd: axes keepdims noop_with_empty_axes",
          "CumSum: exclusive reverse",
          "Shape: end start",
          "Pad: mode paddings value",
          "GatherND: batch_dims",
          "RotaryEmbedding: interleaved num_heads rotary_embedding_dim",
          "Scatter ScatterElements: axis reduction",
          "ScatterND: reduction",
          "Trilu: upper",
          "DepthToSpace SpaceToDepth: blocksize mode",
          "Einsum: equation",
          "Resize Upsample: antialias axes coordinate_transformation_mode cubic_coeff_a"
              + " exclude_outside extrapolation_value keep_aspect_ratio_policy mode nearest_mode"
              + " scales",
          "QuantizeLinear: axis block_size output_dtype precision=0 saturate",
          "DequantizeLinear: axis block_size output_dtype=0",
          "Mod: fmod",
          "IsInf: detect_negative detect_positive",
          // Old operator sets aligned their operands by axis; without it broadcast is numpy's.
          "Add Sub Mul Div Pow And Or Xor Equal Greater Less: broadcast",
          "Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Ceil Cos Cosh Floor"
              + " GreaterOrEqual IsNaN LessOrEqual Log Max Mean Min NonZero Not Range"
              + " Reciprocal Round Sign Sin Sinh Size Sum Tan Tile Where:");

  private Attributes() {}

  private static Map<String, Map<String, Long>> table(String... lines) {
    Map<String, Map<String, Long>> table = new HashMap<>();
    for (String line : lines) {
      String[] parts = line.split(":", -1);
      Map<String, Long> attributes = declared(parts[1].strip().split(" ", -1));
      for (String type : parts[0].split(" ", -1)) {
        table.put(type, attributes);
      }
    }
    return table;
  }

  /**
   * An operator's attributes.
   *
   * @param attributes {@code name} of one that is read, or has no say in a frozen classifier's
   *     values; {@code name=value} of one that is not read and must have that value
   * @return that value by name, null for an attribute that may have any
   */
  static Map<String, Long> declared(String... attributes) {
    Map<String, Long> declared = new HashMap<>();
    for (String attribute : attributes) {
      String[] pair = attribute.split("=", -1);
      declared.put(pair[0], pair.length > 1 ? Long.valueOf(pair[1]) : null);
    }
    return declared;
  }

  /** Whether an operator is known, if only on constants or in a family. */
  static boolean know(String type, long opset) {
    return of(type, opset) != null;
  }

  private static Map<String, Long> of(String type, long opset) {
    Map<String, Long> converted = ConverterRegistry.all().attributes(type, opset);
    return converted == null ? OTHERS.get(type) : converted;
  }

  /**
   * Checks a node.
   *
   * @param opset version of the operator set that it is of, 0 for the newest
   * @throws UnsupportedGraphException naming the operator or the attribute that is not read
   */
  static void check(OnnxNode node, long opset) {
    Map<String, Long> known = of(node.type(), opset);
    if (known == null) {
      throw new UnsupportedGraphException(
          Text.format("a %s node (\"%s\") is not supported", node.type(), node.displayName()));
    }
    node.attributes()
        .forEach(
            (name, value) -> {
              Long neutral = known.get(name);
              // Operator sets before 6 noted here which memory might be reused.
              boolean harmless = known.containsKey(name) || name.equals("consumed_inputs");
              if (!harmless || (neutral != null && value.integer() != neutral)) {
                throw new UnsupportedGraphException(
                    Text.format(
                        "%s node \"%s\" has %s = %s, which is not supported",
                        node.type(), node.displayName(), name, text(value)));
              }
            });
  }

  /**
   * The axis of a softmax. Before operator set 13 everything from the axis on was one row: that is
   * a softmax along one axis only where the others have one element.
   *
   * @param node a softmax
   * @param opset version of ONNX's own operator set, 0 where there is none
   * @param shape of its input
   * @return the node, its axis written out in today's sense
   */
  static OnnxNode alongOneAxis(OnnxNode node, long opset, long... shape) {
    boolean rows = opset > 0 && opset < 13;
    int axis = Movement.axis(node.integer("axis", rows ? 1 : -1), shape.length);
    if (rows) {
      int first = axis;
      while (axis < shape.length - 1 && shape[axis] == 1) {
        axis++;
      }
      for (int other = axis + 1; other < shape.length; other++) {
        if (shape[other] != 1) {
          throw new UnsupportedGraphException(
              Text.format(
                  "%s node \"%s\" normalises over all axes from %d on",
                  node.type(), node.displayName(), first));
        }
      }
    }
    return new OnnxNode(
        node.name(),
        node.domain(),
        node.type(),
        node.inputs(),
        node.outputs(),
        Map.of("axis", OnnxAttribute.of(axis)));
  }

  private static String text(OnnxAttribute value) {
    if (!value.text().isEmpty()) {
      return value.text();
    }
    if (value.integers().length > 0) {
      return Arrays.toString(value.integers());
    }
    return value.real() != 0 ? String.valueOf(value.real()) : String.valueOf(value.integer());
  }

  /**
   * What makes a node compute otherwise than it would in a frozen classifier.
   *
   * @param opset version of ONNX's own operator set, 0 where there is none
   * @param inputs its operands, null for one left out
   * @return a clause that names the node, or null where it is frozen
   */
  static String notFrozen(OnnxNode node, long opset, List<Operand> inputs) throws IOException {
    String found =
        switch (node.type()) {
          case "BatchNormalization" -> batchStatistics(node, opset, inputs);
          case "Dropout" -> dropping(node, opset, inputs);
          case "RandomNormal",
                  "RandomNormalLike",
                  "RandomUniform",
                  "RandomUniformLike",
                  "Multinomial",
                  "Bernoulli" ->
              "draws random numbers";
          default -> null;
        };
    return found == null
        ? null
        : Text.format("%s node \"%s\" %s", node.type(), node.displayName(), found);
  }

  /**
   * How a normalisation says that it takes each batch's own mean and variance. Of weights, which
   * some networks standardise so, these are as frozen as the weights.
   */
  private static String batchStatistics(OnnxNode node, long opset, List<Operand> inputs) {
    boolean known = inputs.stream().allMatch(Constant.class::isInstance);
    if (node.integer("training_mode", 0) != 0) {
      return known ? null : "has training_mode = 1";
    }
    if (opset > 0 && opset < 7 && node.integer("is_test", 0) == 0) {
      return "has is_test = 0";
    }
    boolean statistics = node.outputs().stream().skip(1).anyMatch(name -> !name.isEmpty());
    return statistics ? "returns the statistics of its batch" : null;
  }

  private static String dropping(OnnxNode node, long opset, List<Operand> inputs)
      throws IOException {
    if (opset > 0 && opset < 7) {
      return node.integer("is_test", 0) == 0 ? "has is_test = 0" : null;
    }
    Operand training = inputs.size() > 2 ? inputs.get(2) : null;
    boolean off = training == null || (training instanceof Constant constant && constant.all(0));
    return off ? null : "has training_mode = true";
  }
}
