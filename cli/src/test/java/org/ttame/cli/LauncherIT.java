package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** {@code bin/ttame}: the jar with an archive of its classes, without, and with one of no use. */
@DisabledOnOs(OS.WINDOWS)
class LauncherIT {
  private static final String FROM_ARCHIVE = "source: shared objects file (top)";

  @TempDir Path folder;

  @Test
  void theFirstCommandThatComputesArchivesTheClasses() throws IOException {
    assertThat(launcher().run("--help").out()).contains("predict");
    assertThat(archives()).isEmpty();

    Jar.Result first = launcher().run("version", "--threads", "1");
    assertThat(first.code()).as("%s", first).isZero();
    assertThat(first.err()).isEqualTo("ttame: archiving classes for faster starts (once)\n");
    assertThat(archives()).hasSize(2).allMatch(file -> file.toFile().length() > 100_000);

    assertThat(loaded("version", "--threads", "1"))
        .anyMatch(line -> line.contains("org.nd4j.linalg.factory.Nd4j " + FROM_ARCHIVE));
    assertThat(loaded("predict", "--help"))
        .anyMatch(line -> line.contains("org.ttame.cli.Main " + FROM_ARCHIVE));
    Jar.Result later = launcher().run("version", "--threads", "1");
    assertThat(later.out()).isEqualTo(first.out());
    assertThat(later.err()).isEmpty();
  }

  /** Of another class path, of a JVM that was killed while it wrote, or of one that writes none. */
  @Test
  void anArchiveOfNoUseIsPassedOver() throws Exception {
    launcher().run("version", "--threads", "1");
    byte[] others = archiveOfAnotherClassPath();
    byte[] unfinished = others.clone();
    Arrays.fill(unfinished, 0, 4096, (byte) 0); // the header is written last
    for (byte[] useless : List.of(others, unfinished, Arrays.copyOf(others, 100), new byte[0])) {
      for (Path archive : archives()) {
        Files.delete(archive); // it is read-only
        Files.write(archive, useless);
      }
      for (String word : List.of("version", "--help")) {
        Jar.Result result = launcher().run(word);
        assertThat(result.code()).as("%d bytes: %s", useless.length, result).isZero();
        assertThat(result.out()).isNotEmpty();
        assertThat(result.err()).isEmpty();
      }
    }
  }

  private byte[] archiveOfAnotherClassPath() throws Exception {
    Path other = folder.resolve("other.jar");
    try (JarOutputStream jar = new JarOutputStream(Files.newOutputStream(other))) {
      jar.putNextEntry(new ZipEntry("nothing"));
    }
    Path archive = folder.resolve("other.jsa");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:ArchiveClassesAtExit=" + archive,
                "-cp",
                other + ":" + System.getProperty("ttame.jar"),
                "org.ttame.cli.Main",
                "--help")
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
    return Files.readAllBytes(archive);
  }

  @Test
  void worksWhereNoArchiveCanBeKept() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "no folder");
    for (String cache : List.of("", file.toString())) {
      Jar.Result result = launcher().environment("TTAME_CACHE", cache).run("version");
      assertThat(result.code()).as("%s", result).isZero();
      assertThat(result.err()).isEmpty();
    }
    assertThat(Files.readString(file)).isEqualTo("no folder");
  }

  @Test
  void codesAndWordsPassThrough() {
    assertThat(launcher().run("train", "--epochs", "none").code()).isEqualTo(2);
    Jar.Result missing = launcher().run("inspect", "a file 'of' ü.onnx");
    assertThat(missing.code()).isEqualTo(1);
    assertThat(missing.err()).contains("a file 'of' ü.onnx");
    assertThat(launcher().environment("TTAME_JAR", "/nowhere.jar").run("--help").err())
        .isEqualTo("ttame: /nowhere.jar cannot be read; set TTAME_JAR to where ttame-cli.jar is\n");
    assertThat(launcher().environment("JAVA_HOME", "/nowhere").run("--help").err())
        .startsWith("ttame: JAVA_HOME is '/nowhere', which has no bin/java; ");
  }

  private Jar launcher() {
    return Jar.by(Path.of("bin", "ttame").toAbsolutePath(), folder)
        .environment("TTAME_CACHE", folder.resolve("a cache").toString());
  }

  private List<Path> archives() throws IOException {
    Path cache = folder.resolve("a cache");
    if (!Files.exists(cache)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(cache)) {
      return files.toList();
    }
  }

  private List<String> loaded(String... words) throws IOException {
    Path classes = folder.resolve("classes.log");
    Jar.Result result =
        launcher().environment("TTAME_JAVA", "-Xlog:class+load:file=" + classes).run(words);
    assertThat(result.code()).as("%s", result).isZero();
    return Files.readAllLines(classes, StandardCharsets.UTF_8);
  }
}
