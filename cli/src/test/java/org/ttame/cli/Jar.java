package org.ttame.cli;

import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.ttame.core.Text;

/** The built jar, run as a user runs it: in a process and a folder of its own. */
final class Jar {
  /** No command of the tests takes longer. */
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  /** Its bit in a mask of signals. */
  private static final long SIGINT = 1L << 1;

  private final Path folder;
  private final List<String> java = new ArrayList<>(List.of("-Xmx2g"));

  private final Map<String, String> environment = new HashMap<>();

  private final List<String> launcher = new ArrayList<>();

  private final List<String> before = new ArrayList<>();

  Jar(Path folder) {
    this.folder = folder;
  }

  /** The jar, started by the shipped script. */
  static Jar by(Path script, Path folder) {
    Jar jar = new Jar(folder);
    jar.launcher.add(script.toString());
    return jar.environment("TTAME_JAR", System.getProperty("ttame.jar"))
        .environment("JAVA_HOME", System.getProperty("java.home"));
  }

  /**
   * What a process left behind.
   *
   * @param code its exit code
   * @param out standard output
   * @param err standard error
   * @param seconds wall time
   */
  record Result(int code, String out, String err, double seconds) {
    @Override
    public String toString() {
      return Text.format(
          "exit %d after %.1f s%n--- stdout%n%s--- stderr%n%s", code, seconds, out, err);
    }
  }

  /** Adds an option for the JVM. */
  Jar java(String option) {
    java.add(option);
    return this;
  }

  /** Sets a variable of the environment. */
  Jar environment(String name, String value) {
    environment.put(name, value);
    return this;
  }

  /**
   * Lets it be interrupted. A shell without job control starts background jobs that ignore SIGINT,
   * which all that they start inherit, and a JVM keeps to that.
   */
  Jar interruptible() throws IOException, InterruptedException {
    Path status = Path.of("/proc/self/status");
    if (Files.exists(status)
        && Files.readAllLines(status).stream()
            .filter(line -> line.startsWith("SigIgn:"))
            .anyMatch(
                line -> (Long.parseUnsignedLong(line.substring(7).strip(), 16) & SIGINT) != 0)) {
      before.addAll(List.of("env", "--default-signal=INT"));
      List<String> probe = new ArrayList<>(before);
      probe.add("true");
      assumeThat(new ProcessBuilder(probe).start().waitFor())
          .as("the tests ignore SIGINT, and there is no GNU env 8.31 that would undo it")
          .isZero();
    }
    return this;
  }

  /** Runs a command to its end. */
  Result run(String... words) {
    long began = System.nanoTime();
    Path out = temporary("stdout");
    Path err = temporary("stderr");
    try {
      Process process =
          builder(words).redirectOutput(out.toFile()).redirectError(err.toFile()).start();
      if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError(
            Text.format(
                "ttame %s did not end:%n%s", Arrays.toString(words), Files.readString(err)));
      }
      return new Result(
          process.exitValue(),
          Files.readString(out, StandardCharsets.UTF_8),
          Files.readString(err, StandardCharsets.UTF_8),
          (System.nanoTime() - began) / 1e9);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Starts a command, to be stopped by the caller; its output goes nowhere. */
  Process start(String... words) throws IOException {
    return builder(words)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  /** The same, with its error output in a file, so that the caller sees how it goes. */
  Process start(Path err, String... words) throws IOException {
    return builder(words)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .redirectError(err.toFile())
        .start();
  }

  /** The same, with its standard output in a file. */
  Process startTelling(Path out, String... words) throws IOException {
    return builder(words)
        .redirectOutput(out.toFile())
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  private ProcessBuilder builder(String... words) {
    List<String> line = new ArrayList<>(before);
    line.addAll(launcher);
    if (launcher.isEmpty()) {
      line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      line.addAll(java);
      line.addAll(List.of("-jar", System.getProperty("ttame.jar")));
    }
    line.addAll(Arrays.asList(words));
    ProcessBuilder builder = new ProcessBuilder(line).directory(folder.toFile());
    builder.environment().putAll(environment);
    return builder;
  }

  private Path temporary(String name) {
    try {
      return Files.createTempFile("ttame-", "-" + name);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
