package org.ttame.core.image;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import org.ttame.core.image.ImageException.Kind;

/**
 * Writes pictures as PNG: 8-bit RGB, no metadata, so equal pixels give equal files. Each row takes
 * the filter with the smallest sum of absolute differences, as the PNG specification suggests.
 */
public final class PngWriter {
  private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  private static final int FILTERS = 5;

  private PngWriter() {}

  /**
   * Encodes a picture.
   *
   * @param image the picture
   * @return the bytes of a PNG file
   */
  public static byte[] encode(RgbImage image) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(SIGNATURE);
    byte[] header =
        ByteBuffer.allocate(13)
            .putInt(image.width())
            .putInt(image.height())
            .put(new byte[] {8, 2, 0, 0, 0}) // Bits, RGB, deflate, adaptive filters, no interlace.
            .array();
    chunk(out, "IHDR", header);
    chunk(out, "IDAT", compressed(image));
    chunk(out, "IEND", new byte[0]);
    return out.toByteArray();
  }

  /**
   * Writes a picture under a temporary name beside the file and renames it when whole, so that a
   * reader never sees half of it.
   *
   * @param image the picture
   * @param file where to; replaced if it exists; its folder must exist
   * @throws ImageException if writing fails
   */
  public static void write(RgbImage image, Path file) throws ImageException {
    byte[] bytes = encode(image);
    Path temporary = null;
    try {
      // Not createTempFile: its files stay closed to everyone but their owner.
      temporary = file.resolveSibling(".ttame-" + UUID.randomUUID() + ".tmp");
      Files.write(temporary, bytes, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      Files.move(
          temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      if (temporary != null) {
        remove(temporary, e);
      }
      throw new ImageException(
          Kind.UNREADABLE,
          ImageException.printable(file.toString()),
          "writing failed: " + ImageException.printable(String.valueOf(e.getMessage())),
          e);
    }
  }

  private static void remove(Path temporary, IOException cause) {
    try {
      Files.deleteIfExists(temporary);
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
  }

  private static void chunk(ByteArrayOutputStream out, String type, byte[] data) {
    byte[] name = type.getBytes(StandardCharsets.US_ASCII);
    CRC32 sum = new CRC32();
    sum.update(name);
    sum.update(data);
    out.writeBytes(ByteBuffer.allocate(4).putInt(data.length).array());
    out.writeBytes(name);
    out.writeBytes(data);
    out.writeBytes(ByteBuffer.allocate(4).putInt((int) sum.getValue()).array());
  }

  private static byte[] compressed(RgbImage image) {
    int row = 3 * image.width();
    byte[] samples = image.samples();
    byte[] best = new byte[row + 1];
    byte[] tried = new byte[row + 1];
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Deflater deflater = new Deflater();
    try (OutputStream deflated = new DeflaterOutputStream(out, deflater)) {
      for (int y = 0; y < image.height(); y++) {
        long smallest = Long.MAX_VALUE;
        for (int filter = 0; filter < FILTERS; filter++) {
          long cost = filter(samples, y * row, y > 0 ? (y - 1) * row : -1, row, filter, tried);
          if (cost < smallest) {
            smallest = cost;
            byte[] swap = best;
            best = tried;
            tried = swap;
          }
        }
        deflated.write(best);
      }
    } catch (IOException e) {
      throw new IllegalStateException("Writing into memory does not fail", e);
    } finally {
      deflater.end();
    }
    return out.toByteArray();
  }

  /** Filters one row and returns the sum of the results' absolute values as signed bytes. */
  private static long filter(byte[] in, int at, int above, int row, int filter, byte[] out) {
    out[0] = (byte) filter;
    long cost = 0;
    for (int i = 0; i < row; i++) {
      int left = i < 3 ? 0 : in[at + i - 3] & 0xFF;
      int up = above < 0 ? 0 : in[above + i] & 0xFF;
      int corner = i < 3 || above < 0 ? 0 : in[above + i - 3] & 0xFF;
      int predicted =
          switch (filter) {
            case 1 -> left;
            case 2 -> up;
            case 3 -> (left + up) / 2;
            case 4 -> paeth(left, up, corner);
            default -> 0;
          };
      out[i + 1] = (byte) (in[at + i] - predicted);
      cost += Math.abs(out[i + 1]);
    }
    return cost;
  }

  /** Whichever neighbour is nearest to left + up − corner; ties in that order. */
  private static int paeth(int left, int up, int corner) {
    int estimate = left + up - corner;
    int toLeft = Math.abs(estimate - left);
    int toUp = Math.abs(estimate - up);
    int toCorner = Math.abs(estimate - corner);
    if (toLeft <= toUp && toLeft <= toCorner) {
      return left;
    }
    return toUp <= toCorner ? up : corner;
  }
}
