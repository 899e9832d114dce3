package org.ttame.core.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.Text;

class AtomicFileTest {
  @TempDir Path folder;

  @Test
  void writesAndReplaces() throws IOException {
    Path file = folder.resolve("a/b.txt");
    AtomicFile.writeText(file, "one");
    AtomicFile.writeText(file, "zwei ü");
    assertThat(file).hasContent("zwei ü");
    assertThat(names(folder.resolve("a"))).containsExactly("b.txt");
  }

  @Test
  void aFailureHalfwayLeavesTheOldFileAndNothingElse() throws IOException {
    Path file = folder.resolve("b.txt");
    AtomicFile.writeText(file, "one");
    assertThatThrownBy(
            () ->
                AtomicFile.write(
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
                AtomicFile.write(
                    file,
                    out -> {
                      out.write(new byte[200_000]);
                      throw new IOException("none of the images could be read");
                    }))
        .isInstanceOf(IOException.class)
        .hasMessage("none of the images could be read");
    assertThatThrownBy(
            () ->
                AtomicFile.write(
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
    assertThatThrownBy(() -> AtomicFile.writeText(blocker.resolve("y.txt"), ""))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("y.txt");
  }

  @Test
  void longNamesAreWrittenAsTheyAre() throws IOException {
    Path file = folder.resolve("n".repeat(251) + ".npy");
    AtomicFile.writeText(file, "map");
    assertThat(file).hasContent("map");
  }

  @Test
  void whatAKilledProcessLeftIsTakenOverByTheNextWriter() throws IOException {
    Path file = folder.resolve("a.txt");
    Path left = leave(file);
    // A moment ago: its writer may be about to lock it.
    AtomicFile.writeText(file, "one");
    assertThat(names(folder)).containsExactlyInAnyOrder("a.txt", left.getFileName().toString());
    old(left);
    AtomicFile.writeText(file, "two");
    assertThat(file).hasContent("two");
    assertThat(names(folder)).containsExactly("a.txt");
    // Others' files are left alone.
    Path foreign = Files.writeString(folder.resolve(".b.txt.part"), "");
    old(foreign);
    AtomicFile.writeText(file, "three");
    assertThat(foreign).exists();
  }

  @Test
  void whatALivingProcessWritesIsLeftAlone() throws IOException, InterruptedException {
    Path file = folder.resolve("a.txt");
    Path left = leave(file);
    Process writer =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Holder.class.getName(),
                left.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      assertThat(writer.getInputStream().read()).isEqualTo('!');
      old(left);
      AtomicFile.writeText(file, "ours");
      assertThat(file).hasContent("ours");
      assertThat(left).hasContent("theirs");
    } finally {
      writer.destroyForcibly().waitFor();
    }
    AtomicFile.writeText(file, "ours again");
    assertThat(names(folder)).containsExactly("a.txt");
  }

  /** Another process that holds a lock until it is killed. */
  static final class Holder {
    private Holder() {}

    public static void main(String[] args) throws IOException {
      try (FileChannel channel = FileChannel.open(Path.of(args[0]), StandardOpenOption.WRITE)) {
        channel.lock();
        System.out.write('!');
        System.out.flush();
        System.in.read();
      }
    }
  }

  /** What a process that is killed while it writes a file leaves. */
  private Path leave(Path file) throws IOException {
    Path[] left = new Path[1];
    AtomicFile.write(
        file,
        out -> {
          try (Stream<Path> files = Files.list(folder)) {
            left[0] = files.filter(f -> f.toString().endsWith(".part")).findAny().orElseThrow();
          }
        });
    return Files.writeString(left[0], "theirs");
  }

  private static void old(Path file) throws IOException {
    Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(60)));
  }

  private static Stream<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(f -> f.getFileName().toString()).toList().stream();
    }
  }
}
