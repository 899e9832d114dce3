package org.ttame.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Field;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.concurrency.AffinityManager;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Where arrays lie on a device: plans leave all that reads memory at an address to ND4J, and what
 * is written here is brought there.
 */
class HostMemoryTest extends SessionComparison {
  private static final String DEVICE = "JCublasBackend";

  @Test
  void arraysLieInTheProcessOnTheProcessorAlone() {
    assertThat(HostMemory.holdsArrays(HostMemory.backend())).isTrue();
    assertThat(HostMemory.holdsArrays(DEVICE)).isFalse();
    assertThat(OneDnn.load(DEVICE)).isEmpty();
  }

  @Test
  void onADeviceAllStepsAreNd4js() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 8, 8, 4);
    SDVariable map = graph.nn.relu(convolution(graph, x, 3, 1, 1, 4, 8, true), 0);
    long[] ones = {1, 1, 1, 1};
    SDVariable rest =
        graph.stridedSlice(map, new long[] {0, 2, 0, 0}, new long[4], ones, 13, 15, 0, 0, 0);
    linear(graph, graph.reshape(rest, -1, 8), 8, 6).rename("y");
    objective(graph, "y");
    Map<String, INDArray> inputs = Map.of("x", wave(2, 8, 8, 4));
    List<String> direct = kinds(graph, inputs, HostMemory.backend());
    List<String> device = kinds(graph, inputs, DEVICE);
    assertThat(direct).contains("convolution 3×3/1 + relu", "slice", "slice gradient");
    assertThat(device)
        .contains("conv2d", "strided_slice", "strided_slice_bp")
        .noneMatch(kind -> kind.contains("convolution") || kind.startsWith("slice"));
  }

  /**
   * ND4J's own say of what is current, which does nothing on the processor: asked of a stand-in.
   */
  @Test
  void whatIsWrittenHereIsSaidToBeTheCurrentCopy() throws Exception {
    Field field = Nd4j.class.getDeclaredField("affinityManager");
    field.setAccessible(true);
    Object own = field.get(null);
    List<String> calls = new ArrayList<>();
    Object standIn =
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {AffinityManager.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("tagLocation")) {
                calls.add(arguments[0] + " " + arguments[1]);
              }
              return method.invoke(own, arguments);
            });
    field.set(null, standIn);
    try (INDArray array = Nd4j.zeros(DataType.FLOAT, 2)) {
      HostMemory.fill(array, memory -> memory.putFloat(3).putFloat(4));
      assertThat(calls).containsExactly(array + " HOST");
      assertThat(array.toFloatVector()).containsExactly(3, 4);
    } finally {
      field.set(null, own);
    }
  }

  @Test
  void anArraysMemoryIsItsOwnAlone() {
    try (INDArray whole = Nd4j.createFromArray(new float[][] {{1, 2}, {3, 4}, {5, 6}})) {
      INDArray row = whole.slice(1);
      ByteBuffer values = HostMemory.values(row);
      assertThat(values.remaining()).isEqualTo(2 * Float.BYTES);
      assertThat(values.isReadOnly()).isTrue();
      assertThat(List.of(values.getFloat(), values.getFloat())).containsExactly(3f, 4f);
      HostMemory.fill(row, memory -> memory.putFloat(7));
      assertThat(whole.dup().data().asFloat()).containsExactly(1, 2, 7, 4, 5, 6);
    }
  }

  private static List<String> kinds(SameDiff graph, Map<String, INDArray> inputs, String backend) {
    try (PlanRunner runner =
        new PlanRunner(graph, OneDnn.load(backend), OneDnn::hasNarrowVectors, null, true)) {
      return runner.operations(inputs, LOSS, List.of("x"));
    }
  }
}
