package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShellTest {
  @Test
  void leavesPlainWordsAlone() {
    assertThat(Shell.line("train", "--run", "runs/vgg16-2", "--max-lr", "1e-3"))
        .isEqualTo("ttame train --run runs/vgg16-2 --max-lr 1e-3");
  }

  /** A real shell gives the word back. */
  @ParameterizedTest
  @ValueSource(
      strings = {"my runs/a b", "it's", "$HOME `id` \"x\"", "", "a;b&c|d>e", "*?[a]", "~x", "ü é"})
  @EnabledOnOs({OS.LINUX, OS.MAC})
  void quotesForTheShell(String word) throws Exception {
    String line = Shell.line(word).replaceFirst("^ttame", "printf %s");
    Process shell = new ProcessBuilder("sh", "-c", line).start();
    byte[] back = shell.getInputStream().readAllBytes();
    assertThat(shell.waitFor()).isZero();
    assertThat(new String(back, StandardCharsets.UTF_8)).isEqualTo(word);
  }
}
