package org.ttame.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.bytedeco.dnnl.global.dnnl.dnnl_ab;
import static org.bytedeco.dnnl.global.dnnl.dnnl_ba;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_get_data_handle;

import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc_t;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class PackedWeightsTest {
  private static final int SIZE = 16;

  /**
   * A kernel's description is freed once the kernel is made, and the next may lie in its place: a
   * layout must be remembered by its content. Here the description is overwritten.
   */
  @Test
  void remembersLayoutsByContent() {
    assumeThat(OneDnn.instance()).isPresent();
    OneDnn dnn = OneDnn.instance().orElseThrow();
    dnnl_memory_desc_t given = OneDnn.describe(DataType.FLOAT, dnnl_ab, SIZE, SIZE);
    dnnl_memory_desc_t reused = OneDnn.describe(DataType.FLOAT, dnnl_ba, SIZE, SIZE);
    try (INDArray weights = Nd4j.arange(SIZE * SIZE).castTo(DataType.FLOAT).reshape(SIZE, SIZE);
        PackedWeights packed = new PackedWeights(NarrowConstants.of(SameDiff.create()))) {
      assertThat(second(packed.of(dnn, weights, false, type -> given, reused))).isEqualTo(SIZE);
      Pointer.memcpy(reused, given, reused.sizeof());
      assertThat(second(packed.of(dnn, weights, false, type -> given, reused))).isEqualTo(1);
      Pointer.memcpy(reused, OneDnn.describe(DataType.FLOAT, dnnl_ba, SIZE, SIZE), reused.sizeof());
      dnnl_memory again = packed.of(dnn, weights, false, type -> given, reused);
      assertThat(second(again)).isEqualTo(SIZE);
      assertThat(packed.of(dnn, weights, false, type -> given, reused)).isSameAs(again);
    }
  }

  /** Square weights, and the same transposed, as the gradient wants them, in one layout. */
  @Test
  void tellsTransposedWeightsApart() {
    assumeThat(OneDnn.instance()).isPresent();
    OneDnn dnn = OneDnn.instance().orElseThrow();
    dnnl_memory_desc_t plain = OneDnn.describe(DataType.FLOAT, dnnl_ab, SIZE, SIZE);
    dnnl_memory_desc_t transposed = OneDnn.describe(DataType.FLOAT, dnnl_ba, SIZE, SIZE);
    try (INDArray weights = Nd4j.arange(SIZE * SIZE).castTo(DataType.FLOAT).reshape(SIZE, SIZE);
        PackedWeights packed = new PackedWeights(NarrowConstants.of(SameDiff.create()))) {
      assertThat(second(packed.of(dnn, weights, false, type -> plain, plain))).isEqualTo(1);
      assertThat(second(packed.of(dnn, weights, false, type -> transposed, plain))).isEqualTo(SIZE);
    }
  }

  /** The second number in memory. */
  private static float second(dnnl_memory memory) {
    FloatPointer data = new FloatPointer((Pointer) null);
    OneDnn.check(dnnl_memory_get_data_handle(memory, data), "data");
    return data.get(1);
  }
}
