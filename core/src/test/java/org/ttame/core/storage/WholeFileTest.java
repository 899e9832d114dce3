package org.ttame.core.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.Text;

class WholeFileTest {
  @TempDir Path folder;

  @Test
  void writesAndReplaces() throws IOException {
    Path file = folder.resolve("a/b.txt");
    WholeFile.writeText(file, "one");
    WholeFile.writeText(file, "zwei ü");
    assertThat(file).hasContent("zwei ü");
    assertThat(names(folder.resolve("a"))).containsExactly("b.txt");
  }

  @Test
  void aFailureHalfwayLeavesTheOldFileAndNothingElse() throws IOException {
    Path file = folder.resolve("b.txt");
    WholeFile.writeText(file, "one");
    assertThatThrownBy(
            () ->
                WholeFile.write(
                    file,
                    out -> {
                      // a channel fails in an interrupted thread as it does on a full disk
                      Thread.currentThread().interrupt();
                      out.write(new byte[200_000]);
                    }))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith(Text.format("Could not write '%s'", file));
    assertThat(Thread.interrupted()).isTrue();
    assertThatThrownBy(
            () ->
                WholeFile.write(
                    file,
                    out -> {
                      out.write(new byte[200_000]);
                      throw new IOException("none of the images could be read");
                    }))
        .isInstanceOf(IOException.class)
        .hasMessage("none of the images could be read");
    assertThatThrownBy(
            () ->
                WholeFile.write(
                    file,
                    out -> {
                      throw new IllegalStateException("bug");
                    }))
        .isInstanceOf(IllegalStateException.class);
    assertThat(file).hasContent("one");
    assertThat(names(folder)).containsExactly("b.txt");
  }

  @Test
  void aFileInPlaceOfAFolderIsNamed() throws IOException {
    Path blocker = folder.resolve("x");
    Files.writeString(blocker, "");
    assertThatThrownBy(() -> WholeFile.writeText(blocker.resolve("y.txt"), ""))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("y.txt");
  }

  private static Stream<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(f -> f.getFileName().toString()).toList().stream();
    }
  }
}
