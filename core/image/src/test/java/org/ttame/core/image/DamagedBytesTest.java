package org.ttame.core.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.ttame.core.Text;
import org.ttame.core.image.ImageException.Kind;

/** Valid files of every kind, damaged at random: a picture or an ImageException, nothing else. */
class DamagedBytesTest {
  private static final int CASES = 1500;

  @Test
  void damageIsAPictureOrAnException() throws IOException {
    List<Path> files =
        Goldens.files("decode").stream().filter(f -> !f.toString().endsWith(".rgb.png")).toList();
    ImageReader reader = new ImageReader(ImageLimits.DEFAULT.withMaxPixels(1_000_000));
    Map<Kind, Integer> refused = new EnumMap<>(Kind.class);
    int decoded = 0;
    for (int seed = 0; seed < CASES; seed++) {
      Path file = files.get(seed % files.size());
      byte[] damaged = damage(Files.readAllBytes(file), new SplittableRandom(seed));
      try {
        reader.decode(damaged, file.getFileName().toString());
        decoded++;
      } catch (ImageException e) {
        assertThat(e.getMessage()).startsWith(file.getFileName() + ": ");
        refused.merge(e.kind(), 1, Integer::sum);
      } catch (RuntimeException | Error e) {
        throw new AssertionError(Text.format("seed %d, %s", seed, file), e);
      }
    }
    // The damage is neither always fatal nor always harmless.
    assertThat(decoded).isGreaterThan(CASES / 10);
    assertThat(refused.get(Kind.CORRUPT)).isGreaterThan(CASES / 10);
  }

  private static byte[] damage(byte[] bytes, SplittableRandom random) {
    int how = random.nextInt(6);
    if (how == 0) {
      return Arrays.copyOf(bytes, random.nextInt(bytes.length));
    }
    // Headers are small: half of the damage goes there.
    int range = how < 4 ? bytes.length : Math.min(bytes.length, 200);
    for (int times = 1 + random.nextInt(how == 1 ? 1 : 20); times > 0; times--) {
      int at = random.nextInt(range);
      bytes[at] = (byte) (how % 2 == 0 ? random.nextInt(256) : bytes[at] ^ 1 << random.nextInt(8));
    }
    if (bytes[1] == 'P' && how != 1) {
      renewChecksums(bytes);
    }
    return bytes;
  }

  /** Lets damage of a PNG get past the checksums. */
  private static void renewChecksums(byte[] png) {
    ByteBuffer buffer = ByteBuffer.wrap(png);
    int at = 8;
    while (at + 12 <= png.length) {
      long length = buffer.getInt(at) & 0xFFFFFFFFL;
      if (length + 12 > png.length - at) {
        return;
      }
      CRC32 sum = new CRC32();
      sum.update(png, at + 4, (int) length + 4);
      buffer.putInt(at + 8 + (int) length, (int) sum.getValue());
      at += (int) length + 12;
    }
  }
}
