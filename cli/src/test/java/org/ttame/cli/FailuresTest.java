package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;

class FailuresTest {
  @Test
  void bareFileNamesBecomeSentences() {
    assertThat(Failures.sentence(new NoSuchFileException("a.onnx")))
        .isEqualTo("a.onnx does not exist");
    assertThat(Failures.sentence(new UncheckedIOException(new AccessDeniedException("b"))))
        .startsWith("b may not be read or written");
    assertThat(Failures.sentence(new FileSystemException("c", null, "No space left on device")))
        .isEqualTo("c: No space left on device");
  }

  @Test
  void writtenSentencesStay() {
    assertThat(Failures.sentence(new IOException("cat.png is empty")))
        .isEqualTo("cat.png is empty");
  }

  @Test
  void outOfMemorySaysWhatToDo() {
    assertThat(Failures.sentence(new OutOfMemoryError("Java heap space")))
        .contains("Java heap space")
        .contains("--batch-size")
        .contains("-Xmx");
  }

  @Test
  void onlySurprisesCallForATrace() {
    assertThat(Failures.expected(new IOException("x"))).isTrue();
    assertThat(Failures.expected(new IllegalArgumentException("x"))).isTrue();
    assertThat(Failures.expected(new NullPointerException())).isFalse();
    assertThat(Failures.sentence(new NullPointerException()))
        .isEqualTo("NullPointerException, without a message");
  }
}
