package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.Text;
import org.ttame.training.sample.SampleData;

/** Runs that are stopped, by a kill or politely, and go on. */
class LifeIT {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String[] TRAIN = {
    "train",
    "--max-steps",
    "40",
    "--epochs",
    "20",
    "--limit",
    "16",
    "--save-every",
    "1",
    "--report",
    "0",
    "--threads",
    "1",
    "--quiet"
  };

  @TempDir Path folder;

  @Test
  void aStoppedRunGoesOnToTheSameBits() throws Exception {
    Jar jar = new Jar(folder);
    Jar.Result whole = jar.run(with("--run", "whole"));
    assertThat(whole.code()).as("%s", whole).isZero();

    Process killed = jar.start(with("--run", "stopped"));
    awaitStep(killed, 5);
    killed.destroyForcibly().waitFor();
    long afterKill = steps("stopped").size();
    assertThat(afterKill).isLessThan(40);

    Process polite = jar.start("train", "--run", "stopped", "--resume", "--quiet");
    awaitStep(polite, afterKill + 5);
    polite.destroy();
    assertThat(polite.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(polite.exitValue()).isEqualTo(Main.TERMINATED);
    List<ObjectNode> politely = steps("stopped");
    assertThat(politely).hasSizeLessThan(40);
    // Asked to stop, the run saves the step it was in.
    assertThat(Files.readString(folder.resolve("stopped/checkpoints/last")).strip())
        .matches(Text.format("(step-%d|epoch-\\d+)", politely.size()));

    Jar.Result rest = jar.run("train", "--run", "stopped", "--resume", "--quiet");
    assertThat(rest.code()).as("%s", rest).isZero();
    assertThat(steps("stopped")).isEqualTo(steps("whole"));
    String last = Files.readString(folder.resolve("whole/checkpoints/last")).strip();
    for (String file : List.of("attention.npz", "optimizer.npz")) {
      assertThat(folder.resolve("stopped/checkpoints").resolve(last).resolve(file))
          .hasSameBinaryContentAs(folder.resolve("whole/checkpoints").resolve(last).resolve(file));
    }
  }

  @Test
  void aStoppedRangeTestKeepsItsCurve() throws Exception {
    Path err = folder.resolve("err");
    Process process =
        new Jar(folder)
            .interruptible()
            .start(err, "lr-find", "--out", "lr", "--steps", "2000", "--threads", "1");
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    while (!Files.readString(err).contains("smoothed loss")) {
      assertThat(process.isAlive()).as("the process ended by itself").isTrue();
      assertThat(System.nanoTime()).as("no step in two minutes").isLessThan(deadline);
      Thread.sleep(20);
    }
    interrupt(process);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isEqualTo(Main.INTERRUPTED);
    ObjectNode json =
        (ObjectNode) JSON.readTree(folder.resolve("lr").resolve("lr-find.json").toFile());
    assertThat(json.path("ended").asText()).isEqualTo("stopped");
    assertThat(json.path("steps").asInt()).isBetween(1, 1999);
    assertThat(Files.readString(folder.resolve("lr").resolve("lr-find.csv")).lines())
        .hasSize(json.path("steps").asInt() + 1);
    assertThat(folder.resolve("lr").resolve("lr-find.png")).isNotEmptyFile();
  }

  /** Neither measuring nor explaining has anything to save; what is written goes on or is whole. */
  @Test
  void aSignalEndsEveryCommandWithItsOwnCode() throws Exception {
    Jar jar = new Jar(folder).interruptible();
    Path sample = folder.resolve("sample");
    String[] endless = {
      "evaluate",
      "--weights",
      new SampleData(sample).backbone("vgg").toString(),
      "--data",
      new SampleData(sample).images("test").source().toString(),
      "--methods",
      "rise",
      "--threads",
      "1",
      "--out",
      "metrics"
    };
    for (boolean terminate : new boolean[] {false, true}) {
      Path err = folder.resolve("err-" + terminate);
      Process process = jar.start(err, endless);
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
      while (!Files.readString(err).contains("read in")) {
        assertThat(process.isAlive()).as("the process ended by itself").isTrue();
        assertThat(System.nanoTime()).as("nothing in two minutes").isLessThan(deadline);
        Thread.sleep(20);
      }
      if (terminate) {
        process.destroy();
      } else {
        interrupt(process);
      }
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isEqualTo(terminate ? Main.TERMINATED : Main.INTERRUPTED);
      assertThat(folder.resolve("metrics/report.html")).doesNotExist();
    }
  }

  /** What Ctrl-C does. */
  private static void interrupt(Process process) throws Exception {
    String pid = String.valueOf(process.pid());
    assertThat(new ProcessBuilder("kill", "-INT", pid).start().waitFor()).isZero();
  }

  private static String[] with(String... more) {
    List<String> words = new ArrayList<>(List.of(TRAIN));
    words.addAll(List.of(more));
    return words.toArray(String[]::new);
  }

  private void awaitStep(Process process, long step) throws IOException, InterruptedException {
    while (steps("stopped").size() < step) {
      assertThat(process.isAlive()).as("the process ended by itself").isTrue();
      Thread.sleep(20);
    }
  }

  /** The lines of a run's log without their times. */
  private List<ObjectNode> steps(String run) throws IOException {
    Path log = folder.resolve(run).resolve("steps.jsonl");
    List<ObjectNode> steps = new ArrayList<>();
    if (Files.exists(log)) {
      String text = Files.readString(log);
      for (String line : text.substring(0, text.lastIndexOf('\n') + 1).lines().toList()) {
        ObjectNode step = (ObjectNode) JSON.readTree(line);
        step.remove("images_per_s");
        steps.add(step);
      }
    }
    return steps;
  }
}
