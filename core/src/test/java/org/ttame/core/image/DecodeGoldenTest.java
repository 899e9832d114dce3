package org.ttame.core.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every kind of file against the pixels of Pillow's {@code convert("RGB")}. */
class DecodeGoldenTest {
  private static final String SUFFIX = ".rgb.png";

  @TestFactory
  Stream<DynamicTest> samePixelsAsPillow() throws IOException {
    return Goldens.files("decode").stream()
        .filter(file -> !file.toString().endsWith(SUFFIX))
        .map(file -> DynamicTest.dynamicTest(file.getFileName().toString(), () -> check(file)));
  }

  private static void check(Path file) throws IOException {
    ImageReader reader = new ImageReader();
    RgbImage expected = reader.read(Path.of(file + SUFFIX));
    var difference = Goldens.difference(reader.read(file), expected);
    // OpenCV multiplies CMYK in 1/256, Pillow in 1/255: one level.
    int allowed = file.endsWith("cmyk.jpg") ? 1 : 0;
    assertThat(difference.largest())
        .as("largest difference, %s", difference)
        .isLessThanOrEqualTo(allowed);
  }
}
