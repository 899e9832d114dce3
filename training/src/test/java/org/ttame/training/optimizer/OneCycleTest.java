package org.ttame.training.optimizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OneCycleTest {
  /** Golden values: optimizer_golden.py. */
  @Test
  void followsPyTorchForEveryLength() throws IOException {
    try (InputStream in = OneCycleTest.class.getResourceAsStream("/optimizer/one-cycle.json")) {
      JsonNode tables = new ObjectMapper().readTree(in);
      assertThat(tables.size()).isEqualTo(11);
      for (Map.Entry<String, JsonNode> table : tables.properties()) {
        int total = Integer.parseInt(table.getKey());
        OneCycle schedule = new OneCycle(total, 1e-3);
        assertThat(table.getValue()).hasSize(total);
        for (int step = 0; step < total; step++) {
          JsonNode row = table.getValue().get(step);
          assertThat(schedule.learningRate(step))
              .as("rate of step %d of %d", step, total)
              .isCloseTo(row.get(0).asDouble(), within(1e-15));
          assertThat(schedule.momentum(step))
              .as("momentum of step %d of %d", step, total)
              .isCloseTo(row.get(1).asDouble(), within(1e-14));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {10, 100, 40_040})
  void startsPeaksAndEndsWhereTheClosedFormSays(long total) {
    OneCycle schedule = new OneCycle(total, 0.5);
    assertThat(schedule.learningRate(0)).isCloseTo(0.02, within(1e-15));
    assertThat(schedule.momentum(0)).isCloseTo(0.95, within(1e-15));
    long peak = total * 3 / 10 - 1;
    assertThat(schedule.learningRate(peak)).isCloseTo(0.5, within(1e-12));
    assertThat(schedule.momentum(peak)).isCloseTo(0.85, within(1e-12));
    assertThat(schedule.learningRate(total - 1)).isCloseTo(2e-6, within(1e-15));
    assertThat(schedule.momentum(total - 1)).isCloseTo(0.95, within(1e-15));
  }

  @Test
  void refusesWhatIsNoSchedule() {
    assertThatThrownBy(() -> new OneCycle(0, 1e-3)).hasMessageContaining("got 0");
    assertThatThrownBy(() -> new OneCycle(5, -1)).hasMessageContaining("got -1.0");
    assertThatThrownBy(() -> new OneCycle(5, Double.NaN)).hasMessageContaining("NaN");
    assertThatThrownBy(() -> new OneCycle(5, 1e-3).learningRate(5))
        .hasMessageContaining("Step 5 is not one of the schedule's 0 to 4");
  }
}
