package org.ttame.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Real processes that die: the run they leave behind goes on to the bits of one that did not. */
class KilledProcessTest {
  @TempDir Path temp;
  private Path images;

  @BeforeEach
  void wholeRun() throws IOException {
    images = Fixtures.pictures(temp.resolve("images"), 10);
    TrainingProcess.train(images, temp.resolve("whole"));
  }

  @Test
  void killedAtOnceAtAnyMoment() throws Exception {
    Path run = temp.resolve("killed");
    int kills = 0;
    long lines = 0;
    // Each process dies in the middle of a step, a save or a start, a few steps after the last.
    while (kills < 3 && lines < 33) {
      Process process = start(run, List.of());
      long target = lines + 4;
      while (process.isAlive() && lines(run) < target) {
        Thread.sleep(3);
      }
      process.destroyForcibly();
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      lines = lines(run);
      kills++;
    }
    assertThat(kills).isEqualTo(3);
    assertThat(lines).isLessThan(36);
    TrainingProcess.train(images, run);
    assertSameRun(run);
  }

  /** A file that may not grow is the nearest thing to a full disk that needs no rights. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void outOfDiskNothingWrittenIsLost() throws Exception {
    Path run = temp.resolve("full");
    // Checkpoints have 4 kB, steps.jsonl passes 5 kB after about 25 steps.
    Process process = start(run, List.of("sh", "-c", "ulimit -f 10; exec \"$@\"", "sh"));
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(said).isEqualTo(1);
    assertThat(said).contains("Could not write").contains("steps.jsonl");
    assertThat(lines(run)).isBetween(4L, 35L);
    TrainingProcess.train(images, run);
    assertSameRun(run);
  }

  private Process start(Path run, List<String> prefix) throws IOException {
    List<String> command = new ArrayList<>(prefix);
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx512m",
            "-XX:-UsePerfData",
            "-cp",
            System.getProperty("java.class.path"),
            TrainingProcess.class.getName(),
            images.toString(),
            run.toString()));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private static long lines(Path run) throws IOException {
    Path steps = run.resolve("steps.jsonl");
    return Files.exists(steps) ? Files.readString(steps).lines().count() : 0;
  }

  private void assertSameRun(Path run) {
    for (String file : List.of("attention.npz", "optimizer.npz")) {
      String path = "checkpoints/epoch-12/" + file;
      assertThat(run.resolve(path)).hasSameBinaryContentAs(temp.resolve("whole").resolve(path));
    }
  }
}
