package org.ttame.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ComputingThreadsTest {
  /** 20000 end the process inside OpenMP. */
  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 20_000, Integer.MAX_VALUE})
  void refusesWhatOpenMpWouldDieOf(int threads) {
    assertThatThrownBy(() -> ComputingThreads.use(threads))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(String.valueOf(threads))
        .hasMessageContaining("1 to " + ComputingThreads.most());
  }

  @Test
  void refusesItFromTheEnvironmentToo() {
    for (String number : new String[] {"20000", "0", "-1", "2,1", " 2", "many", "\u0662"}) {
      assertThatThrownBy(() -> ComputingThreads.checkVariable(number))
          .hasMessageContaining("OMP_NUM_THREADS");
    }
    for (String number : new String[] {null, "", "1", "02", "64"}) {
      assertThatCode(() -> ComputingThreads.checkVariable(number)).doesNotThrowAnyException();
    }
  }

  @Test
  void allowsEveryProcessorAndMore() {
    assertThat(ComputingThreads.most())
        .isGreaterThanOrEqualTo(Runtime.getRuntime().availableProcessors());
  }

  /** What runs record, and are resumed with: it decides the last bits. */
  @Test
  void saysWhatItWasTold() {
    NativeBinary.select();
    int before = ComputingThreads.current();
    try {
      for (int threads : new int[] {1, 2, 3, 1}) {
        ComputingThreads.use(threads);
        assertThat(ComputingThreads.current()).isEqualTo(threads);
      }
    } finally {
      ComputingThreads.use(before);
    }
  }

  @Test
  void theUsersOwnWayOfWaitingStays() {
    assertThat(WaitingThreads.given(Map.of("OMP_WAIT_POLICY", "PASSIVE")))
        .isEqualTo("OMP_WAIT_POLICY=passive, as the environment says");
    assertThat(WaitingThreads.given(Map.of("GOMP_SPINCOUNT", "7"))).startsWith("GOMP_SPINCOUNT=7");
    assertThat(WaitingThreads.given(Map.of("PATH", "/"))).isNull();
  }
}
