package org.ttame.core.engine;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_WEIGHTS;
import static org.bytedeco.dnnl.global.dnnl.dnnl_a;
import static org.bytedeco.dnnl.global.dnnl.dnnl_ab;
import static org.bytedeco.dnnl.global.dnnl.dnnl_ba;
import static org.bytedeco.dnnl.global.dnnl.dnnl_convolution_backward_data_desc_init;
import static org.bytedeco.dnnl.global.dnnl.dnnl_convolution_direct;
import static org.bytedeco.dnnl.global.dnnl.dnnl_convolution_forward_desc_init;
import static org.bytedeco.dnnl.global.dnnl.dnnl_format_tag_any;
import static org.bytedeco.dnnl.global.dnnl.dnnl_forward_inference;
import static org.bytedeco.dnnl.global.dnnl.dnnl_forward_training;
import static org.bytedeco.dnnl.global.dnnl.dnnl_matmul_desc_init;
import static org.bytedeco.dnnl.global.dnnl.dnnl_nChw8c;
import static org.bytedeco.dnnl.global.dnnl.dnnl_nhwc;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_desc_query_md;
import static org.bytedeco.dnnl.global.dnnl.dnnl_query_weights_md;

import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import org.bytedeco.dnnl.const_dnnl_op_desc_t;
import org.bytedeco.dnnl.dnnl_convolution_desc_t;
import org.bytedeco.dnnl.dnnl_matmul_desc_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc_t;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Kernels of oneDNN for steps with frozen weights. All throw {@link OneDnn.UnsupportedException}
 * where oneDNN has nothing fast.
 */
final class DnnKernels {
  /**
   * Rows of weights that are a multiple of this apart share sets of the cache: such weights are
   * rearranged, others are read as they lie.
   */
  private static final long PAGE = 4096;

  /** Rows below which a product with frozen weights is bound by reading those once. */
  private static final long LEAST_ROWS = 32;

  /** Height of the image whose pixels are a product's rows, with AMX: of 1, 2 and 4 the fastest. */
  private static final long TWO_ROWS = 2;

  /**
   * Frozen weights.
   *
   * @param array the graph's
   * @param turned whether they are to be turned first
   * @param given how they lie then, in float32 or bfloat16, whichever they are when they are packed
   */
  private record Weights(
      INDArray array, boolean turned, Function<DataType, dnnl_memory_desc_t> given) {}

  private final OneDnn dnn;
  private final PackedWeights packed;
  private final boolean narrow;
  private final Precision precision;

  /**
   * Kernels.
   *
   * @param packed keeps their weights
   * @param narrow whether to choose as on processors without AVX-512: convolutions read and write
   *     blocks of channels where they can, see {@link BlockedLayoutPass}, and products are
   *     convolutions
   * @param precision of the plans
   */
  DnnKernels(OneDnn dnn, PackedWeights packed, boolean narrow, Precision precision) {
    this.dnn = dnn;
    this.packed = packed;
    this.narrow = narrow;
    this.precision = precision;
  }

  /** Whether a product with frozen weights is worth a kernel that has its own copy of them. */
  boolean packsProduct(long rows, long columns) {
    return precision == Precision.BFLOAT16
        ? columns > 1
        : rows >= LEAST_ROWS && columns >= LEAST_ROWS;
  }

  /** Casts between float32 and bfloat16. */
  PrecisionPass.Casts casts() {
    return casts(dnn);
  }

  /** The same of no plan. */
  static PrecisionPass.Casts casts(OneDnn dnn) {
    return new PrecisionPass.Casts() {
      @Override
      public DataType type() {
        return DataType.BFLOAT16;
      }

      @Override
      public Kernel narrow(long length) {
        return DnnMovement.cast(dnn, length, DataType.FLOAT, DataType.BFLOAT16);
      }

      @Override
      public Kernel widen(long length) {
        return DnnMovement.cast(dnn, length, DataType.BFLOAT16, DataType.FLOAT);
      }
    };
  }

  /** Kernels that treat each value by itself. */
  DnnElementwise elementwise(DataType type) {
    return new DnnElementwise(dnn, type);
  }

  /** Kernels over rows. */
  DnnRows rows(DataType type) {
    return new DnnRows(dnn, type);
  }

  /** Kernels that move values. */
  DnnMovement movement(DataType type) {
    return new DnnMovement(dnn, type);
  }

  /** Pools of images whose channels are the last axis. */
  DnnPools pools(DataType type) {
    return new DnnPools(dnn, type, dnnl_nhwc);
  }

  /** Pools between convolutions of blocks. */
  DnnPools poolsOfBlocks() {
    return new DnnPools(dnn, DataType.FLOAT, dnnl_nChw8c);
  }

  /**
   * A convolution with what follows it.
   *
   * @param weights frozen, {@code [kH, kW, I, O]}
   * @param turned whether they are to be turned first, see {@link RotatedWeights}
   * @param bias frozen, {@code [O]}, or null
   * @param after done to the result, in order; those with another array make an input each
   * @param types of the image, of those arrays, and of the result; weights get the image's
   */
  Kernel convolution(
      Window window,
      INDArray weights,
      boolean turned,
      INDArray bias,
      List<PostOperation> after,
      ArrayTypes types) {
    String kind = "convolution " + window.name();
    Weights given = new Weights(weights, turned, lying(window));
    if (narrow && window.fitsBlocks()) {
      try {
        return convolution(kind, window, given, bias, after, dnnl_nChw8c, types).inBlocks();
      } catch (OneDnn.UnsupportedException e) {
        // Channels last, then.
      }
    }
    return convolution(kind, window, given, bias, after, dnnl_nhwc, types);
  }

  private DnnKernel convolution(
      String kind,
      Window window,
      Weights weights,
      INDArray bias,
      List<PostOperation> after,
      int tag,
      ArrayTypes types) {
    dnnl_memory_desc_t source = OneDnn.image(types.input(0), tag, window.input());
    dnnl_memory_desc_t target = OneDnn.image(types.output(), tag, window.output());
    dnnl_memory_desc_t any = anyWeights(types.input(0), window);
    dnnl_memory_desc_t channels = OneDnn.describe(DataType.FLOAT, dnnl_a, window.output()[3]);
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
      dnnl_primitive_desc desc =
          PostOperation.plan(dnn, general, after, target, types.from(1), types.over());
      Supplier<dnnl_memory> memory = pack(desc, weights);
      DnnKernel kernel =
          DnnKernel.of(dnn, PostOperation.name(kind, after), window.operations(), desc);
      kernel.input(DNNL_ARG_SRC, source);
      PostOperation.addInputs(kernel, after, target, types.from(1), types.over());
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
   * @param types of the output's gradient and of the input's
   * @return a kernel with the input {@code [B, h, w, O]} and the output {@code [B, H, W, I]}
   */
  Kernel convolutionGradient(Window window, INDArray weights, ArrayTypes types) {
    if (narrow && window.gradientFitsBlocks()) {
      try {
        return convolutionGradient(window, weights, dnnl_nChw8c, types).inBlocks();
      } catch (OneDnn.UnsupportedException e) {
        // Channels last, then.
      }
    }
    return convolutionGradient(window, weights, dnnl_nhwc, types);
  }

  private DnnKernel convolutionGradient(
      Window window, INDArray weights, int tag, ArrayTypes types) {
    dnnl_memory_desc_t source = OneDnn.image(types.output(), tag, window.input());
    dnnl_memory_desc_t target = OneDnn.image(types.input(0), tag, window.output());
    dnnl_memory_desc_t any = anyWeights(types.input(0), window);
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
              OneDnn.as(types.input(0), source),
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
      dnnl_primitive_desc desc = dnn.planBackward(generalForward, generalBackward);
      Supplier<dnnl_memory> memory = pack(desc, new Weights(weights, false, lying(window)));
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
   * worth its memory; gradients, whose weights are transposed, read them as they lie. With AMX, in
   * bfloat16, convolutions over images of two rows take three quarters of the time.
   *
   * @param rows M
   * @param inner K
   * @param columns N
   * @param weights {@code [K, N]}, or {@code [N, K]} if they are to be transposed
   * @param transposed whether they are
   * @param bias frozen, N values, or null
   * @param after done to the result, in order; those with another array make an input each
   * @param types of the rows, of those arrays, and of the result; weights get the rows'
   */
  Kernel product(
      long rows,
      long inner,
      long columns,
      INDArray weights,
      boolean transposed,
      INDArray bias,
      List<PostOperation> after,
      ArrayTypes types) {
    Window pixels = pixels(rows, inner, columns, transposed, types.input(0));
    if (pixels != null && pixels.hasWholeBlocks()) {
      try {
        long[] strides = transposed ? new long[] {inner, 1, 1, 1} : new long[] {1, columns, 1, 1};
        Weights given =
            new Weights(weights, false, type -> OneDnn.describe(type, weightDims(pixels), strides));
        return convolution("product", pixels, given, bias, after, dnnl_nhwc, types);
      } catch (OneDnn.UnsupportedException e) {
        // As a product, then.
      }
    }
    DataType type = types.input(0);
    dnnl_memory_desc_t source = OneDnn.describe(type, dnnl_ab, rows, inner);
    dnnl_memory_desc_t target = OneDnn.describe(types.output(), dnnl_ab, rows, columns);
    int lying = transposed ? dnnl_ba : dnnl_ab;
    dnnl_memory_desc_t row = OneDnn.describe(DataType.FLOAT, dnnl_ab, 1, columns);
    boolean rearrange =
        type == DataType.FLOAT
            ? !transposed && columns * Float.BYTES % PAGE == 0
            : rows >= LEAST_ROWS;
    try (dnnl_matmul_desc_t operation = new dnnl_matmul_desc_t();
        const_dnnl_op_desc_t general = new const_dnnl_op_desc_t(operation)) {
      OneDnn.check(
          dnnl_matmul_desc_init(
              operation,
              source,
              OneDnn.describe(type, rearrange ? dnnl_format_tag_any : lying, inner, columns),
              bias == null ? null : row,
              target),
          "product");
      dnnl_primitive_desc desc =
          PostOperation.plan(dnn, general, after, target, types.from(1), types.over());
      Supplier<dnnl_memory> memory =
          pack(
              desc,
              new Weights(weights, false, own -> OneDnn.describe(own, lying, inner, columns)));
      DnnKernel kernel =
          DnnKernel.of(dnn, PostOperation.name("product", after), 2 * rows * inner * columns, desc);
      kernel.input(DNNL_ARG_SRC, source);
      PostOperation.addInputs(kernel, after, target, types.from(1), types.over());
      return kernel.constant(DNNL_ARG_WEIGHTS, memory).bias(bias, row).output(DNNL_ARG_DST, target);
    }
  }

  /** The image that a product's convolution goes over, or null where a product is better. */
  private Window pixels(long rows, long inner, long columns, boolean transposed, DataType type) {
    if (type == DataType.FLOAT) {
      return narrow && !transposed ? Window.ofProduct(rows, inner, columns, rows) : null;
    }
    return rows >= LEAST_ROWS && OneDnn.bfloat16() == Precision.Hardware.AMX
        ? Window.ofProduct(rows, inner, columns, TWO_ROWS)
        : null;
  }

  /**
   * Products of matrices that both change, {@code [..., M, K]·[..., K, N] = [..., M, N]}.
   *
   * @param x the first
   * @param y the second
   * @param z the products
   * @param types of x, y and z
   */
  Kernel products(StackLayout x, StackLayout y, StackLayout z, ArrayTypes types) {
    if (!z.hasDenseRows()) {
      // oneDNN writes rows alone: (X·Y)ᵀ = Yᵀ·Xᵀ.
      return products(y.transposed(), x.transposed(), z.transposed(), 1, types);
    }
    return products(x, y, z, 0, types);
  }

  /**
   * Products.
   *
   * @param first which of the step's inputs x is
   */
  private Kernel products(
      StackLayout x, StackLayout y, StackLayout z, int first, ArrayTypes types) {
    types.requireApart();
    dnnl_memory_desc_t left = OneDnn.describe(types.input(first), x);
    dnnl_memory_desc_t right = OneDnn.describe(types.input(1 - first), y);
    dnnl_memory_desc_t target = OneDnn.describe(types.output(), z);
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

  /** Weights in the layout that the kernel likes best. */
  private static dnnl_memory_desc_t anyWeights(DataType type, Window window) {
    return OneDnn.describe(type, dnnl_format_tag_any, weightDims(window));
  }

  /**
   * Weights as ND4J has them: {@code [kH, kW, I/groups, O]}, or, where each input channel is a
   * group, {@code [kH, kW, I, O/I]}; both lie in memory as {@code [kH, kW, I/groups, groups,
   * O/groups]}.
   */
  private static Function<DataType, dnnl_memory_desc_t> lying(Window window) {
    long[] dims = weightDims(window);
    long out = window.output()[3];
    long in = window.input()[3] / window.groups();
    long row = window.kernel()[1] * in * out;
    long[] strides =
        dims.length == 4
            ? new long[] {1, out, row, in * out}
            : new long[] {out / window.groups(), 1, out, row, in * out};
    return type -> OneDnn.describe(type, dims, strides);
  }

  /**
   * Output channels, input channels, height and width; the groups before those if there are any.
   */
  private static long[] weightDims(Window window) {
    long groups = window.groups();
    long out = window.output()[3] / groups;
    long in = window.input()[3] / groups;
    long[] kernel = window.kernel();
    return groups == 1
        ? new long[] {out, in, kernel[0], kernel[1]}
        : new long[] {groups, out, in, kernel[0], kernel[1]};
  }

  /** Weights for a kernel, rearranged when it is bound: kernels that are planned may never run. */
  private Supplier<dnnl_memory> pack(dnnl_primitive_desc desc, Weights weights) {
    // The description's own is gone when the kernel is made.
    dnnl_memory_desc_t wanted =
        OneDnn.copy(dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0));
    return () -> packed.of(dnn, weights.array(), weights.turned(), weights.given(), wanted);
  }
}
