package org.ttame.core.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.Text;

@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class InputFileTest {
  @TempDir Path folder;

  @Test
  void regularFilesAndLinksToThemAreRead() throws IOException {
    Path file = Files.writeString(folder.resolve("a"), "content");
    Path link = Files.createSymbolicLink(folder.resolve("link"), file);
    try (InputStream in = InputFile.open(link)) {
      assertThat(in.readAllBytes()).isEqualTo("content".getBytes(StandardCharsets.UTF_8));
    }
    try (var channel = InputFile.channel(file)) {
      assertThat(channel.size()).isEqualTo(7);
    }
    InputFile.requireOwn(folder.resolve("not there yet"));
  }

  @Test
  void whatIsNoFileIsNamedAndToldApart() throws IOException {
    Path missing = folder.resolve("missing");
    refused(missing, "does not exist");
    refused(folder, "is a folder where a file is needed");
    refused(
        Files.createSymbolicLink(folder.resolve("dangling"), missing),
        Text.format("is a link to '%s', which does not exist", missing));
    Path loop = folder.resolve("loop");
    Files.createSymbolicLink(loop, loop);
    refused(loop, "loop");
    refused(Files.writeString(folder.resolve("f"), "").resolve("inside"), "f/inside");
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void devicesAndPipesAreNotWaitedFor() throws IOException, InterruptedException {
    Path pipe = folder.resolve("pipe");
    Process made = new ProcessBuilder("mkfifo", pipe.toString()).inheritIO().start();
    assertThat(made.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(made.exitValue()).isZero();
    refused(pipe, "is a device, a pipe or a socket");
    refused(Path.of("/dev/zero"), "is a device, a pipe or a socket");
    refused(
        Files.createSymbolicLink(folder.resolve("link"), Path.of("/dev/random")),
        "is a device, a pipe or a socket");
    assertThatThrownBy(() -> InputFile.requireOwn(pipe)).hasMessageContaining("pipe");
    assertThatThrownBy(() -> TextFile.lines(pipe)).hasMessageContaining("pipe");
    assertThatThrownBy(() -> InputFile.zip(pipe)).hasMessageContaining("pipe");
    assertThatThrownBy(() -> InputFile.channel(pipe)).hasMessageContaining("pipe");
  }

  private static void refused(Path file, String says) {
    assertThatThrownBy(() -> InputFile.open(file).close())
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith(Text.format("'%s' ", file))
        .hasMessageContaining(says);
  }
}
