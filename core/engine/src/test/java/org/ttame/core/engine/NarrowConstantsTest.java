package org.ttame.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** A graph's weights while they are kept in bfloat16, and when somebody asks for them. */
class NarrowConstantsTest extends SessionComparison {
  private static final int CHANNELS = 32;
  private static final List<String> WEIGHTS = List.of("kernel", "matrix");

  private final SameDiff graph = SameDiff.create();
  private final INDArray images = wave(3, 8, 8, CHANNELS);

  @BeforeEach
  void writeGraph() {
    assumeThat(OneDnn.bfloat16()).as("bfloat16").isNotEqualTo(Precision.Hardware.NONE);
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 8, 8, CHANNELS);
    SDVariable y = convolution(graph, x, "kernel");
    SDVariable rows = graph.reshape(graph.nn().relu(y, 0), -1, CHANNELS);
    SDVariable matrix = graph.constant("matrix", wave(CHANNELS, CHANNELS));
    SDVariable shared = graph.constant("shared", wave(CHANNELS, CHANNELS));
    SDVariable product = graph.mmul(graph.mmul(rows, matrix), shared.mul(2));
    SDVariable logits = graph.mmul(product, shared).rename("logits");
    logits.mul(logits).sum().rename(LOSS);
  }

  private SDVariable convolution(SameDiff graph, SDVariable x, String name) {
    SDVariable y = convolution(graph, x, 3, 1, 1, CHANNELS, CHANNELS, false);
    graph.variables().stream()
        .filter(SDVariable::isConstant)
        .findFirst()
        .orElseThrow()
        .rename(name);
    return y;
  }

  private INDArray kept(String name) {
    return NarrowConstants.of(graph).asTheyAre(() -> graph.getVariable(name).getArr());
  }

  private INDArray asked(String name) {
    return graph.getVariable(name).getArr();
  }

  private static PlanRunner runner(SameDiff graph) {
    return new PlanRunner(graph, Precision.BFLOAT16);
  }

  private List<INDArray> run(PlanRunner runner, long batch) {
    Map<String, INDArray> inputs = Map.of("x", images.get(NDArrayIndex.interval(0, batch)).dup());
    GraphResult result = runner.gradients(inputs, LOSS, List.of("logits"), List.of("x"));
    return List.of(result.output("logits"), result.gradient("x"));
  }

  @Test
  void weightsHaveNoValuesInFloat32UntilSomebodyAsks() {
    Map<String, INDArray> before = Map.of("kernel", asked("kernel"), "matrix", asked("matrix"));
    Map<String, INDArray> values =
        Map.of("kernel", before.get("kernel").dup(), "matrix", before.get("matrix").dup());
    try (PlanRunner runner = runner(graph)) {
      WEIGHTS.forEach(name -> assertThat(kept(name).data().wasClosed()).isTrue());
      List<INDArray> results = run(runner, 2);
      WEIGHTS.forEach(name -> assertThat(kept(name).data().wasClosed()).isTrue());
      for (String name : WEIGHTS) {
        INDArray exact = values.get(name);
        INDArray wide = asked(name);
        assertThat(wide).isSameAs(before.get(name));
        for (long i = 0; i < exact.length(); i++) {
          assertThat(wide.getFloat(i)).isEqualTo(rounded(exact.getFloat(i)));
        }
      }
      // Plans that have copies go on with them; those of another batch make new ones.
      assertThat(run(runner, 2)).isEqualTo(results);
      assertThat(run(runner, 3).get(0).get(interval(2))).isEqualTo(results.get(0));
    }
  }

  private static INDArrayIndex interval(long images) {
    return NDArrayIndex.interval(0, images * 64);
  }

  @Test
  void leavesAloneWhatIsAlsoReadOtherwise() {
    INDArray before = asked("shared").dup();
    try (PlanRunner runner = runner(graph)) {
      run(runner, 2);
      assertThat(kept("shared")).isEqualTo(before);
    }
  }

  @Test
  void aPlanThatIsMadeWhileWeightsAreNarrowRunsAfterTheyWereAskedFor() {
    List<INDArray> expected;
    try (PlanRunner runner = runner(graph)) {
      expected = run(runner, 2);
    }
    try (PlanRunner runner = runner(graph)) {
      Map<String, INDArray> inputs = Map.of("x", images.get(NDArrayIndex.interval(0, 2)));
      assertThat(runner.operations(inputs, LOSS, List.of("x"))).isNotEmpty();
      WEIGHTS.forEach(this::asked);
      assertThat(run(runner, 2)).isEqualTo(expected);
    }
  }

  @Test
  void theGraphOutlivesItsRunner() {
    List<INDArray> first;
    try (PlanRunner runner = runner(graph)) {
      first = run(runner, 2);
    }
    try (PlanRunner other = runner(graph)) {
      try (PlanRunner one = runner(graph)) {
        assertThat(run(one, 2)).isEqualTo(first);
        assertThat(run(other, 2)).isEqualTo(first);
      }
      assertThat(run(other, 3)).hasSize(2);
      assertThat(run(other, 2)).isEqualTo(first);
    }
    assertThat(asked("kernel").getFloat(0)).isEqualTo(rounded(asked("kernel").getFloat(0)));
  }

  @Test
  void aRunnerInFloat32ReadsTheRoundedValues() {
    SameDiff rounded = graph.dup();
    for (String name : WEIGHTS) {
      INDArray array = rounded.getVariable(name).getArr();
      for (long i = 0; i < array.length(); i++) {
        array.putScalar(i, rounded(array.getFloat(i)));
      }
    }
    try (PlanRunner narrow = runner(graph);
        PlanRunner wide = new PlanRunner(graph, Precision.FLOAT32);
        PlanRunner expected = new PlanRunner(rounded, Precision.FLOAT32)) {
      run(narrow, 2);
      assertThat(run(wide, 2)).isEqualTo(run(expected, 2));
    }
  }

  @Test
  void freesAllWithTheGraph() {
    PlanRunner runner = runner(graph);
    run(runner, 2);
    List<INDArray> arrays =
        graph.variables().stream()
            .filter(SDVariable::isConstant)
            .map(variable -> kept(variable.name()))
            .toList();
    runner.closeWithGraph();
    assertThat(arrays).isNotEmpty().allMatch(INDArray::wasClosed);
  }

  private static float rounded(float value) {
    return PrecisionTest.round(value);
  }

  /** Products with two weights, the second of which is read otherwise, too. */
  private static void products(SameDiff graph, Function<String, SDVariable> weight) {
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 8, 8, CHANNELS);
    SDVariable rows = graph.reshape(x, -1, CHANNELS);
    SDVariable shared = weight.apply("shared");
    SDVariable product = graph.mmul(graph.mmul(rows, weight.apply("matrix")), shared.mul(2));
    SDVariable logits = graph.mmul(product, shared).rename("logits");
    logits.mul(logits).sum().rename(LOSS);
  }

  @Test
  void weightsThatAreWrittenInBfloat16GiveTheSameBits() {
    Map<String, INDArray> exact =
        Map.of("matrix", wave(CHANNELS, CHANNELS), "shared", wave(CHANNELS, CHANNELS));
    SameDiff plain = SameDiff.create();
    products(plain, name -> plain.constant(name, exact.get(name).dup()));
    SameDiff written = SameDiff.create();
    NarrowConstants constants = NarrowConstants.in(written);
    products(
        written,
        name -> written.constant(name, constants.add(NarrowConstants.rounded(exact.get(name)))));
    List<String> asked = new ArrayList<>();
    constants.settle(
        written,
        (name, shape) -> {
          asked.add(name);
          assertThat(shape).isEqualTo(exact.get(name).shape());
          return exact.get(name);
        });
    assertThat(asked).containsExactly("shared");
    try (PlanRunner before = runner(plain);
        PlanRunner runner = runner(written)) {
      assertThat(run(runner, 2)).isEqualTo(run(before, 2));
    }
    assertThat(written.getVariable("shared").getArr()).isSameAs(exact.get("shared"));
    INDArray wide = written.getVariable("matrix").getArr();
    for (long i = 0; i < wide.length(); i++) {
      assertThat(wide.getFloat(i)).isEqualTo(rounded(exact.get("matrix").getFloat(i)));
    }
  }

  @Test
  void roundsAsTheProcessorDoes() {
    float[] values = {0, -0f, 1, 1 + 0x1p-8f, 1 + 0x3p-8f, -3.14159f, 1e-30f, 3.4e38f, 1e-3f};
    INDArray bits = NarrowConstants.rounded(Nd4j.createFromArray(values).reshape(1, values.length));
    for (int i = 0; i < values.length; i++) {
      assertThat(HostMemory.values(bits).asShortBuffer().get(i))
          .isEqualTo(Precision.bfloat16(values[i]));
    }
  }
}
