package org.ttame.core.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
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

  @Test
  void manyThreadsShareAReader() throws Exception {
    ImageReader reader = new ImageReader();
    List<Path> files =
        Goldens.files("decode").stream().filter(f -> !f.toString().endsWith(SUFFIX)).toList();
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try {
      List<Callable<byte[]>> tasks = new ArrayList<>();
      for (int i = 0; i < 4 * files.size(); i++) {
        Path file = files.get(i % files.size());
        tasks.add(() -> reader.read(file).samples());
      }
      List<Future<byte[]>> results = pool.invokeAll(tasks);
      for (int i = 0; i < results.size(); i++) {
        byte[] alone = results.get(i % files.size()).get();
        assertThat(results.get(i).get()).isEqualTo(alone);
      }
    } finally {
      pool.shutdownNow();
    }
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
