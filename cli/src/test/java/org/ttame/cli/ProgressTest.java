package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ProgressTest {
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private long now;

  private Console.Progress progress(boolean terminal, long total, long before) {
    return new Console.Progress(
        new PrintStream(err, true, StandardCharsets.UTF_8),
        terminal,
        "work",
        total,
        before,
        () -> now);
  }

  private String shown() {
    return err.toString(StandardCharsets.UTF_8);
  }

  @Test
  void aFileGetsFewLines() {
    Console.Progress progress = progress(false, 1000, 0);
    for (int i = 1; i <= 1000; i++) {
      now += 100_000_000L;
      progress.at(i, "loss 1");
    }
    progress.end();
    assertThat(shown()).doesNotContain("\r").doesNotContain("[");
    assertThat(shown().lines()).hasSize(10).last().isEqualTo("work 1000/1000  loss 1");
    assertThat(shown()).contains("work 500/1000  loss 1  50 s left");
  }

  @Test
  void quickWorkSaysOnlyThatItIsDone() {
    Console.Progress progress = progress(false, 3, 0);
    for (int i = 1; i <= 3; i++) {
      progress.at(i, "");
    }
    assertThat(shown()).isEqualTo("work 3/3\n");
  }

  @Test
  void aTerminalGetsOneLineThatCoversItself() {
    Console.Progress progress = progress(true, 4, 0);
    progress.at(1, "a long detail");
    now += 1_000_000_000L;
    progress.at(4, "");
    progress.end();
    String[] drawn = shown().split("\r", -1);
    assertThat(drawn[1]).isEqualTo("work [######                  ] 1/4  a long detail");
    assertThat(drawn[2]).startsWith("work [########################] 4/4 ").endsWith("\n");
    assertThat(drawn[2].strip().length()).isLessThan(drawn[1].length());
    assertThat(drawn[2].replace("\n", "")).hasSize(drawn[1].length());
  }

  @Test
  void aResumedRunIsTimedByWhatItDoesItself() {
    Console.Progress progress = progress(true, 100, 50);
    now += 10_000_000_000L;
    progress.at(60, "");
    assertThat(shown()).contains("40 s left");
  }

  @Test
  void aLongUnitIsHeardOfNowAndThen() {
    Console.Progress progress = progress(false, 2, 0);
    for (int i = 1; i <= 70; i++) {
      now += 1_000_000_000L;
      progress.during("rise " + i);
    }
    assertThat(shown()).isEqualTo("work 0/2  rise 30\nwork 0/2  rise 60\n");
  }
}
