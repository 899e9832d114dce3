package org.ttame.core.engine;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_FROM;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_TO;
import static org.bytedeco.dnnl.global.dnnl.dnnl_a;
import static org.bytedeco.dnnl.global.dnnl.dnnl_forward_inference;
import static org.bytedeco.dnnl.global.dnnl.dnnl_forward_training;
import static org.bytedeco.dnnl.global.dnnl.dnnl_nChw8c;
import static org.bytedeco.dnnl.global.dnnl.dnnl_nhwc;
import static org.bytedeco.dnnl.global.dnnl.dnnl_pooling_avg_exclude_padding;
import static org.bytedeco.dnnl.global.dnnl.dnnl_pooling_backward_desc_init;
import static org.bytedeco.dnnl.global.dnnl.dnnl_pooling_forward_desc_init;

import org.bytedeco.dnnl.const_dnnl_op_desc_t;
import org.bytedeco.dnnl.dnnl_memory_desc_t;
import org.bytedeco.dnnl.dnnl_pooling_desc_t;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.nd4j.linalg.api.buffer.DataType;
import org.ttame.core.engine.KernelSequence.Stage;

/**
 * Kernels of oneDNN for arrays of a type, which move values from one layout into another, or
 * average them over an image. All throw {@link OneDnn.UnsupportedException} where oneDNN has
 * nothing fast.
 */
record DnnMovement(OneDnn dnn, DataType type) {
  /**
   * A copy.
   *
   * @param from where the elements lie
   * @param fromOffset of the first one
   * @param to where they are to lie
   * @param toOffset of the first one
   */
  Kernel copy(String kind, StackLayout from, long fromOffset, StackLayout to, long toOffset) {
    dnnl_memory_desc_t source = OneDnn.describe(type, from).offset0(fromOffset);
    dnnl_memory_desc_t target = OneDnn.describe(type, to).offset0(toOffset);
    return new DnnKernel(dnn, kind, 0, dnn.reorder(source, target))
        .input(DNNL_ARG_FROM, source)
        .output(DNNL_ARG_TO, target);
  }

  /**
   * A copy of other types.
   *
   * @param length values
   */
  static Kernel cast(OneDnn dnn, long length, DataType from, DataType to) {
    dnnl_memory_desc_t source = OneDnn.describe(from, dnnl_a, length);
    dnnl_memory_desc_t target = OneDnn.describe(to, dnnl_a, length);
    return new DnnKernel(
            dnn,
            to == DataType.BFLOAT16 ? "into bfloat16" : "from bfloat16",
            0,
            dnn.reorder(source, target))
        .input(DNNL_ARG_FROM, source)
        .output(DNNL_ARG_TO, target);
  }

  /**
   * Turns images of which the channels of each pixel are neighbours into blocks of channels, or
   * back; see {@link BlockedLayoutPass}.
   *
   * @param shape {@code [B, H, W, C]}; the last block is filled up with zeros
   * @param intoBlocks whether to, or back
   */
  Kernel blocks(long[] shape, boolean intoBlocks) {
    dnnl_memory_desc_t plain = OneDnn.image(type, dnnl_nhwc, shape);
    dnnl_memory_desc_t blocked = OneDnn.image(type, dnnl_nChw8c, shape);
    dnnl_memory_desc_t from = intoBlocks ? plain : blocked;
    dnnl_memory_desc_t to = intoBlocks ? blocked : plain;
    return new DnnKernel(dnn, intoBlocks ? "into blocks" : "from blocks", 0, dnn.reorder(from, to))
        .input(DNNL_ARG_FROM, from)
        .output(DNNL_ARG_TO, to);
  }

  /**
   * The mean over all but the first and the last axis.
   *
   * @param shape {@code [B, .., C]}
   */
  Kernel mean(long[] shape) {
    dnnl_memory_desc_t image = image(shape);
    dnnl_memory_desc_t means = OneDnn.describe(type, dnnl_nhwc, shape[0], last(shape), 1, 1);
    try (dnnl_pooling_desc_t forward = new dnnl_pooling_desc_t();
        const_dnnl_op_desc_t general = new const_dnnl_op_desc_t(forward)) {
      initialise(forward, dnnl_forward_inference, image, means);
      return DnnKernel.of(dnn, "mean", 0, dnn.plan(general, null, null))
          .input(DNNL_ARG_SRC, image)
          .output(DNNL_ARG_DST, means);
    }
  }

  /**
   * The sum over all but the first and the last axis.
   *
   * @param shape {@code [B, .., C]}
   */
  Kernel sum(long[] shape) {
    return new KernelSequence(
        "sum",
        new Stage(mean(shape), 0),
        new Stage(
            new DnnElementwise(dnn, type).scaled((float) places(shape), shape[0] * last(shape)),
            KernelSequence.RESULT));
  }

  /**
   * The gradient of the mean over all but the first and the last axis.
   *
   * @param shape {@code [B, .., C]}
   */
  Kernel meanGradient(long[] shape) {
    dnnl_memory_desc_t image = image(shape);
    dnnl_memory_desc_t means = OneDnn.describe(type, dnnl_nhwc, shape[0], last(shape), 1, 1);
    try (dnnl_pooling_desc_t forward = new dnnl_pooling_desc_t();
        dnnl_pooling_desc_t backward = new dnnl_pooling_desc_t();
        const_dnnl_op_desc_t generalForward = new const_dnnl_op_desc_t(forward);
        const_dnnl_op_desc_t generalBackward = new const_dnnl_op_desc_t(backward)) {
      initialise(forward, dnnl_forward_training, image, means);
      long[] kernel = {places(shape), 1};
      OneDnn.check(
          dnnl_pooling_backward_desc_init(
              backward,
              dnnl_pooling_avg_exclude_padding,
              image,
              means,
              new long[] {1, 1},
              kernel,
              new long[2],
              new long[2]),
          "mean gradient");
      dnnl_primitive_desc desc = dnn.planBackward(generalForward, generalBackward);
      return DnnKernel.of(dnn, "mean gradient", 0, desc)
          .input(DNNL_ARG_DIFF_DST, means)
          .output(DNNL_ARG_DIFF_SRC, image);
    }
  }

  private static void initialise(
      dnnl_pooling_desc_t operation,
      int direction,
      dnnl_memory_desc_t image,
      dnnl_memory_desc_t means) {
    long[] kernel = {image.dims().get(2), 1};
    OneDnn.check(
        dnnl_pooling_forward_desc_init(
            operation,
            direction,
            dnnl_pooling_avg_exclude_padding,
            image,
            means,
            new long[] {1, 1},
            kernel,
            new long[2],
            new long[2]),
        "mean");
  }

  /** All pixels in one column. */
  private dnnl_memory_desc_t image(long[] shape) {
    return OneDnn.describe(type, dnnl_nhwc, shape[0], last(shape), places(shape), 1);
  }

  private static long places(long[] shape) {
    long places = 1;
    for (int i = 1; i < shape.length - 1; i++) {
      places *= shape[i];
    }
    return places;
  }

  private static long last(long[] shape) {
    return shape[shape.length - 1];
  }
}
