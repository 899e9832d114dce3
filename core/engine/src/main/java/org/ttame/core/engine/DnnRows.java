package org.ttame.core.engine;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_MEAN;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SCALE_SHIFT;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_VARIANCE;
import static org.bytedeco.dnnl.global.dnnl.dnnl_a;
import static org.bytedeco.dnnl.global.dnnl.dnnl_ab;
import static org.bytedeco.dnnl.global.dnnl.dnnl_backward_data;
import static org.bytedeco.dnnl.global.dnnl.dnnl_forward_inference;
import static org.bytedeco.dnnl.global.dnnl.dnnl_forward_training;
import static org.bytedeco.dnnl.global.dnnl.dnnl_layer_normalization_backward_desc_init;
import static org.bytedeco.dnnl.global.dnnl.dnnl_layer_normalization_forward_desc_init;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_desc_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_softmax_backward_desc_init;
import static org.bytedeco.dnnl.global.dnnl.dnnl_softmax_forward_desc_init;
import static org.bytedeco.dnnl.global.dnnl.dnnl_use_scaleshift;

import org.bytedeco.dnnl.const_dnnl_op_desc_t;
import org.bytedeco.dnnl.dnnl_layer_normalization_desc_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc_t;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.dnnl_softmax_desc_t;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.engine.KernelSequence.Stage;

/**
 * oneDNN's kernels over rows, the last axis of an array. All throw {@link
 * OneDnn.UnsupportedException} where oneDNN has nothing fast.
 */
record DnnRows(OneDnn dnn, DataType type) {
  /**
   * Softmax over the last axis.
   *
   * @param shape the values'
   */
  Kernel softmax(long[] shape) {
    dnnl_memory_desc_t rows = rows(shape);
    try (dnnl_softmax_desc_t forward = new dnnl_softmax_desc_t();
        const_dnnl_op_desc_t general = new const_dnnl_op_desc_t(forward)) {
      OneDnn.check(
          dnnl_softmax_forward_desc_init(forward, dnnl_forward_inference, rows, 1), "softmax");
      return DnnKernel.of(dnn, "softmax", 0, dnn.plan(general, null, null))
          .elementwise(true)
          .input(DNNL_ARG_SRC, rows)
          .output(DNNL_ARG_DST, rows);
    }
  }

  /**
   * The gradient of softmax over the last axis: inputs its output's gradient and its output, in
   * this order.
   *
   * @param shape the values'
   */
  Kernel softmaxGradient(long[] shape) {
    dnnl_memory_desc_t rows = rows(shape);
    try (dnnl_softmax_desc_t forward = new dnnl_softmax_desc_t();
        dnnl_softmax_desc_t backward = new dnnl_softmax_desc_t();
        const_dnnl_op_desc_t generalForward = new const_dnnl_op_desc_t(forward);
        const_dnnl_op_desc_t generalBackward = new const_dnnl_op_desc_t(backward)) {
      OneDnn.check(
          dnnl_softmax_forward_desc_init(forward, dnnl_forward_training, rows, 1), "softmax");
      OneDnn.check(dnnl_softmax_backward_desc_init(backward, rows, rows, 1), "softmax gradient");
      return DnnKernel.of(
              dnn, "softmax gradient", 0, dnn.planBackward(generalForward, generalBackward))
          .input(DNNL_ARG_DIFF_DST, rows)
          .input(DNNL_ARG_DST, rows)
          .output(DNNL_ARG_DIFF_SRC, rows);
    }
  }

  /**
   * (x − mean)/√(variance + eps) of each row, or that times a weight plus a bias for each column.
   *
   * @param shape of x, {@code [R, C]}
   * @param weights {@code [2, C]}, weights above biases, or null for none; outlives the kernel
   */
  Kernel normalisation(long[] shape, double eps, INDArray weights) {
    dnnl_memory_desc_t rows = rows(shape);
    dnnl_memory_desc_t pairs = OneDnn.describe(type, dnnl_ab, 2, shape[1]);
    DnnKernel kernel =
        DnnKernel.of(
                dnn,
                "layer normalisation",
                0,
                normalisation(rows, shape, eps, weights != null, dnnl_forward_inference))
            .input(DNNL_ARG_SRC, rows)
            .output(DNNL_ARG_DST, rows);
    return weights == null ? kernel : kernel.owned(DNNL_ARG_SCALE_SHIFT, dnn.view(pairs, weights));
  }

  /**
   * The gradient of {@link #normalisation} without weights: inputs x and the result's gradient, in
   * this order. Mean and variance are computed anew, so that nothing but x is kept for it.
   */
  Kernel normalisationGradient(long[] shape, double eps) {
    dnnl_memory_desc_t rows = rows(shape);
    dnnl_memory_desc_t numbers = OneDnn.describe(type, dnnl_a, shape[0]);
    dnnl_primitive_desc again = normalisation(rows, shape, eps, false, dnnl_forward_training);
    dnnl_primitive_desc back;
    try (dnnl_layer_normalization_desc_t operation = new dnnl_layer_normalization_desc_t();
        const_dnnl_op_desc_t general = new const_dnnl_op_desc_t(operation)) {
      OneDnn.check(
          dnnl_layer_normalization_backward_desc_init(
              operation, dnnl_backward_data, rows, rows, numbers, (float) eps, 0),
          "gradient of a layer normalisation");
      back = dnn.plan(general, null, again);
    } catch (OneDnn.UnsupportedException e) {
      dnnl_primitive_desc_destroy(again);
      throw e;
    }
    dnnl_memory mean = dnn.allocate(numbers);
    dnnl_memory variance = dnn.allocate(numbers);
    DnnKernel find =
        DnnKernel.of(dnn, "statistics of rows", 0, again)
            .input(DNNL_ARG_SRC, rows)
            .owned(DNNL_ARG_MEAN, mean)
            .owned(DNNL_ARG_VARIANCE, variance)
            .output(DNNL_ARG_DST, rows);
    DnnKernel spread =
        DnnKernel.of(dnn, "gradient of a layer normalisation", 0, back)
            .input(DNNL_ARG_SRC, rows)
            .input(DNNL_ARG_DIFF_DST, rows)
            .constant(DNNL_ARG_MEAN, mean)
            .constant(DNNL_ARG_VARIANCE, variance)
            .output(DNNL_ARG_DIFF_SRC, rows);
    return new KernelSequence(
        "layer normalisation gradient", new Stage(find, 0), new Stage(spread, 0, 1));
  }

  private dnnl_primitive_desc normalisation(
      dnnl_memory_desc_t rows, long[] shape, double eps, boolean weighted, int kind) {
    dnnl_memory_desc_t numbers = OneDnn.describe(type, dnnl_a, shape[0]);
    try (dnnl_layer_normalization_desc_t forward = new dnnl_layer_normalization_desc_t();
        const_dnnl_op_desc_t general = new const_dnnl_op_desc_t(forward)) {
      OneDnn.check(
          dnnl_layer_normalization_forward_desc_init(
              forward, kind, rows, numbers, (float) eps, weighted ? dnnl_use_scaleshift : 0),
          "layer normalisation");
      return dnn.plan(general, null, null);
    }
  }

  /** All values but those of the last axis as one dimension, that as the other. */
  static dnnl_memory_desc_t layout(DataType type, long[] shape) {
    long columns = shape[shape.length - 1];
    return OneDnn.describe(type, dnnl_ab, OperationCall.length(shape) / columns, columns);
  }

  private dnnl_memory_desc_t rows(long[] shape) {
    return layout(type, shape);
  }
}
