package org.ttame.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Plans in bfloat16. What is rounded, and what is not, is checked anywhere: by kernels of float32
 * whose operands and results are rounded in Java. Where the processor has bfloat16, its kernels are
 * compared with those.
 */
class PrecisionTest extends SessionComparison {
  /** Half of a unit in the last of eight places: what rounding changes at most. */
  private static final double HALF_UNIT = Math.pow(2, -9);

  /** Rounds in Java, to the nearest, to even where there are two. */
  private record Rounding(long length) implements Kernel {
    @Override
    public String kind() {
      return "round";
    }

    @Override
    public long operations() {
      return 0;
    }

    @Override
    public OperationCall.Bound bind(List<INDArray> inputs, INDArray output) {
      INDArray from = inputs.get(0).reshape(length);
      INDArray to = output.reshape(length);
      return () -> {
        for (long i = 0; i < length; i++) {
          to.putScalar(i, round(from.getFloat(i)));
        }
      };
    }

    @Override
    public void close() {}
  }

  static float round(float value) {
    int bits = Float.floatToRawIntBits(value);
    int rounded = bits + 0x7fff + (bits >>> 16 & 1);
    return Float.isNaN(value) ? value : Float.intBitsToFloat(rounded & 0xffff0000);
  }

  private static final PrecisionPass.Casts EMULATED =
      new PrecisionPass.Casts() {
        @Override
        public DataType type() {
          return DataType.FLOAT;
        }

        @Override
        public Kernel narrow(long length) {
          return new Rounding(length);
        }

        @Override
        public Kernel widen(long length) {
          return new Rounding(length);
        }

        @Override
        public boolean emulated() {
          return true;
        }
      };

  private static PlanRunner emulated(SameDiff graph) {
    return runner(graph, kernels -> EMULATED);
  }

  private static PlanRunner runner(
      SameDiff graph, Function<DnnKernels, PrecisionPass.Casts> casts) {
    return new PlanRunner(graph, OneDnn.instance(), () -> false, casts, true);
  }

  /** Weights and inputs that are of bfloat16 already: what remains is when results are rounded. */
  private INDArray narrowWave(long... shape) {
    INDArray wave = wave(shape);
    for (long i = 0; i < wave.length(); i++) {
      wave.putScalar(i, round(wave.getFloat(i)));
    }
    return wave;
  }

  private SDVariable convolve(
      SameDiff graph, SDVariable x, int kernel, int stride, int in, int out) {
    SDVariable y = convolution(graph, x, kernel, stride, kernel / 2, in, out, false);
    for (SDVariable variable : graph.variables()) {
      if (variable.isConstant()) {
        INDArray array = variable.getArr();
        INDArray flat = array.reshape(array.length());
        for (long i = 0; i < flat.length(); i++) {
          flat.putScalar(i, round(flat.getFloat(i)));
        }
      }
    }
    return y;
  }

  /** A stem, a pool, a residual block, a head, as in a ResNet. */
  private SameDiff residual() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 16, 16, 3);
    SDVariable stem = graph.nn.relu(convolve(graph, x, 3, 2, 3, 32), 0);
    SDVariable pooled =
        graph.cnn.maxPooling2d(
            stem,
            Pooling2DConfig.builder()
                .kH(2)
                .kW(2)
                .sH(2)
                .sW(2)
                .isNHWC(true)
                .paddingMode(PaddingMode.VALID)
                .build());
    SDVariable inner = graph.nn.relu(convolve(graph, pooled, 3, 1, 32, 32), 0);
    SDVariable block = graph.nn.relu("block", convolve(graph, inner, 1, 1, 32, 32).add(pooled), 0);
    SDVariable mean = block.mean(1, 2);
    graph.mmul("logits", mean, graph.constant(narrowWave(32, 10).divi(8)), false, false, false);
    objective(graph, "logits");
    return graph;
  }

  /** Attention over tokens, with a normalisation before and something wide added after it. */
  private SameDiff attention() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, 2, 8, 16);
    SDVariable rows = x.reshape(16, 16);
    SDVariable ones = graph.constant(Nd4j.ones(DataType.FLOAT, 16, 1).divi(16));
    SDVariable centred = rows.sub(graph.mmul(rows, ones));
    SDVariable variance = graph.mmul(centred.mul(centred), ones);
    SDVariable normal = centred.mul(graph.math.rsqrt(variance.add(1e-5)));
    SDVariable[] heads = new SDVariable[3];
    for (int i = 0; i < 3; i++) {
      heads[i] =
          graph
              .mmul(normal, graph.constant(narrowWave(16, 32).divi(4)))
              .reshape(2, 8, 4, 8)
              .permute(0, 2, 1, 3);
    }
    SDVariable scores = graph.mmul("scores", heads[0], heads[1], false, true, false);
    SDVariable weights = graph.nn.softmax("weights", scores, -1);
    SDVariable mixed = graph.mmul(weights, heads[2]).permute(0, 2, 1, 3).reshape(16, 32);
    SDVariable out = graph.mmul(mixed, graph.constant(narrowWave(32, 16).divi(8)));
    out.add("sum", rows).sum(false, 1).rename("logits");
    objective(graph, "logits");
    return graph;
  }

  @Test
  void convolutionsOfRoundedOperandsAreExact() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 8, 8, 16);
    convolve(graph, x, 3, 1, 16, 32).rename("y");
    INDArray narrow = narrowWave(2, 8, 8, 16);
    INDArray between = narrow.mul(1 + HALF_UNIT / 2); // rounds to the same
    try (PlanRunner runner = emulated(graph);
        GraphRunner session = new SameDiffRunner(graph);
        GraphResult expected = session.run(Map.of("x", narrow), "y");
        GraphResult actual = runner.run(Map.of("x", narrow), "y");
        GraphResult same = runner.run(Map.of("x", between), "y")) {
      assertClose("y", actual.output("y"), expected.output("y"));
      assertThat(same.output("y")).isEqualTo(actual.output("y"));
    }
  }

  @Test
  void residualBlocksKeepEverythingNarrow() {
    SameDiff graph = residual();
    Map<String, INDArray> inputs = Map.of("x", wave(2, 16, 16, 3));
    try (PlanRunner runner = emulated(graph)) {
      List<String> forward = runner.forwardOperations(inputs, List.of("logits"));
      // The image once; then each result, of the pool and both stages of the mean too; the logits
      // alone are wide.
      assertThat(forward).containsOnlyOnce("max pool").doesNotContain("maxpool2d");
      assertThat(forward.get(0)).isEqualTo("round");
      assertThat(forward.get(forward.size() - 1)).isEqualTo("product");
      assertThat(forward.stream().filter("round"::equals)).hasSize(1 + 6);
    }
  }

  @Test
  void softmaxStatisticsAndWhatIsAddedToSomethingWideStayInFloat32() {
    SameDiff graph = attention();
    Map<String, INDArray> inputs = Map.of("x", narrowWave(2, 8, 16));
    Set<String> outputs = Set.of("scores", "weights", "sum");
    try (PlanRunner runner = emulated(graph);
        GraphResult result = runner.run(inputs, outputs)) {
      for (String output : outputs) {
        assertThat(roundedShare(result.output(output))).as(output).isLessThan(0.05);
      }
    }
  }

  /** How many of the values are of bfloat16; of others one in 65,536 is. */
  private static double roundedShare(INDArray values) {
    INDArray flat = values.reshape(values.length());
    int count = 0;
    for (long i = 0; i < flat.length(); i++) {
      count += round(flat.getFloat(i)) == flat.getFloat(i) ? 1 : 0;
    }
    return (double) count / flat.length();
  }

  @Test
  void featuresThatAreHandedOutAreWhatTheNextLayerReads() {
    SameDiff graph = residual();
    try (PlanRunner runner = emulated(graph);
        GraphResult result =
            runner.run(Map.of("x", wave(2, 16, 16, 3)), List.of("block", "logits"))) {
      assertThat(roundedShare(result.output("block"))).isEqualTo(1);
      assertThat(roundedShare(result.output("logits"))).isLessThan(0.5);
    }
  }

  /**
   * Each rounding changes a value by half a unit; a dozen one after the other by no more than 12.
   * Gradients of a ReLU may be on its other side.
   */
  @Test
  void resultsAreWithinSomeRoundingsOfFloat32() {
    SameDiff residual = residual();
    Map<String, INDArray> images = inputs(residual);
    try (PlanRunner narrow = emulated(residual);
        PlanRunner wide = new PlanRunner(residual, true, true);
        GraphResult actual = narrow.run(images, "logits");
        GraphResult expected = wide.run(images, "logits")) {
      assertThat(distance(actual.output("logits"), expected.output("logits")))
          .isBetween(HALF_UNIT / 100, 12 * HALF_UNIT);
    }
    SameDiff attention = attention();
    try (PlanRunner narrow = emulated(attention);
        PlanRunner wide = new PlanRunner(attention, true, true)) {
      compare(inputs(attention), narrow, wide, 12 * HALF_UNIT);
    }
  }

  /** Only AMX is known to save time; a refusal speaks for itself. */
  @Test
  void whoCannotCountOnTimeIsTold() {
    assertThat(Precision.Hardware.AMX.warning()).isEmpty();
    assertThat(Precision.Hardware.NONE.warning()).isEmpty();
    assertThat(Precision.Hardware.AVX512_BF16.warning()).get().asString().contains("ttame bench");
    assertThat(Precision.Hardware.EMULATED.warning()).get().asString().contains("slower");
  }

  @Test
  void kernelsOfTheProcessorDoWhatTheEmulationDoes() {
    assumeThat(OneDnn.bfloat16()).as("bfloat16").isNotEqualTo(Precision.Hardware.NONE);
    for (SameDiff graph : List.of(residual(), attention())) {
      Map<String, INDArray> inputs = inputs(graph);
      try (PlanRunner narrow = runner(graph, DnnKernels::casts);
          PlanRunner emulation = emulated(graph)) {
        // Sums in another order: a value between two of bfloat16 may go to the other side.
        compare(inputs, narrow, emulation, 4 * HALF_UNIT);
        assertThat(narrow.operations(inputs, LOSS, List.of("x")))
            .contains("into bfloat16")
            .anyMatch(kind -> kind.startsWith("product"));
      }
    }
  }

  /** Layers of normalised rows, a product and a ReLU, each added to what it reads. */
  private SameDiff normalised(int layers, int width) {
    SameDiff graph = SameDiff.create();
    SDVariable rows = graph.placeHolder("x", DataType.FLOAT, -1, width);
    SDVariable average = graph.constant(Nd4j.valueArrayOf(new long[] {width, 1}, 1f / width));
    for (int layer = 0; layer < layers; layer++) {
      SDVariable centred = rows.sub(graph.mmul(rows, average));
      SDVariable variance = graph.mmul(centred.mul(centred), average);
      SDVariable deviation = graph.math().rsqrt(variance.add(1e-5));
      SDVariable weights = graph.constant(wave(width, width).divi(width));
      SDVariable open = graph.nn().relu(graph.mmul(centred.mul(deviation), weights), 0);
      rows = rows.add(graph.mmul(open, graph.constant(wave(width, width).divi(width))));
    }
    SDVariable logits = rows.mul("logits", 1);
    logits.mul(logits).sum().rename(LOSS);
    return graph;
  }

  /** Of a layer the differences and the ReLU's result are held for the way back: two bytes each. */
  @Test
  void whatTheWayBackReadsIsHeldInBfloat16() {
    assumeThat(OneDnn.bfloat16()).as("bfloat16").isNotEqualTo(Precision.Hardware.NONE);
    int width = 64;
    INDArray x = wave(256, width);
    long[] needed = new long[2];
    for (int i = 0; i < needed.length; i++) {
      try (PlanRunner runner = runner(normalised(6 * (i + 1), width), DnnKernels::casts)) {
        needed[i] =
            runner.plannedBytes(Map.of("x", x), Set.of(), LOSS, List.of("logits"), List.of("x"));
      }
    }
    assertThat((needed[1] - needed[0]) / 6.0 / x.length()).isBetween(3.9, 4.5);
    SameDiff graph = normalised(2, width);
    try (PlanRunner narrow = runner(graph, DnnKernels::casts);
        PlanRunner wide = new PlanRunner(graph, true, true)) {
      compare(Map.of("x", x), narrow, wide, 12 * HALF_UNIT);
    }
  }

  private Map<String, INDArray> inputs(SameDiff graph) {
    long[] shape = graph.getVariable("x").placeholderShape().clone();
    shape[0] = 2;
    return Map.of("x", wave(shape));
  }

  private static void compare(
      Map<String, INDArray> inputs, GraphRunner one, GraphRunner other, double tolerance) {
    try (GraphResult actual = one.gradients(inputs, LOSS, List.of("logits"), List.of("x"));
        GraphResult expected = other.gradients(inputs, LOSS, List.of("logits"), List.of("x"));
        GraphResult forward = one.run(inputs, "logits")) {
      assertThat(distance(actual.output("logits"), expected.output("logits")))
          .isLessThan(tolerance);
      assertThat(distance(forward.output("logits"), expected.output("logits")))
          .isLessThan(tolerance);
      assertThat(distance(actual.gradient("x"), expected.gradient("x"))).isLessThan(tolerance);
    }
  }

  private static double distance(INDArray actual, INDArray expected) {
    assertThat(expected.norm2Number().doubleValue()).isPositive();
    return actual.sub(expected).norm2Number().doubleValue() / expected.norm2Number().doubleValue();
  }

  @Test
  void otherEnginesRefuseIt() {
    System.setProperty(EngineChoice.PROPERTY, "nd4j");
    try {
      SameDiff graph = residual();
      assertThatThrownBy(() -> GraphRunner.of(graph, Precision.BFLOAT16))
          .isInstanceOf(UnsupportedOperationException.class)
          .hasMessage("The engine nd4j computes in float32 alone; use the engine auto, or float32");
    } finally {
      System.clearProperty(EngineChoice.PROPERTY);
    }
  }
}
