package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class EngineTest {
  @Test
  void countsCoresAndNotTheirThreads() {
    List<String> twoChipsOfTwoCores =
        List.of(
            "physical id\t: 0", "core id\t: 0",
            "physical id\t: 0", "core id\t: 1",
            "physical id\t: 0", "core id\t: 0",
            "physical id\t: 1", "core id\t: 0",
            "physical id\t: 1", "core id\t: 1");
    assertThat(Engine.physicalCores(twoChipsOfTwoCores, 9)).isEqualTo(4);
  }

  @Test
  void aTextWithoutCoresLeavesTheSystemsCount() {
    assertThat(Engine.physicalCores(List.of("processor : 0", "BogoMIPS : 50.00"), 3)).isEqualTo(3);
  }

  @Test
  void usesNoMoreThanItMay() {
    assertThat(Engine.physicalCores()).isBetween(1, Runtime.getRuntime().availableProcessors());
  }
}
