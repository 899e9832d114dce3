package org.ttame.core.engine;

import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.factory.Nd4j;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Layers of the three networks at batch 4, by each engine: {@code mvn -ntp -q -Pjmh -pl core -am
 * clean verify -DskipTests} (clean: JMH writes its classes when the benchmark is compiled).
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class KernelBenchmark {
  /** How a layer is computed: oneDNN directly, plans of ND4J's operations, SameDiff's session. */
  @Param({"auto", "nd4j", "samediff"})
  public String engine;

  /**
   * vgg: 3×3, 256 channels, 56×56, with ReLU; bottleneck: 1×1, 256 to 1024 channels, 14×14, with a
   * residual and ReLU; perceptron: 788×768 to 3072 with GELU and back.
   */
  @Param({"vgg", "bottleneck", "perceptron"})
  public String layer;

  private GraphRunner runner;
  private Map<String, INDArray> inputs;

  /** Makes the layer. */
  @Setup(Level.Trial)
  public void prepare() {
    NativeBinary.select();
    SameDiff graph = SameDiff.create();
    inputs =
        switch (layer) {
          case "vgg" -> convolution(graph, 3, 56, 256, 256, false);
          case "bottleneck" -> convolution(graph, 1, 14, 256, 1024, true);
          default -> perceptron(graph);
        };
    System.setProperty(EngineChoice.PROPERTY, engine);
    runner = GraphRunner.of(graph);
  }

  /** Computes it once. */
  @Benchmark
  public void run() {
    runner.run(inputs, "y").close();
  }

  /** Frees what the runner holds. */
  @TearDown(Level.Trial)
  public void finish() {
    runner.close();
  }

  private static Map<String, INDArray> convolution(
      SameDiff graph, int kernel, int side, int in, int out, boolean residual) {
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, side, side, in);
    SDVariable r = graph.placeHolder("r", DataType.FLOAT, -1, side, side, out);
    SDVariable y =
        graph.cnn.conv2d(
            x,
            graph.constant(Nd4j.rand(DataType.FLOAT, kernel, kernel, in, out)),
            graph.constant(Nd4j.rand(DataType.FLOAT, out)),
            Conv2DConfig.builder()
                .kH(kernel)
                .kW(kernel)
                .pH(kernel / 2)
                .pW(kernel / 2)
                .paddingMode(PaddingMode.VALID)
                .dataFormat("NHWC")
                .build());
    graph.nn.relu(residual ? y.add(r) : y, 0).rename("y");
    INDArray image = Nd4j.rand(DataType.FLOAT, 4, side, side, in);
    return residual
        ? Map.of("x", image, "r", Nd4j.rand(DataType.FLOAT, 4, side, side, out))
        : Map.of("x", image);
  }

  private static Map<String, INDArray> perceptron(SameDiff graph) {
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 768);
    SDVariable u = linear(graph, x, 768, 3072);
    linear(graph, u.add(u.mul(graph.math.erf(u))), 3072, 768).rename("y");
    return Map.of("x", Nd4j.rand(DataType.FLOAT, 788, 768));
  }

  private static SDVariable linear(SameDiff graph, SDVariable rows, int in, int out) {
    return graph
        .mmul(rows, graph.constant(Nd4j.rand(DataType.FLOAT, in, out)))
        .add(graph.constant(Nd4j.rand(DataType.FLOAT, out)));
  }
}
