package org.ttame.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;

class MemoryPlannerTest {
  @Test
  void arraysThatLiveTogetherNeverOverlap() {
    Random random = new Random(1);
    for (int trial = 0; trial < 50; trial++) {
      List<PlanValue> values = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        int defined = random.nextInt(40);
        values.add(value("v" + i, 1 + random.nextInt(500), defined, defined + random.nextInt(12)));
      }
      long total = MemoryPlanner.place(values);
      for (PlanValue a : values) {
        assertThat(a.offset % MemoryPlanner.ALIGNMENT).isZero();
        assertThat(a.offset).isNotNegative();
        assertThat(a.offset + a.bytes()).isLessThanOrEqualTo(total);
        for (PlanValue b : values) {
          boolean together = a != b && a.defined <= b.lastUsed && b.defined <= a.lastUsed;
          if (together) {
            assertThat(a.offset + a.bytes() <= b.offset || b.offset + b.bytes() <= a.offset)
                .as("%s and %s", a, b)
                .isTrue();
          }
        }
      }
    }
  }

  @Test
  void aChainNeedsTwoArrays() {
    List<PlanValue> chain = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      chain.add(value("v" + i, 1024, i, i + 1));
    }
    assertThat(MemoryPlanner.place(chain)).isEqualTo(2 * 4096);
  }

  private static PlanValue value(String name, int floats, int defined, int lastUsed) {
    PlanValue value = PlanValue.computed(name, DataType.FLOAT, floats);
    value.defined = defined;
    value.lastUsed = lastUsed;
    return value;
  }
}
