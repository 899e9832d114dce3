package org.ttame.training.optimizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.engine.ComputingThreads;

class NesterovSgdTest {
  private static final float TOLERANCE = 2e-6f;

  /** Golden values: optimizer_golden.py. On a device nothing may be done at arrays' addresses. */
  @ParameterizedTest
  @ValueSource(strings = {"CpuBackend", "JCublasBackend"})
  void followsPyTorchWithCycledRateAndMomentum(String backend) throws IOException {
    JsonNode golden;
    try (InputStream in = NesterovSgdTest.class.getResourceAsStream("/optimizer/sgd.json")) {
      golden = new ObjectMapper().readTree(in);
    }
    Map<String, INDArray> live = new LinkedHashMap<>();
    live.put("fusion.weight", matrix(golden.get("weight")));
    live.put("fusion.bias", vector(golden.get("bias")));
    try (NesterovSgd sgd = new NesterovSgd(live, 0.05, backend)) {
      assertThat(sgd.isInPlace()).isEqualTo(backend.equals("CpuBackend"));
      assertThat(golden.get("steps")).hasSize(12);
      for (JsonNode step : golden.get("steps")) {
        sgd.step(
            Map.of(
                "fusion.weight", matrix(step.get("weight.grad")),
                "fusion.bias", vector(step.get("bias.grad"))),
            step.get("lr").asDouble(),
            step.get("momentum").asDouble());
        close(live.get("fusion.weight"), matrix(step.get("weight")));
        close(live.get("fusion.bias"), vector(step.get("bias")));
        close(sgd.velocities().get("fusion.weight"), matrix(step.get("weight.velocity")));
      }
    }
    assertThat(live.get("fusion.weight").wasClosed()).isFalse();
  }

  @Test
  void firstStepIsOnePlusMomentumTimesThePlainOne() {
    INDArray p = Nd4j.createFromArray(1f, -2f);
    try (NesterovSgd sgd = new NesterovSgd(Map.of("w", p), 0)) {
      sgd.step(Map.of("w", Nd4j.createFromArray(0.5f, 0.25f)), 0.1, 0.9);
    }
    assertThat(p.toFloatVector())
        .containsExactly(new float[] {1 - 0.095f, -2 - 0.0475f}, within(1e-6f));
  }

  @Test
  void aConstantGradientReachesTheGeometricVelocity() {
    INDArray p = Nd4j.createFromArray(0f);
    try (NesterovSgd sgd = new NesterovSgd(Map.of("w", p), 0)) {
      for (int i = 0; i < 10; i++) {
        sgd.step(Map.of("w", Nd4j.createFromArray(1f)), 0, 0.9);
      }
      assertThat(sgd.velocities().get("w").getFloat(0))
          .isCloseTo((float) ((1 - Math.pow(0.9, 10)) / 0.1), within(1e-5f));
    }
  }

  @Test
  void decayDrawsWeightsAndNoBias() {
    Map<String, INDArray> live = new LinkedHashMap<>();
    for (String name : new String[] {"branch.0.bn.weight", "branch.0.bn.bias", "bias"}) {
      live.put(name, Nd4j.createFromArray(1f));
    }
    try (NesterovSgd sgd = new NesterovSgd(live, 0.5)) {
      INDArray zero = Nd4j.zeros(1);
      sgd.step(Map.of("branch.0.bn.weight", zero, "branch.0.bn.bias", zero, "bias", zero), 0.1, 0);
    }
    assertThat(live.get("branch.0.bn.weight").getFloat(0)).isCloseTo(0.95f, within(1e-6f));
    assertThat(live.get("branch.0.bn.bias").getFloat(0)).isEqualTo(1f);
    assertThat(live.get("bias").getFloat(0)).isEqualTo(1f);
  }

  @Test
  void restoredVelocitiesContinueBitByBit() {
    INDArray g = Nd4j.rand(4, 5);
    INDArray a = Nd4j.rand(4, 5);
    INDArray b = a.dup();
    try (NesterovSgd one = new NesterovSgd(Map.of("w", a), 5e-4);
        NesterovSgd two = new NesterovSgd(Map.of("w", b), 5e-4)) {
      one.step(Map.of("w", g), 0.1, 0.9);
      two.restore(one.velocities());
      b.assign(a);
      one.step(Map.of("w", g), 0.1, 0.9);
      two.step(Map.of("w", g), 0.1, 0.9);
    }
    assertThat(b.data().asFloat()).containsExactly(a.data().asFloat());
  }

  /**
   * Longer than what is updated at a time, and no multiple of it; one value each by the formula.
   */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void everyValueOfALongArrayFollowsTheFormula(int threads) {
    int before = ComputingThreads.current();
    ComputingThreads.use(threads);
    INDArray p = Nd4j.rand(3, 2731);
    INDArray g = Nd4j.rand(2731, 3).transpose(); // not in c order
    float[] start = p.data().asFloat();
    float[] gradient = g.dup('c').data().asFloat();
    try (NesterovSgd sgd = new NesterovSgd(Map.of("w", p), 0.25)) {
      sgd.step(Map.of("w", g), 0.5, 0.75);
      sgd.step(Map.of("w", g), 0.5, 0.75);
      float[] end = p.data().asFloat();
      for (int i = 0; i < end.length; i++) {
        double first = gradient[i] + 0.25 * start[i];
        double once = start[i] - 0.5 * (first + 0.75 * first);
        double change = gradient[i] + 0.25 * once;
        double velocity = 0.75 * first + change;
        assertThat((double) end[i])
            .isCloseTo(once - 0.5 * (change + 0.75 * velocity), within(1e-6));
      }
    } finally {
      ComputingThreads.use(before);
    }
  }

  @Test
  @Tag("memory")
  void takesNoMemoryPerStep() {
    INDArray p = Nd4j.rand(1000, 1000);
    INDArray g = Nd4j.rand(1000, 1000);
    try (NesterovSgd sgd = new NesterovSgd(Map.of("w", p), 5e-4)) {
      sgd.step(Map.of("w", g), 0.1, 0.9);
      long before = Pointer.physicalBytes();
      for (int i = 0; i < 100; i++) {
        sgd.step(Map.of("w", g), 0.1, 0.9);
      }
      // ND4J counts no bytes itself; one array a step would make 400 MB resident.
      assertThat(Pointer.physicalBytes() - before).isLessThan(40_000_000);
    }
  }

  @Test
  void aMissingOrMisshapenGradientChangesNothing() {
    INDArray p = Nd4j.createFromArray(1f, 2f);
    INDArray q = Nd4j.createFromArray(3f);
    Map<String, INDArray> live = new LinkedHashMap<>();
    live.put("a", p);
    live.put("b", q);
    try (NesterovSgd sgd = new NesterovSgd(live, 0)) {
      assertThatThrownBy(() -> sgd.step(Map.of("a", Nd4j.ones(2)), 1, 0))
          .hasMessageContaining("parameter b");
      assertThatThrownBy(() -> sgd.step(Map.of("a", Nd4j.ones(2), "b", Nd4j.ones(1, 2)), 1, 0))
          .hasMessageContaining("[1]")
          .hasMessageContaining("[1, 2]");
    }
    assertThat(p.toFloatVector()).containsExactly(1f, 2f);
  }

  private static void close(INDArray actual, INDArray expected) {
    assertThat(actual.shape()).containsExactly(expected.shape());
    assertThat(actual.dup('c').data().asFloat())
        .containsExactly(expected.dup('c').data().asFloat(), within(TOLERANCE));
  }

  private static INDArray vector(JsonNode values) {
    float[] array = new float[values.size()];
    for (int i = 0; i < array.length; i++) {
      array[i] = (float) values.get(i).asDouble();
    }
    return Nd4j.createFromArray(array);
  }

  private static INDArray matrix(JsonNode rows) {
    return Nd4j.vstack(
        java.util.stream.StreamSupport.stream(rows.spliterator(), false)
            .map(row -> vector(row).reshape(1, row.size()))
            .toList());
  }
}
