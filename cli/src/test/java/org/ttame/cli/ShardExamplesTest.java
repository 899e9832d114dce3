package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The examples for schedulers, run by a shell with the variables that Slurm and Kubernetes set; in
 * place of Java a script notes what it was called with, and that is done here.
 */
class ShardExamplesTest {
  private static final Path EXAMPLES = Path.of("examples").toAbsolutePath();

  @TempDir static Path folder;

  /** A run, a list of test images, and a java that notes its arguments. */
  @BeforeAll
  static void prepare() throws IOException {
    Path run = folder.resolve("runs/vgg16");
    Ttame.ok(
        "train",
        "--backbone",
        "vgg16",
        "--limit",
        "16",
        "--epochs",
        "1",
        "--report",
        "0",
        "--run",
        run.toString());
    Path scenes = run.resolve("sample/scenes/test");
    List<String> lines = new ArrayList<>();
    try (var files = Files.list(scenes)) {
      files
          .filter(file -> !file.toString().endsWith(".csv"))
          .sorted()
          .limit(3)
          .forEach(file -> lines.add(file.toString()));
    }
    Files.createDirectories(folder.resolve("lists"));
    Files.write(folder.resolve("lists/test.txt"), lines);
    Path java = Files.createDirectory(folder.resolve("bin")).resolve("java");
    Files.writeString(java, "#!/bin/sh\nfor word; do printf '%s\\n' \"$word\"; done > called\n");
    assertThat(java.toFile().setExecutable(true)).isTrue();
  }

  /** Has a shell call the noting java, and does what it was called for. */
  private static Ttame.Result run(Map<String, String> environment, String... shell)
      throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(shell).directory(folder.toFile()).inheritIO();
    builder.environment().putAll(environment);
    builder.environment().merge("PATH", "", (path, none) -> folder.resolve("bin") + ":" + path);
    assertThat(builder.start().waitFor()).isZero();
    List<String> words = Files.readAllLines(folder.resolve("called"), StandardCharsets.UTF_8);
    assertThat(words.subList(0, 3)).containsExactly("-Xmx2g", "-jar", "ttame-cli.jar");
    return Ttame.ok(
        words.subList(3, words.size()).stream()
            .map(ShardExamplesTest::here)
            .toArray(String[]::new));
  }

  /** The test's JVM is in another folder, and has fewer threads. */
  private static String here(String word) {
    return word.matches("(runs|lists|metrics)(/.*)?") ? folder.resolve(word).toString() : word;
  }

  @Test
  void slurm() throws Exception {
    String script = EXAMPLES.resolve("slurm.sh").toString();
    for (int task = 0; task < 2; task++) {
      Ttame.Result done =
          run(
              Map.of(
                  "SLURM_ARRAY_TASK_ID",
                  String.valueOf(task),
                  "SLURM_ARRAY_TASK_MAX",
                  "1",
                  "SLURM_CPUS_PER_TASK",
                  "1"),
              "bash",
              script,
              "runs/vgg16",
              "lists/test.txt",
              "metrics");
      assertThat(done.out()).contains("metrics/part-" + task + ": shard " + task + "/2, ");
    }
    Ttame.Result merged = run(Map.of(), "bash", script, "--merge", "metrics");
    assertThat(merged.out()).contains("metrics: 3 images");
    assertThat(folder.resolve("metrics/report.html")).exists();
  }

  @Test
  void kubernetes() throws Exception {
    String text = Files.readString(EXAMPLES.resolve("kubernetes.yaml"));
    Matcher args =
        Pattern.compile("args:\n +- (.*?)\n +(?:resources|volumeMounts)", Pattern.DOTALL)
            .matcher(text);
    assertThat(args.find()).isTrue();
    String evaluate = folded(args.group(1)).replace("metrics/", "metrics/pod-");
    assertThat(text)
        .contains("completions: 32", "parallelism: 32", "{name: SHARDS, value: \"32\"}");
    for (int pod = 0; pod < 2; pod++) {
      run(
          Map.of("JOB_COMPLETION_INDEX", String.valueOf(pod), "SHARDS", "2"),
          "sh",
          "-c",
          evaluate.replace("--threads 8", "--threads 1"));
    }
    assertThat(args.find()).isTrue();
    String merge = folded(args.group(1)).replace("metrics/", "metrics/pod-");
    assertThat(run(Map.of(), "sh", "-c", merge).out()).contains("metrics: 3 images");
  }

  /** YAML's plain scalars go on in the next line. */
  private static String folded(String scalar) {
    return String.join(" ", Arrays.stream(scalar.split("\n", -1)).map(String::strip).toList());
  }
}
