package org.ttame.core.engine;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.dnnl_ab;
import static org.bytedeco.dnnl.global.dnnl.dnnl_forward_training;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_desc_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_softmax_backward_desc_init;
import static org.bytedeco.dnnl.global.dnnl.dnnl_softmax_forward_desc_init;

import org.bytedeco.dnnl.const_dnnl_op_desc_t;
import org.bytedeco.dnnl.dnnl_memory_desc_t;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.dnnl_softmax_desc_t;

/**
 * Softmax over the rows of a matrix, forwards and back. Both may write over their first input.
 *
 * @param rows of the matrix
 * @param columns of the matrix
 */
record SoftmaxKernels(OneDnn dnn, long rows, long columns) {
  /** The kind of {@link #forward}. */
  static final String KIND = "softmax of rows";

  /** The kind of {@link #gradient}. */
  static final String GRADIENT = "softmax gradient";

  /** Input the scores, output the probabilities. */
  Kernel forward() {
    dnnl_memory_desc_t matrix = OneDnn.describe(dnnl_ab, rows, columns);
    return new DnnKernel(dnn, KIND, 0, dnn.make(plan(matrix)))
        .input(DNNL_ARG_SRC, matrix)
        .output(DNNL_ARG_DST, matrix);
  }

  /** Inputs the gradient of the probabilities, and the probabilities, in this order. */
  Kernel gradient() {
    dnnl_memory_desc_t matrix = OneDnn.describe(dnnl_ab, rows, columns);
    dnnl_primitive_desc hint = plan(matrix);
    try (dnnl_softmax_desc_t operation = new dnnl_softmax_desc_t();
        const_dnnl_op_desc_t general = new const_dnnl_op_desc_t(operation)) {
      OneDnn.check(
          dnnl_softmax_backward_desc_init(operation, matrix, matrix, 1), "gradient of softmax");
      return new DnnKernel(dnn, GRADIENT, 0, dnn.make(dnn.plan(general, null, hint)))
          .input(DNNL_ARG_DIFF_DST, matrix)
          .input(DNNL_ARG_DST, matrix)
          .output(DNNL_ARG_DIFF_SRC, matrix);
    } finally {
      dnnl_primitive_desc_destroy(hint);
    }
  }

  private dnnl_primitive_desc plan(dnnl_memory_desc_t matrix) {
    try (dnnl_softmax_desc_t operation = new dnnl_softmax_desc_t();
        const_dnnl_op_desc_t general = new const_dnnl_op_desc_t(operation)) {
      OneDnn.check(
          dnnl_softmax_forward_desc_init(operation, dnnl_forward_training, matrix, 1), "softmax");
      return dnn.plan(general, null, null);
    }
  }
}
