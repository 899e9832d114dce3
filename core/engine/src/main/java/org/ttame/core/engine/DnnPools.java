package org.ttame.core.engine;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_WORKSPACE;
import static org.bytedeco.dnnl.global.dnnl.dnnl_forward_inference;
import static org.bytedeco.dnnl.global.dnnl.dnnl_forward_training;
import static org.bytedeco.dnnl.global.dnnl.dnnl_pooling_backward_desc_init;
import static org.bytedeco.dnnl.global.dnnl.dnnl_pooling_forward_desc_init;
import static org.bytedeco.dnnl.global.dnnl.dnnl_pooling_max;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_desc_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_desc_query_md;
import static org.bytedeco.dnnl.global.dnnl.dnnl_query_workspace_md;

import org.bytedeco.dnnl.const_dnnl_op_desc_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc_t;
import org.bytedeco.dnnl.dnnl_pooling_desc_t;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.nd4j.linalg.api.buffer.DataType;
import org.ttame.core.engine.KernelSequence.Stage;

/**
 * oneDNN's kernels for pools. All throw {@link OneDnn.UnsupportedException} where oneDNN has
 * nothing fast.
 *
 * @param type of the images
 * @param tag how they lie in memory, a {@code dnnl_format_tag_t}
 */
record DnnPools(OneDnn dnn, DataType type, int tag) {
  /** The largest value under each window. */
  Kernel maxPool(Window window) {
    dnnl_memory_desc_t source = OneDnn.image(type, tag, window.input());
    dnnl_memory_desc_t target = OneDnn.image(type, tag, window.output());
    dnnl_primitive_desc desc = forward(window, source, target, dnnl_forward_inference);
    return DnnKernel.of(dnn, "max pool", 0, desc)
        .input(DNNL_ARG_SRC, source)
        .output(DNNL_ARG_DST, target);
  }

  /**
   * The gradient of {@link #maxPool}: inputs what is pooled and the result's gradient, in this
   * order. Which value was the largest is found anew, so that nothing has to be kept for it.
   */
  Kernel maxPoolGradient(Window window) {
    dnnl_memory_desc_t source = OneDnn.image(type, tag, window.input());
    dnnl_memory_desc_t target = OneDnn.image(type, tag, window.output());
    dnnl_primitive_desc again = forward(window, source, target, dnnl_forward_training);
    dnnl_primitive_desc back;
    dnnl_memory places;
    try (dnnl_pooling_desc_t operation = new dnnl_pooling_desc_t();
        const_dnnl_op_desc_t general = new const_dnnl_op_desc_t(operation)) {
      OneDnn.check(
          dnnl_pooling_backward_desc_init(
              operation,
              dnnl_pooling_max,
              source,
              target,
              window.stride(),
              window.kernel(),
              window.padding(),
              window.padding()),
          "gradient of a pool");
      back = dnn.plan(general, null, again);
      places = dnn.allocate(dnnl_primitive_desc_query_md(again, dnnl_query_workspace_md, 0));
    } catch (OneDnn.UnsupportedException e) {
      dnnl_primitive_desc_destroy(again);
      throw e;
    }
    DnnKernel find =
        DnnKernel.of(dnn, "places of the largest", 0, again)
            .input(DNNL_ARG_SRC, source)
            .owned(DNNL_ARG_DST, dnn.allocate(target))
            .constant(DNNL_ARG_WORKSPACE, places);
    DnnKernel spread =
        DnnKernel.of(dnn, "gradient of a pool", 0, back)
            .input(DNNL_ARG_DIFF_DST, target)
            .owned(DNNL_ARG_WORKSPACE, places)
            .output(DNNL_ARG_DIFF_SRC, source);
    return new KernelSequence("max pool gradient", new Stage(find, 0), new Stage(spread, 1));
  }

  private dnnl_primitive_desc forward(
      Window window, dnnl_memory_desc_t source, dnnl_memory_desc_t target, int kind) {
    try (dnnl_pooling_desc_t operation = new dnnl_pooling_desc_t();
        const_dnnl_op_desc_t general = new const_dnnl_op_desc_t(operation)) {
      OneDnn.check(
          dnnl_pooling_forward_desc_init(
              operation,
              kind,
              dnnl_pooling_max,
              source,
              target,
              window.stride(),
              window.kernel(),
              window.padding(),
              window.padding()),
          "pool");
      return dnn.plan(general, null, null);
    }
  }
}
