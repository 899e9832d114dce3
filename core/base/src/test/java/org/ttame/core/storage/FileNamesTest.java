package org.ttame.core.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class FileNamesTest {
  private static final byte[] LATIN = "cr\u00e8me.jpg".getBytes(StandardCharsets.ISO_8859_1);

  @TempDir Path folder;

  @Test
  void everyNameOfBytesIsATextAndBack() {
    byte[] all = new byte[256];
    for (int b = 0; b < all.length; b++) {
      all[b] = (byte) b;
    }
    for (byte[] bytes :
        List.of(
            all,
            LATIN,
            "猫 👩‍👧 \uFFFD".getBytes(StandardCharsets.UTF_8),
            // a surrogate in UTF-8 is no UTF-8, and neither is a character cut short
            new byte[] {(byte) 0xED, (byte) 0xB2, (byte) 0x80, 'x', (byte) 0xE7, (byte) 0x8C})) {
      assertThat(FileNames.encode(FileNames.decode(bytes))).isEqualTo(bytes);
    }
    assertThat(FileNames.decode("猫👩".getBytes(StandardCharsets.UTF_8))).isEqualTo("猫👩");
    assertThat(FileNames.shown(FileNames.decode(LATIN))).isEqualTo("cr%E8me.jpg");
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void namesThatAreNotUtf8AreFoundAgain() throws IOException {
    Path latin = Path.of(URI.create(folder.toUri() + "cr%E8me.jpg"));
    Files.writeString(latin, "x");
    List<Path> entries;
    try (Stream<Path> list = Files.list(folder)) {
      entries = list.toList();
    }
    String text = FileNames.text(entries.get(0).getFileName());
    assertThat(FileNames.shown(text)).isEqualTo("cr%E8me.jpg");
    assertThat(FileNames.shown(entries.get(0))).isEqualTo(folder + "/cr%E8me.jpg");
    assertThat(FileNames.resolve(folder, text)).hasContent("x");
    assertThat(FileNames.resolve(Path.of("elsewhere"), FileNames.text(latin))).hasContent("x");
    assertThat(FileNames.resolve(folder, "a//" + text))
        .isEqualTo(Path.of(URI.create(folder.toUri() + "a/cr%E8me.jpg")));
  }

  @Test
  void otherNamesAreResolvedAsEver() {
    assertThat(FileNames.resolve(folder, "a/猫.jpg")).isEqualTo(folder.resolve("a/猫.jpg"));
    assertThat(FileNames.text(folder.resolve("猫.jpg"))).endsWith("猫.jpg");
    assertThatThrownBy(() -> FileNames.resolve(folder, "a\0b"))
        .isInstanceOf(InvalidPathException.class);
  }
}
