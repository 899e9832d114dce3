package org.ttame.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.factory.Nd4j;

/**
 * oneDNN's kernels in threads other than the one that made them, and in several at once. The
 * gradient of a vision transformer's patches is a kernel that would keep its scratch memory with
 * the thread that made it; convolutions, products and GELU's gate come along.
 */
class OneDnnThreadsTest {
  private static final int THREADS = 3;

  @BeforeEach
  void needsTheLibrary() {
    assumeThat(OneDnn.instance()).isPresent();
  }

  @Test
  void oneAfterTheOther() throws Exception {
    Map<String, INDArray> inputs = Map.of("x", values(2, 96, 96, 3));
    try (PlanRunner runner = new PlanRunner(graph(), true, true)) {
      float[] expected = gradient(runner, inputs);
      assertThat(runner.operations(inputs, "loss", List.of("x")))
          .contains("convolution gradient 16×16/16");
      for (int i = 0; i < THREADS; i++) {
        FutureTask<float[]> task = new FutureTask<>(() -> gradient(runner, inputs));
        new Thread(task, "after " + i).start();
        assertThat(task.get()).isEqualTo(expected);
      }
    }
  }

  /** A plan is one for a number of threads: another number makes another. */
  @Test
  void threadsThatComputeWithMoreThreads() throws Exception {
    Map<String, INDArray> inputs = Map.of("x", values(2, 96, 96, 3));
    try (PlanRunner runner = new PlanRunner(graph(), true, true)) {
      List<PlanStep> before = null;
      for (int threads : new int[] {1, 4, 2}) {
        FutureTask<List<PlanStep>> task =
            new FutureTask<>(
                () -> {
                  ComputingThreads.use(threads);
                  float[] actual = gradient(runner, inputs);
                  float[] expected;
                  try (PlanRunner own = new PlanRunner(graph(), true, true)) {
                    expected = gradient(own, inputs);
                  }
                  assertThat(actual).isEqualTo(expected);
                  return runner.steps(inputs, "loss", List.of("x"));
                });
        new Thread(task, threads + " threads").start();
        assertThat(task.get()).isNotSameAs(before);
        before = task.get();
      }
    }
  }

  @Test
  void allAtOnceEachWithItsOwn() throws Exception {
    INDArray x = values(2, 96, 96, 3);
    float[] expected;
    try (PlanRunner runner = new PlanRunner(graph(), true, true)) {
      expected = gradient(runner, Map.of("x", x));
    }
    ExecutorService pool = Executors.newFixedThreadPool(THREADS);
    try {
      List<Callable<Void>> tasks = new ArrayList<>();
      for (int t = 0; t < THREADS; t++) {
        tasks.add(
            () -> {
              try (PlanRunner runner = new PlanRunner(graph(), true, true)) {
                for (int round = 0; round < 20; round++) {
                  assertThat(gradient(runner, Map.of("x", x))).isEqualTo(expected);
                }
              }
              return null;
            });
      }
      for (Future<Void> each : pool.invokeAll(tasks)) {
        each.get();
      }
    } finally {
      pool.shutdownNow();
    }
  }

  private static SameDiff graph() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 96, 96, 3);
    SDVariable patches = convolution(graph, x, 16, 16, 0, 3, 32);
    SDVariable wide = graph.nn.relu(convolution(graph, patches, 3, 1, 1, 32, 64), 0);
    SDVariable rows = convolution(graph, wide, 1, 1, 0, 64, 64).reshape(-1, 64);
    SDVariable u = graph.mmul(rows, graph.constant(values(64, 128)));
    SDVariable y = u.add(u.mul(graph.math.erf(u)));
    y.mul(y).mean().rename("loss");
    return graph;
  }

  private static SDVariable convolution(
      SameDiff graph, SDVariable x, int kernel, int stride, int padding, int in, int out) {
    Conv2DConfig size =
        Conv2DConfig.builder()
            .kH(kernel)
            .kW(kernel)
            .sH(stride)
            .sW(stride)
            .pH(padding)
            .pW(padding)
            .dataFormat("NHWC")
            .build();
    return graph.cnn.conv2d(x, graph.constant(values(kernel, kernel, in, out)), size);
  }

  private static float[] gradient(PlanRunner runner, Map<String, INDArray> inputs) {
    try (GraphResult result = runner.gradients(inputs, "loss", List.of(), List.of("x"))) {
      return result.gradient("x").data().asFloat();
    }
  }

  private static INDArray values(int... shape) {
    long length = 1;
    for (int n : shape) {
      length *= n;
    }
    float[] values = new float[(int) length];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) Math.sin(i * 0.7) / 16;
    }
    return Nd4j.create(values, java.util.Arrays.stream(shape).asLongStream().toArray(), 'c');
  }
}
