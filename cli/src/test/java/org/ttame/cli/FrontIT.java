package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the jar answers before it computes. */
class FrontIT {
  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"--help", "train --help", "train --epochs none", "explian", ""})
  void helpAndWrongUsageLoadNoNd4j(String line) throws IOException {
    Path classes = folder.resolve("classes.log");
    Jar.Result result =
        new Jar(folder)
            .java("-Xlog:class+load:file=" + classes)
            .run(line.isEmpty() ? new String[0] : line.split(" ", -1));
    assertThat(result.code()).isEqualTo(line.endsWith("--help") ? 0 : 2);
    assertThat(Files.readAllLines(classes))
        .anyMatch(loaded -> loaded.contains("org.ttame.cli.Main "))
        .noneMatch(loaded -> loaded.contains("org.nd4j.") || loaded.contains("org.bytedeco."));
  }

  /** On a machine that is slow or busy a JVM that does nothing takes long, too. */
  @Test
  void helpIsQuick() {
    Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    double nothing = best(() -> Jar.by(java, folder).run("-version"));
    assertThat(best(() -> new Jar(folder).run("--help"))).isLessThan(Math.max(0.5, 8 * nothing));
  }

  private static double best(Supplier<Jar.Result> run) {
    return Stream.generate(run)
        .limit(3)
        .map(Jar.Result::seconds)
        .min(Comparator.naturalOrder())
        .orElseThrow();
  }

  @Test
  void versionSaysWhichNativeBinaryAndWhy() {
    Jar.Result result = new Jar(folder).run("version", "--threads", "1");
    assertThat(result.code()).as("%s", result).isZero();
    assertThat(result.out())
        .containsPattern("(?m)^ttame \\d+\\.\\d+\\.\\d+")
        .containsPattern("(?m)^commit ([0-9a-f]{40}|unknown)")
        .containsPattern("(?m)^backend ND4J 1\\.0\\.0-M2\\.1 on CPU$")
        .containsPattern("(?m)^native binary (onednn-avx2|onednn-avx512|plain) \\(.*\\)$")
        .containsPattern(
            "(?m)^threads 1, waiting (GOMP_SPINCOUNT=100|as OpenMP does, briefly while cores are short)$")
        .containsPattern("(?m)^java \\d+");
    assertThat(result.err()).isEmpty();
  }

  @Test
  void aProcessorWithoutWideVectorsIsWarnedAndServed() {
    Jar.Result result = new Jar(folder).java("-Dttame.native=plain").run("version");
    assertThat(result.code()).as("%s", result).isZero();
    assertThat(result.out()).contains("native binary plain (asked for)");
    assertThat(result.err()).contains("slow native build");
  }
}
