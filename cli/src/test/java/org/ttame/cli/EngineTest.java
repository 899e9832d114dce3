package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
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
  void aBuildComputesOnItsOwnDevice() {
    assertThatCode(() -> Engine.requireDevice(Optional.empty(), true)).doesNotThrowAnyException();
    assertThatCode(() -> Engine.requireDevice(Optional.of("cpu"), false))
        .doesNotThrowAnyException();
    assertThatThrownBy(() -> Engine.requireDevice(Optional.of("cpu"), true))
        .hasMessageContaining("without -Pcuda");
    assertThatThrownBy(() -> Engine.requireDevice(Optional.of("cuda"), false))
        .hasMessageContaining("-Pcuda");
  }

  @Test
  void usesNoMoreThanItMay() {
    assertThat(Engine.physicalCores()).isBetween(1, Runtime.getRuntime().availableProcessors());
  }

  /** As ND4J fails on a machine without a device: in whichever way, it is one sentence. */
  @Test
  void aMissingGpuIsSaidInOneSentence() {
    for (Throwable failure :
        List.of(
            new ExceptionInInitializerError(new IllegalStateException("CUDA error 100")),
            new UnsatisfiedLinkError("libcuda.so.1: cannot open shared object file"),
            new IllegalStateException("no backend"))) {
      assertThatThrownBy(
              () ->
                  Engine.requireGpu(
                      () -> {
                        if (failure instanceof RuntimeException unchecked) {
                          throw unchecked;
                        }
                        throw (Error) failure;
                      }))
          .isInstanceOf(WorkFailedException.class)
          .hasMessageContaining("none can be used here (")
          .hasMessageContaining("without -Pcuda")
          .hasMessageNotContaining("ExceptionInInitializerError");
    }
    assertThatCode(() -> Engine.requireGpu(() -> {})).doesNotThrowAnyException();
  }

  /** As ND4J's CUDA backend does without a driver: a stack on standard error, and no reason. */
  @Test
  void whatNd4jPrintsBesideIsTheReason() {
    PrintStream err = System.err;
    ByteArrayOutputStream shown = new ByteArrayOutputStream();
    System.setErr(new PrintStream(shown, true, StandardCharsets.UTF_8));
    try {
      assertThatThrownBy(
              () ->
                  Engine.requireGpu(
                      () -> {
                        new UnsatisfiedLinkError("libcuda.so.1: cannot open").printStackTrace();
                        throw new IllegalStateException("have a backend on your classpath");
                      }))
          .hasMessageContaining("here (java.lang.UnsatisfiedLinkError: libcuda.so.1: cannot open)")
          .hasMessageNotContaining("classpath");
      System.err.print("still there");
    } finally {
      System.setErr(err);
    }
    assertThat(shown.toString(StandardCharsets.UTF_8)).isEqualTo("still there");
  }
}
