package org.ttame.core.image;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Files made by the Python scripts, and how far two pictures are apart. */
final class Goldens {
  private Goldens() {}

  /** Largest and mean difference over all samples, in grey levels. */
  record Difference(int largest, double mean) {}

  static Path folder(String name) {
    try {
      return Path.of(Goldens.class.getResource(name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  static List<Path> files(String name) throws IOException {
    try (Stream<Path> files = Files.list(folder(name))) {
      return files.sorted().toList();
    }
  }

  static Difference difference(RgbImage a, RgbImage b) {
    if (a.width() != b.width() || a.height() != b.height()) {
      throw new AssertionError(a + " is not the size of " + b);
    }
    int largest = 0;
    long sum = 0;
    for (int i = 0; i < a.samples().length; i++) {
      int d = Math.abs((a.samples()[i] & 0xFF) - (b.samples()[i] & 0xFF));
      largest = Math.max(largest, d);
      sum += d;
    }
    return new Difference(largest, (double) sum / a.samples().length);
  }

  /** The computed picture of make_resize_golden.py. */
  static RgbImage picture(int width, int height) {
    byte[] samples = new byte[3 * width * height];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int at = 3 * (y * width + x);
        samples[at] = (byte) (x * 7 + y * 3 + x * y % 31 * 5);
        samples[at + 1] = (byte) ((x ^ y) * 9);
        samples[at + 2] = (byte) ((x * x + 2 * y * y) >> 2);
      }
    }
    return RgbImage.wrap(width, height, samples);
  }
}
