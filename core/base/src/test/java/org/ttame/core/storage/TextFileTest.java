package org.ttame.core.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ttame.core.Text;

class TextFileTest {
  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"UTF-8", "UTF-16LE", "UTF-16BE"})
  void theMarkIsNoPartOfTheText(String charset) throws IOException {
    Path file = folder.resolve("marked.txt");
    Files.writeString(file, "\uFEFFcat\r\nCrème\n\rdog", Charset.forName(charset));
    assertThat(TextFile.lines(file)).containsExactly("cat", "Crème", "", "dog");
    assertThat(TextFile.text(file)).isEqualTo("cat\nCrème\n\ndog\n");
  }

  @Test
  void withoutAMarkItIsUtf8() throws IOException {
    Path file = folder.resolve("plain.txt");
    Files.writeString(file, "猫\n\n dog \n");
    assertThat(TextFile.lines(file)).containsExactly("猫", "", " dog ");
    for (String shorter : new String[] {"", "a", "ab", "\n"}) {
      Files.writeString(file, shorter);
      assertThat(TextFile.text(file).strip()).isEqualTo(shorter.strip());
    }
    assertThat(TextFile.lines(file)).containsExactly("");
  }

  @Test
  void whatIsNoTextIsNamedByLine() throws IOException {
    Path file = folder.resolve("latin.txt");
    Files.write(file, "cat\r\ndog\nCrème\n".getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(() -> TextFile.text(file))
        .isInstanceOf(IOException.class)
        .hasMessage(Text.format("'%s' is not text in UTF-8 (line 3); save it as UTF-8", file));
    // UTF-16 without a mark, as it would be read for UTF-8
    Files.write(file, "cat\n".getBytes(StandardCharsets.UTF_16LE));
    assertThatThrownBy(() -> TextFile.lines(file)).hasMessageContaining("line 1");
    Files.write(file, new byte[] {(byte) 0xFF, (byte) 0xFE, 0x00, (byte) 0xD8});
    assertThatThrownBy(() -> TextFile.lines(file)).hasMessageContaining("is not text");
  }

  @Test
  void longFilesAreRefusedUnread() throws IOException {
    Path file = folder.resolve("long.txt");
    Files.writeString(file, "x\n".repeat(600_000));
    int[] taken = {0};
    assertThatThrownBy(() -> TextFile.forEach(file, 1 << 20, (line, number) -> taken[0]++))
        .isInstanceOf(IOException.class)
        .hasMessage(Text.format("'%s' is longer than a text file of its kind may be, 1 MB", file));
    assertThat(taken[0]).isZero();
    TextFile.forEach(file, 2 << 20, (line, number) -> taken[0] = number);
    assertThat(taken[0]).isEqualTo(600_000);
  }
}
