package org.ttame.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What plans leave to ND4J where arrays lie on a device: all that reads memory at an address. */
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

  private static List<String> kinds(SameDiff graph, Map<String, INDArray> inputs, String backend) {
    try (PlanRunner runner =
        new PlanRunner(graph, OneDnn.load(backend), OneDnn::hasNarrowVectors, null, true)) {
      return runner.operations(inputs, LOSS, List.of("x"));
    }
  }
}
