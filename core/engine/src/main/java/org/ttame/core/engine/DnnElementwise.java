package org.ttame.core.engine;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC_0;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC_1;
import static org.bytedeco.dnnl.global.dnnl.dnnl_a;
import static org.bytedeco.dnnl.global.dnnl.dnnl_binary_desc_init;
import static org.bytedeco.dnnl.global.dnnl.dnnl_binary_mul;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_backward_desc_init;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_forward_desc_init;
import static org.bytedeco.dnnl.global.dnnl.dnnl_forward_inference;
import static org.bytedeco.dnnl.global.dnnl.dnnl_forward_training;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.dnnl.const_dnnl_op_desc_t;
import org.bytedeco.dnnl.dnnl_binary_desc_t;
import org.bytedeco.dnnl.dnnl_eltwise_desc_t;
import org.bytedeco.dnnl.dnnl_memory_desc_t;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.nd4j.linalg.api.buffer.DataType;
import org.ttame.core.engine.KernelSequence.Stage;
import org.ttame.core.engine.PostOperation.Operand;

/**
 * Kernels of oneDNN for arrays of a type, which treat each value by itself, one pass over memory
 * each. All throw {@link OneDnn.UnsupportedException} where oneDNN has nothing fast.
 */
record DnnElementwise(OneDnn dnn, DataType type) {
  /** The kind of {@link #reluGradient}. */
  static final String RELU_GRADIENT = "relu gradient";

  /**
   * Functions and arithmetic, one after the other in one pass. They are computed in float32
   * whatever the arrays' types.
   *
   * @param shape of the first input and of the result
   * @param operations in order; those with another array make an input each
   * @param types of the arrays; this object's own does not count
   */
  Kernel sequence(long[] shape, List<PostOperation> operations, ArrayTypes types) {
    types.requireApart();
    dnnl_memory_desc_t values = OneDnn.as(types.input(0), layout(shape, operations));
    dnnl_memory_desc_t result = OneDnn.as(types.output(), values);
    PostOperation first = operations.get(0);
    if (operations.size() == 1 && !first.hasOperand() && first.scale() == 1) {
      types.uniform();
      return function(PostOperation.name("", operations), first, values);
    }
    boolean own = first.hasOperand();
    boolean scales = first.isScaling();
    List<PostOperation> rest =
        own || scales ? operations.subList(1, operations.size()) : operations;
    List<DataType> others = types.from(own ? 2 : 1);
    // oneDNN lets functions follow arithmetic alone: without any, the values times a number.
    dnnl_memory_desc_t second =
        own ? first.layout(values, types.input(1)) : OneDnn.as(DataType.FLOAT, one(values));
    try (dnnl_binary_desc_t binary = new dnnl_binary_desc_t();
        const_dnnl_op_desc_t general = new const_dnnl_op_desc_t(binary)) {
      int algorithm = own ? first.algorithm() : dnnl_binary_mul;
      OneDnn.check(dnnl_binary_desc_init(binary, algorithm, values, second, result), "arithmetic");
      dnnl_primitive_desc desc = PostOperation.plan(dnn, general, rest, result, others, false);
      DnnKernel kernel =
          DnnKernel.of(dnn, PostOperation.name("", operations), 0, desc)
              .elementwise(true)
              .input(DNNL_ARG_SRC_0, values);
      if (own) {
        kernel.input(DNNL_ARG_SRC_1, second);
      } else {
        kernel.owned(DNNL_ARG_SRC_1, dnn.number(second, scales ? first.alpha() : 1));
      }
      PostOperation.addInputs(kernel, rest, result, others, false);
      return kernel.output(DNNL_ARG_DST, result);
    }
  }

  /**
   * Images or rows of channels where an operand has one value each, otherwise all values in a row.
   */
  private dnnl_memory_desc_t layout(long[] shape, List<PostOperation> operations) {
    if (operations.stream().anyMatch(next -> next.operand() == Operand.IMAGE)) {
      long channels = shape[shape.length - 1];
      long[] sides = sides(OperationCall.length(shape) / shape[0] / channels, channels);
      long[] dims = new long[2 + sides.length];
      long[] strides = new long[dims.length];
      dims[0] = shape[0];
      dims[1] = channels;
      strides[1] = 1;
      long apart = channels;
      for (int i = sides.length - 1; i >= 0; i--) {
        dims[2 + i] = sides[i];
        strides[2 + i] = apart;
        apart *= sides[i];
      }
      strides[0] = apart;
      return OneDnn.describe(type, dims, strides);
    }
    return operations.stream().anyMatch(next -> next.operand() == Operand.CHANNEL)
        ? DnnRows.layout(type, shape)
        : OneDnn.describe(type, dnnl_a, OperationCall.length(shape));
  }

  /**
   * An image's pixels as two or three sides: oneDNN 2.5 has one value a channel of each image only
   * where each side has at least two pixels, and no more than there are channels.
   */
  private static long[] sides(long pixels, long channels) {
    long first = divisor(pixels, Math.min(channels, pixels / 2));
    long rest = pixels / first;
    if (first > 1 && rest <= channels) {
      return new long[] {rest, first};
    }
    long second = divisor(rest, Math.min(channels, rest / 2));
    if (first < 2 || second < 2 || rest / second > channels) {
      throw new OneDnn.UnsupportedException("one value a channel of images of such a size");
    }
    return new long[] {rest / second, second, first};
  }

  private static long divisor(long number, long most) {
    long divisor = Math.max(1, most);
    while (number % divisor != 0) {
      divisor--;
    }
    return divisor;
  }

  private dnnl_memory_desc_t one(dnnl_memory_desc_t values) {
    long[] dims = new long[values.ndims()];
    long[] strides = new long[values.ndims()];
    Arrays.fill(dims, 1);
    Arrays.fill(strides, 1);
    return OneDnn.describe(type, dims, strides);
  }

  private DnnKernel function(String name, PostOperation function, dnnl_memory_desc_t values) {
    try (dnnl_eltwise_desc_t forward = new dnnl_eltwise_desc_t();
        const_dnnl_op_desc_t general = new const_dnnl_op_desc_t(forward)) {
      if (function.scale() != 1) {
        throw new OneDnn.UnsupportedException("a function alone has no scale");
      }
      OneDnn.check(
          dnnl_eltwise_forward_desc_init(
              forward,
              dnnl_forward_inference,
              function.algorithm(),
              values,
              function.alpha(),
              function.beta()),
          name);
      return DnnKernel.of(dnn, name, 0, dnn.plan(general, null, null))
          .elementwise(true)
          .input(DNNL_ARG_SRC, values)
          .output(DNNL_ARG_DST, values);
    }
  }

  /**
   * The gradient of a ReLU: inputs its output's gradient and its output, in this order.
   *
   * @param length values
   */
  Kernel reluGradient(long length) {
    return gradientFromOutput(PostOperation.RELU, length);
  }

  /**
   * A function's gradient, from its output: inputs the output's gradient and the output, in this
   * order.
   *
   * @param function ReLU, sigmoid or clip
   * @param length values
   */
  Kernel gradientFromOutput(PostOperation function, long length) {
    return gradient(
            function.name() + " gradient",
            function.algorithmFromOutput(),
            function,
            length,
            List.of(DNNL_ARG_DIFF_DST, DNNL_ARG_DST))
        .elementwise(true);
  }

  /**
   * A function's gradient, from its input: inputs the function's input and the output's gradient,
   * in this order.
   *
   * @param length values
   */
  DnnKernel gradient(PostOperation function, long length) {
    return gradient(
        function.name() + " gradient",
        function.algorithm(),
        function,
        length,
        List.of(DNNL_ARG_SRC, DNNL_ARG_DIFF_DST));
  }

  /**
   * factor·GELU'(scale·x)·g: inputs x and g, in this order.
   *
   * @param length values
   */
  Kernel geluGradient(long length, double scale, double factor) {
    List<Stage> stages = new ArrayList<>();
    DnnKernel inner = gradient(PostOperation.GELU, length);
    if (scale == 1) {
      stages.add(new Stage(inner, 0, 1));
    } else {
      stages.add(new Stage(scaled((float) scale, length), 0));
      stages.add(new Stage(inner, KernelSequence.RESULT, 1));
    }
    if (Math.abs(factor - 1) > 1e-6) {
      stages.add(new Stage(scaled((float) factor, length), KernelSequence.RESULT));
    }
    return new KernelSequence("gelu gradient", stages.toArray(Stage[]::new));
  }

  /** Values times a number. */
  Kernel scaled(float factor, long length) {
    return function(
        "scale", PostOperation.linear(factor, 0), OneDnn.describe(type, dnnl_a, length));
  }

  /** An elementwise gradient that reads two arrays, in the order of their roles. */
  private DnnKernel gradient(
      String name, int kind, PostOperation function, long length, List<Integer> roles) {
    dnnl_memory_desc_t values = OneDnn.describe(type, dnnl_a, length);
    float alpha = function.alpha();
    float beta = function.beta();
    try (dnnl_eltwise_desc_t forward = new dnnl_eltwise_desc_t();
        dnnl_eltwise_desc_t backward = new dnnl_eltwise_desc_t();
        const_dnnl_op_desc_t generalForward = new const_dnnl_op_desc_t(forward);
        const_dnnl_op_desc_t generalBackward = new const_dnnl_op_desc_t(backward)) {
      OneDnn.check(
          dnnl_eltwise_forward_desc_init(forward, dnnl_forward_training, kind, values, alpha, beta),
          name);
      OneDnn.check(
          dnnl_eltwise_backward_desc_init(backward, kind, values, values, alpha, beta), name);
      dnnl_primitive_desc desc = dnn.planBackward(generalForward, generalBackward);
      return DnnKernel.of(dnn, name, 0, desc)
          .input(roles.get(0), values)
          .input(roles.get(1), values)
          .output(DNNL_ARG_DIFF_SRC, values);
    }
  }
}
