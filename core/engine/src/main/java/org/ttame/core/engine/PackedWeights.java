package org.ttame.core.engine;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_FROM;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_TO;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_desc_equal;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_get_memory_desc;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_execute;
import static org.bytedeco.dnnl.global.dnnl.dnnl_stream_wait;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc_t;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Frozen weights in the layouts that oneDNN's kernels want. Plans of one runner share them. */
final class PackedWeights implements AutoCloseable {
  private final IdentityHashMap<INDArray, List<Packed>> known = new IdentityHashMap<>();

  /** Weights in a layout, and how they lay: transposed ones may be wanted in the same layout. */
  private record Packed(dnnl_memory_desc_t given, dnnl_memory_desc_t layout, dnnl_memory memory) {
    boolean is(dnnl_memory_desc_t from, dnnl_memory_desc_t to) {
      return dnnl_memory_desc_equal(given, from) != 0 && dnnl_memory_desc_equal(layout, to) != 0;
    }
  }

  /**
   * The weights in a layout.
   *
   * @param weights never changed
   * @param given how they lie now
   * @param wanted how the kernel wants them
   * @return stays this object's
   */
  dnnl_memory of(
      OneDnn dnn, INDArray weights, dnnl_memory_desc_t given, dnnl_memory_desc_t wanted) {
    List<Packed> layouts = known.computeIfAbsent(weights, key -> new ArrayList<>());
    for (Packed packed : layouts) {
      if (packed.is(given, wanted)) {
        return packed.memory();
      }
    }
    dnnl_memory memory =
        dnnl_memory_desc_equal(given, wanted) != 0
            ? dnn.view(given, weights)
            : rearranged(dnn, weights, given, wanted);
    layouts.add(new Packed(OneDnn.copy(given), layout(memory), memory));
    return memory;
  }

  /**
   * The memory's own description, which lives as long as the memory. The one that was wanted
   * belongs to a primitive's description, which is gone when the next kernel is planned; what would
   * then be compared is whatever has been put in its place.
   */
  private static dnnl_memory_desc_t layout(dnnl_memory memory) {
    dnnl_memory_desc_t layout = new dnnl_memory_desc_t((Pointer) null);
    OneDnn.check(dnnl_memory_get_memory_desc(memory, layout), "layout of weights");
    return layout;
  }

  private static dnnl_memory rearranged(
      OneDnn dnn, INDArray weights, dnnl_memory_desc_t given, dnnl_memory_desc_t wanted) {
    dnnl_primitive reorder = dnn.reorder(given, wanted);
    dnnl_memory from = dnn.view(given, weights);
    dnnl_memory to = dnn.allocate(wanted);
    try (dnnl_exec_arg_t arguments = new dnnl_exec_arg_t(2)) {
      arguments.position(0).arg(DNNL_ARG_FROM).memory(from);
      arguments.position(1).arg(DNNL_ARG_TO).memory(to);
      arguments.position(0);
      OneDnn.check(
          dnnl_primitive_execute(reorder, dnn.stream(), 2, arguments), "rearranging weights");
      OneDnn.check(dnnl_stream_wait(dnn.stream()), "rearranging weights");
    } finally {
      dnnl_primitive_destroy(reorder);
      dnnl_memory_destroy(from);
    }
    return to;
  }

  /** Of how many weights there are layouts; for tests. */
  int size() {
    return known.size();
  }

  /**
   * Forgets weights that are gone, and every layout of them.
   *
   * @param weights no kernel reads them any more
   */
  void forget(INDArray weights) {
    destroy(known.remove(weights));
  }

  private static void destroy(List<Packed> layouts) {
    if (layouts != null) {
      layouts.forEach(packed -> dnnl_memory_destroy(packed.memory()));
    }
  }

  @Override
  public void close() {
    known.values().forEach(PackedWeights::destroy);
    known.clear();
  }
}
