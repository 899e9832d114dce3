package org.ttame.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Hundreds of runs must not grow the process. No collection is asked for: it would clear up behind
 * a leak.
 */
@Tag("memory")
class ResidentMemoryTest {
  private static final int RUNS = 300;

  @Test
  void staysFlat() {
    try (GraphRunner runner = GraphRunner.of(PlanRunnerTest.convolutional())) {
      // 16 images make activations of about 0.6 MB; a leak of one array a run would show as
      // hundreds.
      Map<String, INDArray> inputs =
          Map.of("x", PlanRunnerTest.wave(16, 12, 12, 3), "t", PlanRunnerTest.wave(16, 5));
      run(runner, inputs, 200);
      long before = Pointer.physicalBytes();
      run(runner, inputs, RUNS);
      long growth = Pointer.physicalBytes() - before;
      assertThat(growth).as("bytes after %d runs", RUNS).isLessThan(48L << 20);
    }
  }

  private static void run(GraphRunner runner, Map<String, INDArray> inputs, int times) {
    for (int i = 0; i < times; i++) {
      runner.run(inputs, List.of("logits", "feature")).close();
      runner.gradients(inputs, "loss", List.of("logits"), List.of("x")).close();
    }
  }
}
