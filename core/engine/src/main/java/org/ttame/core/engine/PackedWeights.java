package org.ttame.core.engine;

import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_desc_equal;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_get_memory_desc;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.function.Function;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc_t;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Frozen weights in the layouts that oneDNN's kernels want. Plans of one runner share them. Of
 * weights in bfloat16 the graph's copy is released once there is another one.
 */
final class PackedWeights implements AutoCloseable {
  private final IdentityHashMap<INDArray, List<Packed>> known = new IdentityHashMap<>();
  private final NarrowConstants constants;

  /**
   * Weights in a layout, and how they lay: transposed ones may be wanted in the same layout.
   *
   * @param turned whether they were turned first, see {@link RotatedWeights}
   */
  private record Packed(
      boolean turned, dnnl_memory_desc_t given, dnnl_memory_desc_t layout, dnnl_memory memory) {
    boolean is(boolean wantTurned, dnnl_memory_desc_t from, dnnl_memory_desc_t to) {
      return turned == wantTurned
          && dnnl_memory_desc_equal(given, from) != 0
          && dnnl_memory_desc_equal(layout, to) != 0;
    }
  }

  /**
   * None yet.
   *
   * @param constants the graph's; some of the weights may be among them
   */
  PackedWeights(NarrowConstants constants) {
    this.constants = constants;
  }

  /**
   * The weights in a layout.
   *
   * @param weights never changed
   * @param turned whether to turn them first
   * @param lying how they lie now, turned if they are to be, if they are of a type
   * @param wanted how the kernel wants them
   * @return stays this object's
   */
  dnnl_memory of(
      OneDnn dnn,
      INDArray weights,
      boolean turned,
      Function<DataType, dnnl_memory_desc_t> lying,
      dnnl_memory_desc_t wanted) {
    boolean narrow = constants.isNarrow(weights);
    dnnl_memory_desc_t given = lying.apply(narrow ? DataType.BFLOAT16 : weights.dataType());
    List<Packed> layouts = known.computeIfAbsent(weights, key -> new ArrayList<>());
    for (Packed packed : layouts) {
      if (packed.is(turned, given, wanted)) {
        return packed.memory();
      }
    }
    INDArray values = narrow ? constants.bits(weights) : weights;
    dnnl_memory memory;
    if (!turned && dnnl_memory_desc_equal(given, wanted) != 0) {
      memory = dnn.view(given, narrow ? constants.readBits(weights) : weights);
    } else {
      INDArray source = turned ? RotatedWeights.turn(values) : values;
      try {
        memory = rearranged(dnn, source, given, wanted);
      } finally {
        if (turned) {
          source.close();
        }
      }
    }
    Packed packed = new Packed(turned, OneDnn.copy(given), layout(memory), memory);
    layouts.add(packed);
    if (narrow && !turned) {
      constants.release(weights, () -> original(dnn, weights.shape(), packed));
    }
    return memory;
  }

  /** Weights in bfloat16 as they were: what is packed has every value of theirs. */
  private static INDArray original(OneDnn dnn, long[] shape, Packed packed) {
    INDArray original = Nd4j.createUninitialized(DataType.BFLOAT16, shape, 'c');
    dnnl_memory to = dnn.view(packed.given(), original);
    try {
      dnn.rearrange(packed.memory(), packed.layout(), to, packed.given());
    } finally {
      dnnl_memory_destroy(to);
    }
    return original;
  }

  /**
   * The memory's own description, which lives as long as the memory. The one that was wanted
   * belongs to a primitive's description, which is gone when the next kernel is planned; what would
   * lie there then is compared as nothing that was meant.
   */
  private static dnnl_memory_desc_t layout(dnnl_memory memory) {
    dnnl_memory_desc_t own = new dnnl_memory_desc_t((Pointer) null);
    OneDnn.check(dnnl_memory_get_memory_desc(memory, own), "layout");
    return own;
  }

  private static dnnl_memory rearranged(
      OneDnn dnn, INDArray weights, dnnl_memory_desc_t given, dnnl_memory_desc_t wanted) {
    dnnl_memory from = dnn.view(given, weights);
    dnnl_memory to = dnn.allocate(wanted);
    try {
      dnn.rearrange(from, given, to, wanted);
    } finally {
      dnnl_memory_destroy(from);
    }
    return to;
  }

  /** Of how many weights there are copies. */
  int size() {
    return known.size();
  }

  /**
   * Forgets weights that are gone.
   *
   * @param weights no kernel reads them any more
   */
  void forget(INDArray weights) {
    List<Packed> layouts = known.remove(weights);
    if (layouts != null) {
      if (constants.isNarrow(weights)) {
        constants.bits(weights);
      }
      layouts.forEach(packed -> dnnl_memory_destroy(packed.memory()));
    }
  }

  /** Forgets all; the graph has its weights again. */
  @Override
  public void close() {
    List.copyOf(known.keySet()).forEach(this::forget);
  }
}
