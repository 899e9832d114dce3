package org.ttame.core.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PngWriterTest {
  @TempDir Path folder;

  @Test
  void whatIsWrittenIsRead() throws IOException {
    for (int[] size : new int[][] {{1, 1}, {1, 40}, {53, 1}, {64, 47}}) {
      RgbImage image = Goldens.picture(size[0], size[1]);
      Path file = folder.resolve("a.png");
      PngWriter.write(image, file);
      assertThat(new ImageReader().read(file).samples()).isEqualTo(image.samples());
    }
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).containsExactly(folder.resolve("a.png"));
    }
  }

  @Test
  void aPaletteIsReadAsItsColours() throws IOException {
    List<Integer> palette = List.of(0x010203, 0xff8000, 0x00ff7f);
    byte[] indices = {0, 1, 2, 2, 1, 0, 1, 1, 2, 0, 0, 2};
    Path file = folder.resolve("a.png");
    Files.write(file, PngWriter.encode(4, 3, indices, palette));
    RgbImage read = new ImageReader().read(file);
    for (int i = 0; i < indices.length; i++) {
      assertThat(read.rgb(i % 4, i / 4)).isEqualTo(palette.get(indices[i]));
    }
    assertThatThrownBy(() -> PngWriter.encode(4, 3, new byte[11], palette))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("A picture of 4×3 pixels cannot have 11 indices");
    assertThatThrownBy(() -> PngWriter.encode(1, 1, new byte[] {3}, palette))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("A palette of 3 colours has none of index 3");
    assertThatThrownBy(() -> PngWriter.encode(1, 1, new byte[1], List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("A palette has 1 to 256 colours, got 0");
  }

  @Test
  void equalPicturesGiveEqualFiles() {
    assertThat(PngWriter.encode(Goldens.picture(30, 20)))
        .isEqualTo(PngWriter.encode(Goldens.picture(30, 20)));
  }

  @Test
  void aFailureLeavesNothingBehind() throws IOException {
    Path occupied = Files.createDirectory(folder.resolve("b.png"));
    Files.write(occupied.resolve("x"), new byte[1]);
    RgbImage image = Goldens.picture(3, 3);
    ImageException e =
        catchThrowableOfType(ImageException.class, () -> PngWriter.write(image, occupied));
    assertThat(e).hasMessageContaining("b.png: writing failed");
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).containsExactly(occupied);
    }
    Path nowhere = folder.resolve("no/such/folder.png");
    assertThat(catchThrowableOfType(ImageException.class, () -> PngWriter.write(image, nowhere)))
        .isNotNull();
  }
}
