package org.ttame.core.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
