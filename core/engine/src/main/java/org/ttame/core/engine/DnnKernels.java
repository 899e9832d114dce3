package org.ttame.core.engine;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC_1;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_WEIGHTS;
import static org.bytedeco.dnnl.global.dnnl.dnnl_a;
import static org.bytedeco.dnnl.global.dnnl.dnnl_ab;
import static org.bytedeco.dnnl.global.dnnl.dnnl_ba;
import static org.bytedeco.dnnl.global.dnnl.dnnl_binary_add;
import static org.bytedeco.dnnl.global.dnnl.dnnl_convolution_backward_data_desc_init;
import static org.bytedeco.dnnl.global.dnnl.dnnl_convolution_direct;
import static org.bytedeco.dnnl.global.dnnl.dnnl_convolution_forward_desc_init;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_backward_desc_init;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_forward_desc_init;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_gelu_erf;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_linear;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_relu;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_relu_use_dst_for_bwd;
import static org.bytedeco.dnnl.global.dnnl.dnnl_format_tag_any;
import static org.bytedeco.dnnl.global.dnnl.dnnl_forward_inference;
import static org.bytedeco.dnnl.global.dnnl.dnnl_forward_training;
import static org.bytedeco.dnnl.global.dnnl.dnnl_hwio;
import static org.bytedeco.dnnl.global.dnnl.dnnl_matmul_desc_init;
import static org.bytedeco.dnnl.global.dnnl.dnnl_nChw8c;
import static org.bytedeco.dnnl.global.dnnl.dnnl_nhwc;
import static org.bytedeco.dnnl.global.dnnl.dnnl_post_ops_append_binary;
import static org.bytedeco.dnnl.global.dnnl.dnnl_post_ops_append_eltwise;
import static org.bytedeco.dnnl.global.dnnl.dnnl_post_ops_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_post_ops_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_attr_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_attr_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_attr_set_post_ops;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_desc_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_desc_query_md;
import static org.bytedeco.dnnl.global.dnnl.dnnl_query_weights_md;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.bytedeco.dnnl.const_dnnl_op_desc_t;
import org.bytedeco.dnnl.dnnl_convolution_desc_t;
import org.bytedeco.dnnl.dnnl_eltwise_desc_t;
import org.bytedeco.dnnl.dnnl_matmul_desc_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc_t;
import org.bytedeco.dnnl.dnnl_post_ops;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.engine.KernelSequence.Stage;

/**
 * Kernels of oneDNN for steps with frozen weights. All throw {@link OneDnn.UnsupportedException}
 * where oneDNN has nothing fast.
 */
final class DnnKernels {
  /** The kind of {@link #reluGradient}, which may write over its first input. */
  static final String RELU_GRADIENT = "relu gradient";

  private static final float SQRT_2 = (float) Math.sqrt(2);

  /**
   * Rows of weights that are a multiple of this apart share sets of the cache: such weights are
   * rearranged, others are read as they lie.
   */
  private static final long PAGE = 4096;

  private final OneDnn dnn;
  private final PackedWeights packed;
  private final boolean narrow;

  /**
   * Kernels.
   *
   * @param packed keeps their weights
   * @param narrow whether to choose as on processors without AVX-512: convolutions read and write
   *     blocks of channels where they can, see {@link BlockedLayoutPass}, and products are
   *     convolutions
   */
  DnnKernels(OneDnn dnn, PackedWeights packed, boolean narrow) {
    this.dnn = dnn;
    this.packed = packed;
    this.narrow = narrow;
  }

  /** Kernels for what lies between convolutions of blocks. */
  BlockKernels ofBlocks() {
    return new BlockKernels(dnn);
  }

  /**
   * A convolution with what follows it.
   *
   * @param weights frozen, {@code [kH, kW, I, O]}
   * @param bias frozen, {@code [O]}, or null
   * @param after done to the result, in order; each ADD makes an input
   */
  Kernel convolution(Window window, INDArray weights, INDArray bias, List<PostOperation> after) {
    String kind = "convolution " + window.name();
    if (narrow && window.fitsBlocks()) {
      try {
        return convolution(kind, window, weights, bias, after, dnnl_nChw8c).inBlocks();
      } catch (OneDnn.UnsupportedException e) {
        // Channels last, then.
      }
    }
    return convolution(kind, window, weights, bias, after, dnnl_nhwc);
  }

  private DnnKernel convolution(
      String kind,
      Window window,
      INDArray weights,
      INDArray bias,
      List<PostOperation> after,
      int tag) {
    dnnl_memory_desc_t source = OneDnn.image(tag, window.input());
    dnnl_memory_desc_t target = OneDnn.image(tag, window.output());
    dnnl_memory_desc_t any = weights(window, dnnl_format_tag_any);
    dnnl_memory_desc_t channels = OneDnn.describe(dnnl_a, window.output()[3]);
    try (dnnl_convolution_desc_t operation = new dnnl_convolution_desc_t();
        const_dnnl_op_desc_t general = new const_dnnl_op_desc_t(operation)) {
      OneDnn.check(
          dnnl_convolution_forward_desc_init(
              operation,
              dnnl_forward_inference,
              dnnl_convolution_direct,
              source,
              any,
              bias == null ? null : channels,
              target,
              window.stride(),
              window.padding(),
              window.padding()),
          "convolution");
      dnnl_primitive_desc desc = plan(general, after, target, null);
      dnnl_memory memory = pack(desc, weights, weights(window, dnnl_hwio));
      DnnKernel kernel = DnnKernel.of(dnn, name(kind, after), window.operations(), desc);
      kernel.input(DNNL_ARG_SRC, source);
      addInputs(kernel, after, target);
      return kernel
          .constant(DNNL_ARG_WEIGHTS, memory)
          .bias(bias, channels)
          .output(DNNL_ARG_DST, target);
    }
  }

  /**
   * How a convolution's input gradient follows from its output's.
   *
   * @param weights frozen, {@code [kH, kW, I, O]}
   * @return a kernel with the input {@code [B, h, w, O]} and the output {@code [B, H, W, I]}
   */
  Kernel convolutionGradient(Window window, INDArray weights) {
    if (narrow && window.gradientFitsBlocks()) {
      try {
        return convolutionGradient(window, weights, dnnl_nChw8c).inBlocks();
      } catch (OneDnn.UnsupportedException e) {
        // Channels last, then.
      }
    }
    return convolutionGradient(window, weights, dnnl_nhwc);
  }

  private DnnKernel convolutionGradient(Window window, INDArray weights, int tag) {
    dnnl_memory_desc_t source = OneDnn.image(tag, window.input());
    dnnl_memory_desc_t target = OneDnn.image(tag, window.output());
    dnnl_memory_desc_t any = weights(window, dnnl_format_tag_any);
    try (dnnl_convolution_desc_t forward = new dnnl_convolution_desc_t();
        dnnl_convolution_desc_t backward = new dnnl_convolution_desc_t();
        const_dnnl_op_desc_t generalForward = new const_dnnl_op_desc_t(forward);
        const_dnnl_op_desc_t generalBackward = new const_dnnl_op_desc_t(backward)) {
      long[] stride = window.stride();
      long[] padding = window.padding();
      OneDnn.check(
          dnnl_convolution_forward_desc_init(
              forward,
              dnnl_forward_training,
              dnnl_convolution_direct,
              source,
              any,
              null,
              target,
              stride,
              padding,
              padding),
          "convolution");
      OneDnn.check(
          dnnl_convolution_backward_data_desc_init(
              backward, dnnl_convolution_direct, source, any, target, stride, padding, padding),
          "gradient of a convolution");
      dnnl_primitive_desc hint = dnn.plan(generalForward, null, null);
      dnnl_primitive_desc desc;
      try {
        desc = dnn.plan(generalBackward, null, hint);
      } finally {
        dnnl_primitive_desc_destroy(hint);
      }
      dnnl_memory memory = pack(desc, weights, weights(window, dnnl_hwio));
      return DnnKernel.of(dnn, "convolution gradient " + window.name(), window.operations(), desc)
          .input(DNNL_ARG_DIFF_DST, target)
          .constant(DNNL_ARG_WEIGHTS, memory)
          .output(DNNL_ARG_DIFF_SRC, source);
    }
  }

  /**
   * A product with frozen weights, with what follows it. Without AVX-512 oneDNN's convolutions of
   * 1×1 take a tenth less time than its products of a transformer's sizes, and a product is a
   * convolution of one column of M pixels. They want a packed copy of the weights: forwards that is
   * worth its memory; gradients, whose weights are transposed, read them as they lie.
   *
   * @param rows M
   * @param inner K
   * @param columns N
   * @param weights {@code [K, N]}, or {@code [N, K]} if they are to be transposed
   * @param transposed whether they are
   * @param bias frozen, N values, or null
   * @param after done to the result, in order; each ADD makes an input
   */
  Kernel product(
      long rows,
      long inner,
      long columns,
      INDArray weights,
      boolean transposed,
      INDArray bias,
      List<PostOperation> after) {
    Window column = Window.ofProduct(rows, inner, columns);
    if (narrow && !transposed && column.hasWholeBlocks()) {
      try {
        return convolution("product", column, weights, bias, after, dnnl_nhwc);
      } catch (OneDnn.UnsupportedException e) {
        // As a product, then.
      }
    }
    dnnl_memory_desc_t source = OneDnn.describe(dnnl_ab, rows, inner);
    dnnl_memory_desc_t target = OneDnn.describe(dnnl_ab, rows, columns);
    dnnl_memory_desc_t given = OneDnn.describe(transposed ? dnnl_ba : dnnl_ab, inner, columns);
    dnnl_memory_desc_t row = OneDnn.describe(dnnl_ab, 1, columns);
    boolean rearrange = !transposed && columns * Float.BYTES % PAGE == 0;
    try (dnnl_matmul_desc_t operation = new dnnl_matmul_desc_t();
        const_dnnl_op_desc_t general = new const_dnnl_op_desc_t(operation)) {
      OneDnn.check(
          dnnl_matmul_desc_init(
              operation,
              source,
              rearrange ? OneDnn.describe(dnnl_format_tag_any, inner, columns) : given,
              bias == null ? null : row,
              target),
          "product");
      dnnl_primitive_desc desc = plan(general, after, target, null);
      dnnl_memory memory = pack(desc, weights, given);
      DnnKernel kernel =
          DnnKernel.of(dnn, name("product", after), 2 * rows * inner * columns, desc);
      kernel.input(DNNL_ARG_SRC, source);
      addInputs(kernel, after, target);
      return kernel.constant(DNNL_ARG_WEIGHTS, memory).bias(bias, row).output(DNNL_ARG_DST, target);
    }
  }

  /**
   * Products of matrices that both change, {@code [..., M, K]·[..., K, N] = [..., M, N]}.
   *
   * @param x the first
   * @param y the second
   * @param z the products
   */
  Kernel products(StackLayout x, StackLayout y, StackLayout z) {
    if (!z.hasDenseRows()) {
      // oneDNN writes rows alone: (X·Y)ᵀ = Yᵀ·Xᵀ.
      return products(y.transposed(), x.transposed(), z.transposed(), 1);
    }
    return products(x, y, z, 0);
  }

  /**
   * Products.
   *
   * @param first which of the step's inputs x is
   */
  private Kernel products(StackLayout x, StackLayout y, StackLayout z, int first) {
    dnnl_memory_desc_t left = OneDnn.describe(x);
    dnnl_memory_desc_t right = OneDnn.describe(y);
    dnnl_memory_desc_t target = OneDnn.describe(z);
    try (dnnl_matmul_desc_t operation = new dnnl_matmul_desc_t();
        const_dnnl_op_desc_t general = new const_dnnl_op_desc_t(operation)) {
      OneDnn.check(dnnl_matmul_desc_init(operation, left, right, null, target), "products");
      DnnKernel kernel =
          DnnKernel.of(
              dnn, "products", 2 * z.length() * x.columns(), dnn.plan(general, null, null));
      if (first == 0) {
        kernel.input(DNNL_ARG_SRC, left).input(DNNL_ARG_WEIGHTS, right);
      } else {
        kernel.input(DNNL_ARG_WEIGHTS, right).input(DNNL_ARG_SRC, left);
      }
      return kernel.output(DNNL_ARG_DST, target);
    }
  }

  /**
   * The gradient of a ReLU: inputs its output's gradient and its output, in this order.
   *
   * @param length values
   */
  Kernel reluGradient(long length) {
    return gradient(
        RELU_GRADIENT,
        dnnl_eltwise_relu_use_dst_for_bwd,
        length,
        List.of(DNNL_ARG_DIFF_DST, DNNL_ARG_DST));
  }

  /**
   * The gate u + u·erf(u) = √2·GELU(√2·u).
   *
   * @param length values
   */
  Kernel gate(long length) {
    return new KernelSequence(
        "gate",
        new Stage(elementwise("scale", dnnl_eltwise_linear, SQRT_2, length), 0),
        new Stage(elementwise("GELU", dnnl_eltwise_gelu_erf, 0, length), KernelSequence.RESULT),
        new Stage(
            elementwise("scale", dnnl_eltwise_linear, SQRT_2, length), KernelSequence.RESULT));
  }

  /**
   * The gate's gradient, 2·GELU'(√2·u)·g: inputs u and g, in this order.
   *
   * @param length values
   */
  Kernel gateGradient(long length) {
    return new KernelSequence(
        "gate gradient",
        new Stage(elementwise("scale", dnnl_eltwise_linear, SQRT_2, length), 0),
        new Stage(
            gradient(
                "gradient of GELU",
                dnnl_eltwise_gelu_erf,
                length,
                List.of(DNNL_ARG_SRC, DNNL_ARG_DIFF_DST)),
            KernelSequence.RESULT,
            1),
        new Stage(elementwise("scale", dnnl_eltwise_linear, 2, length), KernelSequence.RESULT));
  }

  private Kernel elementwise(String name, int kind, float alpha, long length) {
    dnnl_memory_desc_t values = OneDnn.describe(dnnl_a, length);
    try (dnnl_eltwise_desc_t forward = new dnnl_eltwise_desc_t();
        const_dnnl_op_desc_t general = new const_dnnl_op_desc_t(forward)) {
      OneDnn.check(
          dnnl_eltwise_forward_desc_init(forward, dnnl_forward_inference, kind, values, alpha, 0),
          name);
      return DnnKernel.of(dnn, name, 0, dnn.plan(general, null, null))
          .input(DNNL_ARG_SRC, values)
          .output(DNNL_ARG_DST, values);
    }
  }

  /** An elementwise gradient that reads two arrays, in the order of their roles. */
  private Kernel gradient(String name, int kind, long length, List<Integer> roles) {
    dnnl_memory_desc_t values = OneDnn.describe(dnnl_a, length);
    try (dnnl_eltwise_desc_t forward = new dnnl_eltwise_desc_t();
        dnnl_eltwise_desc_t backward = new dnnl_eltwise_desc_t();
        const_dnnl_op_desc_t generalForward = new const_dnnl_op_desc_t(forward);
        const_dnnl_op_desc_t generalBackward = new const_dnnl_op_desc_t(backward)) {
      OneDnn.check(
          dnnl_eltwise_forward_desc_init(forward, dnnl_forward_training, kind, values, 0, 0), name);
      OneDnn.check(dnnl_eltwise_backward_desc_init(backward, kind, values, values, 0, 0), name);
      dnnl_primitive_desc hint = dnn.plan(generalForward, null, null);
      dnnl_primitive_desc desc;
      try {
        desc = dnn.plan(generalBackward, null, hint);
      } finally {
        dnnl_primitive_desc_destroy(hint);
      }
      return DnnKernel.of(dnn, name, 0, desc)
          .input(roles.get(0), values)
          .input(roles.get(1), values)
          .output(DNNL_ARG_DIFF_SRC, values);
    }
  }

  private static dnnl_memory_desc_t weights(Window window, int tag) {
    long[] kernel = window.kernel();
    return OneDnn.describe(tag, window.output()[3], window.input()[3], kernel[0], kernel[1]);
  }

  private dnnl_memory pack(dnnl_primitive_desc desc, INDArray weights, dnnl_memory_desc_t given) {
    return packed.of(
        dnn, weights, given, dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0));
  }

  private dnnl_primitive_desc plan(
      const_dnnl_op_desc_t operation,
      List<PostOperation> after,
      dnnl_memory_desc_t target,
      dnnl_primitive_desc hint) {
    dnnl_primitive_attr attributes = new dnnl_primitive_attr();
    dnnl_post_ops operations = new dnnl_post_ops();
    OneDnn.check(dnnl_primitive_attr_create(attributes), "attributes");
    OneDnn.check(dnnl_post_ops_create(operations), "post operations");
    try {
      for (PostOperation next : after) {
        append(operations, next, target);
      }
      OneDnn.check(dnnl_primitive_attr_set_post_ops(attributes, operations), "post operations");
      return dnn.plan(operation, attributes, hint);
    } finally {
      dnnl_post_ops_destroy(operations);
      dnnl_primitive_attr_destroy(attributes);
    }
  }

  private static void append(
      dnnl_post_ops operations, PostOperation next, dnnl_memory_desc_t target) {
    switch (next) {
      case RELU ->
          OneDnn.check(
              dnnl_post_ops_append_eltwise(operations, 1, dnnl_eltwise_relu, 0, 0), "ReLU");
      case ERF_GATE -> {
        OneDnn.check(
            dnnl_post_ops_append_eltwise(operations, 1, dnnl_eltwise_linear, SQRT_2, 0), "scale");
        OneDnn.check(
            dnnl_post_ops_append_eltwise(operations, SQRT_2, dnnl_eltwise_gelu_erf, 0, 0), "GELU");
      }
      case ADD ->
          OneDnn.check(dnnl_post_ops_append_binary(operations, dnnl_binary_add, target), "sum");
    }
  }

  /** Post operations are numbered as oneDNN sees them, where ERF_GATE is two. */
  private static void addInputs(
      DnnKernel kernel, List<PostOperation> after, dnnl_memory_desc_t target) {
    int at = 0;
    for (PostOperation next : after) {
      if (next == PostOperation.ADD) {
        // DNNL_ARG_ATTR_MULTIPLE_POST_OP(at), a macro.
        kernel.input((DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE * (at + 1)) | DNNL_ARG_SRC_1, target);
      }
      at += next == PostOperation.ERF_GATE ? 2 : 1;
    }
  }

  private static String name(String kind, List<PostOperation> after) {
    List<String> parts = new ArrayList<>(List.of(kind));
    after.forEach(next -> parts.add(next.name().toLowerCase(Locale.ROOT).replace('_', ' ')));
    return String.join(" + ", parts);
  }
}
