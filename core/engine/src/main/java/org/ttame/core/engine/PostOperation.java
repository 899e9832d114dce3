package org.ttame.core.engine;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC_1;
import static org.bytedeco.dnnl.global.dnnl.dnnl_binary_add;
import static org.bytedeco.dnnl.global.dnnl.dnnl_binary_div;
import static org.bytedeco.dnnl.global.dnnl.dnnl_binary_mul;
import static org.bytedeco.dnnl.global.dnnl.dnnl_binary_sub;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_abs;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_clip_v2;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_clip_v2_use_dst_for_bwd;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_gelu_erf;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_hardswish;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_linear;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_logistic;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_logistic_use_dst_for_bwd;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_relu;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_relu_use_dst_for_bwd;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_sqrt;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_square;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_swish;
import static org.bytedeco.dnnl.global.dnnl.dnnl_post_ops_append_binary;
import static org.bytedeco.dnnl.global.dnnl.dnnl_post_ops_append_eltwise;
import static org.bytedeco.dnnl.global.dnnl.dnnl_post_ops_append_sum;
import static org.bytedeco.dnnl.global.dnnl.dnnl_post_ops_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_post_ops_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_attr_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_attr_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_attr_set_post_ops;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import org.bytedeco.dnnl.const_dnnl_op_desc_t;
import org.bytedeco.dnnl.dnnl_memory_desc_t;
import org.bytedeco.dnnl.dnnl_post_ops;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.ScalarOp;

/**
 * What oneDNN does to each value of a result before that leaves the cache: a function of it, or
 * arithmetic with another array.
 *
 * @param name for profiles; empty for what goes with the next
 * @param algorithm oneDNN's number of the function or the arithmetic
 * @param scale what the function's value is multiplied by
 * @param alpha the function's first parameter
 * @param beta the function's second parameter
 * @param operand which values the other array has
 */
record PostOperation(
    String name, int algorithm, float scale, float alpha, float beta, Operand operand) {

  /** What the other array of an arithmetic operation is. */
  enum Operand {
    /** There is none: a function. */
    NONE,

    /** One of the result's shape. */
    SAME,

    /** A value for each channel, the last axis. */
    CHANNEL,

    /** A value for each channel of each image: {@code [B, 1, .., 1, C]}. */
    IMAGE;

    /** What an array is to a result; null for none of these. */
    static Operand of(PlanValue value, PlanValue result) {
      if (value.sameShape(result)) {
        return SAME;
      }
      long channels = result.channels();
      if (value.channels() != channels || channels == 1) {
        return null;
      }
      if (value.length() == channels) {
        return CHANNEL;
      }
      boolean image =
          value.shape.length == result.shape.length
              && value.shape.length > 2
              && value.shape[0] == result.shape[0]
              && value.length() == value.shape[0] * channels;
      return image ? IMAGE : null;
    }
  }

  /** oneDNN takes 32 in all, the first of which may be the kernel's own. */
  private static final int MOST = 30;

  private static final float SQRT_2 = (float) Math.sqrt(2);

  /** max(x, 0). */
  static final PostOperation RELU = function("relu", dnnl_eltwise_relu, 0, 0);

  /** 1/(1 + exp(−x)). */
  static final PostOperation SIGMOID = function("sigmoid", dnnl_eltwise_logistic, 0, 0);

  /** x/(1 + exp(−x)). */
  static final PostOperation SWISH = function("swish", dnnl_eltwise_swish, 1, 0);

  /** x·min(max(x + 3, 0), 6)/6. */
  static final PostOperation HARD_SWISH = function("hard swish", dnnl_eltwise_hardswish, 0, 0);

  /** x·Φ(x), Φ the normal distribution. */
  static final PostOperation GELU = function("gelu", dnnl_eltwise_gelu_erf, 0, 0);

  /** x + x·erf(x), which is √2·GELU(√2·x). */
  static final List<PostOperation> ERF_GATE =
      List.of(
          linear(SQRT_2, 0),
          new PostOperation("erf gate", dnnl_eltwise_gelu_erf, SQRT_2, 0, 0, Operand.NONE));

  /** x + y, y of the result's shape. */
  static final PostOperation ADD = arithmetic("add", dnnl_binary_add, Operand.SAME);

  /** αx + β. */
  static PostOperation linear(float alpha, float beta) {
    return function("", dnnl_eltwise_linear, alpha, beta);
  }

  private static PostOperation function(String name, int algorithm, float alpha, float beta) {
    return new PostOperation(name, algorithm, 1, alpha, beta, Operand.NONE);
  }

  private static PostOperation arithmetic(String name, int algorithm, Operand operand) {
    return new PostOperation(name, algorithm, 1, 0, 0, operand);
  }

  /**
   * What arithmetic does to one of a step's two inputs, or null if oneDNN has none such.
   *
   * @param place which of the inputs; the other must be there to read
   */
  static List<PostOperation> ofArithmetic(PlanStep step, int place) {
    PlanValue other = step.inputs.get(1 - place);
    Operand operand = Operand.of(other, step.outputs.get(0));
    if (operand == null || !OneDnnPass.dense(other)) {
      return null;
    }
    return switch (step.kind()) {
      case "add" -> List.of(arithmetic("add", dnnl_binary_add, operand));
      case "multiply" -> List.of(arithmetic("multiply", dnnl_binary_mul, operand));
      case "subtract" ->
          place == 0
              ? List.of(arithmetic("subtract", dnnl_binary_sub, operand))
              : List.of(linear(-1, 0), arithmetic("add", dnnl_binary_add, operand));
      case "divide" -> place == 0 ? List.of(arithmetic("divide", dnnl_binary_div, operand)) : null;
      default -> null;
    };
  }

  /** What a step of one input does to each value, or null if oneDNN has none such. */
  static List<PostOperation> ofFunctions(PlanStep step) {
    PostOperation function = step.functions == null ? ofFunction(step) : null;
    return function == null ? step.functions : List.of(function);
  }

  /**
   * The function that a step of one input computes, or null if oneDNN has none such. Its exp makes
   * infinity of not-a-number, which would hide a fault: left to ND4J.
   */
  static PostOperation ofFunction(PlanStep step) {
    if (step.kernel != null || step.inputs.size() != 1 || step.outputs.size() != 1) {
      return null;
    }
    Double scalar =
        step.op instanceof ScalarOp op && op.scalar() != null ? op.scalar().getDouble(0) : null;
    return switch (step.kind()) {
      case "relu" -> scalar != null && scalar == 0 ? RELU : null;
      case "sigmoid" -> SIGMOID;
      case "sqrt" -> function("sqrt", dnnl_eltwise_sqrt, 0, 0);
      case "square" -> function("square", dnnl_eltwise_square, 0, 0);
      case "abs" -> function("abs", dnnl_eltwise_abs, 0, 0);
      case "neg" -> linear(-1, 0);
      case "mul_scalar" -> scalar == null ? null : linear(scalar.floatValue(), 0);
      case "add_scalar" -> scalar == null ? null : linear(1, scalar.floatValue());
      case "ClipByValue" -> clip(((DynamicCustomOp) step.op).tArgs());
      default -> null;
    };
  }

  private static PostOperation clip(double[] limits) {
    return limits.length == 2
        ? function("clip", dnnl_eltwise_clip_v2, (float) limits[0], (float) limits[1])
        : null;
  }

  /**
   * Whether operations may follow others: oneDNN takes so many and no more, and 2.5 computes a
   * function that comes twice with the first one's parameters both times.
   */
  static boolean mayFollow(List<PostOperation> operations, List<PostOperation> more) {
    List<PostOperation> all = new ArrayList<>(operations);
    more.forEach(next -> append(all, next));
    if (all.size() > MOST) {
      return false;
    }
    for (int i = 0; i < all.size(); i++) {
      for (int j = 0; j < i; j++) {
        boolean twice = all.get(i).algorithm == all.get(j).algorithm && !all.get(i).hasOperand();
        if (twice && !all.get(i).equals(all.get(j))) {
          return false;
        }
      }
    }
    return true;
  }

  /**
   * Adds an operation to others; lines, one after the other, are one.
   *
   * @param operations in order
   */
  static void append(List<PostOperation> operations, PostOperation next) {
    PostOperation last = operations.isEmpty() ? null : operations.get(operations.size() - 1);
    boolean line = next.algorithm == dnnl_eltwise_linear && next.scale == 1;
    if (line && last != null && last.algorithm == dnnl_eltwise_linear) {
      operations.remove(operations.size() - 1);
      float alpha = one(last.scale * last.alpha * next.alpha);
      float beta = last.scale * last.beta * next.alpha + next.beta;
      if (alpha != 1 || beta != 0 || operations.isEmpty()) {
        operations.add(linear(alpha, beta));
      }
    } else if (last != null && next.isScaling() && !last.hasOperand()) {
      operations.remove(operations.size() - 1);
      float scale = one(last.scale * next.alpha);
      operations.add(
          new PostOperation(last.name, last.algorithm, scale, last.alpha, last.beta, Operand.NONE));
    } else {
      operations.add(next);
    }
  }

  /** A factor that is one but for rounding is one. */
  private static float one(float factor) {
    return Math.abs(factor - 1) < 2e-7f ? 1 : factor;
  }

  /** Whether this is min(max(x/6 + 1/2, 0), 1), the function that makes hard swish of x. */
  static boolean isHardSigmoid(List<PostOperation> functions) {
    if (functions.size() < 2 || functions.size() > 3) {
      return false;
    }
    PostOperation last = functions.get(functions.size() - 1);
    if (last.algorithm != dnnl_eltwise_clip_v2 || last.alpha != 0 || last.beta != 1) {
      return false;
    }
    double alpha = 1;
    double beta = 0;
    for (PostOperation next : functions.subList(0, functions.size() - 1)) {
      if (next.algorithm != dnnl_eltwise_linear) {
        return false;
      }
      alpha *= next.alpha;
      beta = beta * next.alpha + next.beta;
    }
    return Math.abs(alpha - 1.0 / 6) < 1e-6 && Math.abs(beta - 0.5) < 1e-6;
  }

  /** oneDNN's number of the function whose gradient is computed from its output. */
  int algorithmFromOutput() {
    return switch (algorithm) {
      case dnnl_eltwise_relu -> dnnl_eltwise_relu_use_dst_for_bwd;
      case dnnl_eltwise_logistic -> dnnl_eltwise_logistic_use_dst_for_bwd;
      case dnnl_eltwise_clip_v2 -> dnnl_eltwise_clip_v2_use_dst_for_bwd;
      default -> throw new OneDnn.UnsupportedException(name + " has no gradient from its output");
    };
  }

  /** Whether it is a product with {@link #alpha} and no more. */
  boolean isScaling() {
    return algorithm == dnnl_eltwise_linear && beta == 0 && scale == 1;
  }

  /** Whether it reads another array. */
  boolean hasOperand() {
    return operand != Operand.NONE;
  }

  /** A name for all of it: {@code product + relu}. */
  static String name(String kind, List<PostOperation> after) {
    List<String> parts = new ArrayList<>();
    if (!kind.isEmpty()) {
      parts.add(kind);
    }
    after.stream().map(PostOperation::name).filter(name -> !name.isEmpty()).forEach(parts::add);
    return parts.isEmpty() ? "linear" : String.join(" + ", parts);
  }

  /**
   * Plans an operation with what follows it.
   *
   * @param after in order
   * @param target the result's layout, whose second dimension is the channels
   * @param others the types of the other arrays, in order
   * @param over whether the first operation adds what the result is written over
   * @return the caller destroys it
   */
  static dnnl_primitive_desc plan(
      OneDnn dnn,
      const_dnnl_op_desc_t operation,
      List<PostOperation> after,
      dnnl_memory_desc_t target,
      List<DataType> others,
      boolean over) {
    if (over && (after.isEmpty() || !after.get(0).equals(ADD))) {
      throw new OneDnn.UnsupportedException("nothing of the result's shape is added first");
    }
    Iterator<DataType> types = others.iterator();
    dnnl_primitive_attr attributes = new dnnl_primitive_attr();
    dnnl_post_ops operations = new dnnl_post_ops();
    OneDnn.check(dnnl_primitive_attr_create(attributes), "attributes");
    OneDnn.check(dnnl_post_ops_create(operations), "post operations");
    try {
      if (over) {
        OneDnn.check(dnnl_post_ops_append_sum(operations, 1), "sum");
        types.next();
      }
      for (PostOperation next : after.subList(over ? 1 : 0, after.size())) {
        OneDnn.check(
            next.hasOperand()
                ? dnnl_post_ops_append_binary(
                    operations, next.algorithm, next.layout(target, types.next()))
                : dnnl_post_ops_append_eltwise(
                    operations, next.scale, next.algorithm, next.alpha, next.beta),
            next.name);
      }
      OneDnn.check(dnnl_primitive_attr_set_post_ops(attributes, operations), "post operations");
      return dnn.plan(operation, attributes, null);
    } finally {
      dnnl_post_ops_destroy(operations);
      dnnl_primitive_attr_destroy(attributes);
    }
  }

  /** The other arrays become inputs of the kernel, in order. */
  static void addInputs(
      DnnKernel kernel,
      List<PostOperation> after,
      dnnl_memory_desc_t target,
      List<DataType> others,
      boolean over) {
    Iterator<DataType> types = others.iterator();
    for (int at = 0; at < after.size(); at++) {
      if (over && at == 0) {
        types.next();
        kernel.inputInOutput();
      } else if (after.get(at).hasOperand()) {
        // DNNL_ARG_ATTR_MULTIPLE_POST_OP(at), a macro.
        kernel.input(
            (DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE * (at + 1)) | DNNL_ARG_SRC_1,
            after.get(at).layout(target, types.next()));
      }
    }
  }

  /**
   * How the other array lies.
   *
   * @param target the result's layout, whose first two dimensions are images, or rows, and channels
   * @param type the other array's
   */
  dnnl_memory_desc_t layout(dnnl_memory_desc_t target, DataType type) {
    if (operand == Operand.SAME) {
      return OneDnn.as(type, target);
    }
    int rank = target.ndims();
    long channels = target.dims().get(1);
    long[] dims = new long[rank];
    long[] strides = new long[rank];
    Arrays.fill(dims, 1);
    Arrays.fill(strides, channels);
    dims[0] = operand == Operand.IMAGE ? target.dims().get(0) : 1;
    dims[1] = channels;
    strides[1] = 1;
    return OneDnn.describe(type, dims, strides);
  }
}
