package org.ttame.core.image;

import org.ttame.core.Text;

/**
 * Decodes Windows and OS/2 bitmaps: palettes of 1, 4 and 8 bits, plain or run-length coded, and 16,
 * 24 and 32 bits with any masks.
 *
 * <p>Written out because the format is small and OpenCV's 16-bit colours are too dark (it shifts
 * five bits to eight and leaves the low three at zero, where Pillow has v·255/31).
 */
final class BmpDecoder {
  private static final String FORMAT = "BMP";
  private static final int FILE_HEADER = 14;
  private static final int OS2_HEADER = 12;
  private static final int PLAIN = 0;
  private static final int RUNS_OF_8 = 1;
  private static final int RUNS_OF_4 = 2;
  private static final int MASKS = 3;

  private final byte[] bytes;
  private final ImageLimits limits;

  private long pixels;
  private int width;
  private int height;
  private boolean fromTop;
  private int depth;
  private byte[] palette;
  private final long[] masks = new long[3];

  private BmpDecoder(byte[] bytes, ImageLimits limits) {
    this.bytes = bytes;
    this.limits = limits;
  }

  /**
   * Decodes a file known to start as a BMP does, alpha dropped; refused if it is too large, cut
   * off, damaged or holds another format.
   */
  static RgbImage decode(byte[] bytes, ImageLimits limits) throws Refusal {
    return new BmpDecoder(bytes, limits).decode();
  }

  private RgbImage decode() throws Refusal {
    int compression = header();
    if (pixels > bytes.length) {
      throw Refusal.truncated(FORMAT, bytes.length);
    }
    byte[] samples;
    if (compression == RUNS_OF_8 || compression == RUNS_OF_4) {
      // Before the array is made: two bytes code 255 pixels at most, but empty rows cost nothing.
      byte[] indices = BmpRuns.unpack(bytes, (int) pixels, width, height, compression == RUNS_OF_4);
      samples = new byte[3 * width * height];
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
          paint(samples, x, y, indices[y * width + x] & 0xFF);
        }
      }
    } else {
      // The padding of the last row may be missing.
      long stride = ((long) width * depth + 31) / 32 * 4;
      long last = ((long) width * depth + 7) / 8;
      if (pixels + stride * (height - 1) + last > bytes.length) {
        throw Refusal.truncated(FORMAT, bytes.length);
      }
      samples = new byte[3 * width * height];
      for (int y = 0; y < height; y++) {
        row(samples, y, (int) (pixels + stride * y));
      }
    }
    return RgbImage.wrap(width, height, samples);
  }

  /** Reads all that comes before the pixels; returns the compression. */
  private int header() throws Refusal {
    ByteCursor cursor = new ByteCursor(FORMAT, bytes, 10);
    pixels = cursor.u32le();
    long size = cursor.u32le();
    boolean os2 = size == OS2_HEADER;
    if (!os2 && size < 40) {
      throw Refusal.corrupt(Text.format("the BMP's header is %d bytes long", size));
    }
    long across;
    long down;
    if (os2) {
      across = cursor.u16le();
      down = cursor.u16le();
    } else {
      across = cursor.u32le();
      down = (int) cursor.u32le();
    }
    fromTop = down < 0;
    limits.check(across, Math.abs(down));
    width = (int) across;
    height = (int) Math.abs(down);
    cursor.skip(2);
    depth = cursor.u16le();
    int compression = PLAIN;
    long colours = 0;
    if (!os2) {
      compression = (int) Math.min(cursor.u32le(), Integer.MAX_VALUE);
      cursor.skip(12);
      colours = cursor.u32le();
      cursor.skip(4);
    }
    boolean known =
        switch (compression) {
          case PLAIN ->
              depth == 1 || depth == 4 || depth == 8 || depth == 16 || depth == 24 || depth == 32;
          case RUNS_OF_8 -> depth == 8 && !fromTop;
          case RUNS_OF_4 -> depth == 4 && !fromTop;
          case MASKS -> depth == 16 || depth == 32;
          default -> false;
        };
    if (!known) {
      throw Refusal.unsupported(
          Text.format(
              "BMP with %d bits a pixel and compression %d is not read; convert it to PNG",
              depth, compression));
    }
    // The masks follow the short header and are part of the long ones: the same place.
    if (compression == MASKS) {
      for (int channel = 0; channel < 3; channel++) {
        masks[channel] = cursor.u32le();
      }
    } else {
      boolean five = depth == 16;
      masks[0] = five ? 0x7C00 : 0xFF0000;
      masks[1] = five ? 0x03E0 : 0x00FF00;
      masks[2] = five ? 0x001F : 0x0000FF;
    }
    if (depth <= 8) {
      readPalette(FILE_HEADER + size, os2 ? 3 : 4, colours);
    }
    return compression;
  }

  private void readPalette(long start, int entry, long colours) throws Refusal {
    int most = 1 << depth;
    int count = colours == 0 || colours > most ? most : (int) colours;
    // Some writers store fewer colours than they say: no colour lies behind the pixels' start.
    if (pixels > start) {
      count = (int) Math.min(count, (pixels - start) / entry);
    }
    ByteCursor cursor = new ByteCursor(FORMAT, bytes, 0);
    cursor.skip(start);
    palette = new byte[3 * most];
    for (int i = 0; i < count; i++) {
      int bgr = cursor.u24le();
      palette[3 * i] = (byte) (bgr >> 16);
      palette[3 * i + 1] = (byte) (bgr >> 8);
      palette[3 * i + 2] = (byte) bgr;
      cursor.skip(entry - 3L);
    }
  }

  private void paint(byte[] samples, int x, int y, int index) {
    int to = 3 * ((fromTop ? y : height - 1 - y) * width + x);
    System.arraycopy(palette, 3 * index, samples, to, 3);
  }

  private void row(byte[] samples, int y, int from) {
    int to = 3 * (fromTop ? y : height - 1 - y) * width;
    if (depth <= 8) {
      int most = (1 << depth) - 1;
      for (int x = 0; x < width; x++) {
        int bit = x * depth;
        int shift = 8 - depth - bit % 8;
        paint(samples, x, y, (bytes[from + bit / 8] & 0xFF) >> shift & most);
      }
      return;
    }
    int step = depth / 8;
    for (int x = 0; x < width; x++, from += step, to += 3) {
      long value = 0;
      for (int i = step - 1; i >= 0; i--) {
        value = value << 8 | (bytes[from + i] & 0xFF);
      }
      for (int channel = 0; channel < 3; channel++) {
        samples[to + channel] = sample(value, masks[channel]);
      }
    }
  }

  /** The masked bits, stretched to 0…255 and rounded down, as in Pillow. */
  private static byte sample(long value, long mask) {
    if (mask == 0) {
      return 0;
    }
    int shift = Long.numberOfTrailingZeros(mask);
    return (byte) (((value & mask) >> shift) * 255 / (mask >> shift));
  }

  /** The run-length coding of bitmaps with 4 or 8 bits a pixel. */
  private static final class BmpRuns {
    private BmpRuns() {}

    /**
     * Undoes it: width·height palette indices, rows in the order of the file, zero where skipped
     * over. {@code half}: a byte holds two pixels.
     */
    static byte[] unpack(byte[] bytes, int at, int width, int height, boolean half) throws Refusal {
      ByteCursor cursor = new ByteCursor("BMP", bytes, at);
      byte[] out = new byte[width * height];
      int x = 0;
      int y = 0;
      while (y < height) {
        int count = cursor.u8();
        int value = cursor.u8();
        if (count > 0) {
          // A run: the value, or its two halves in turn.
          for (int i = 0; i < count && x < width; i++, x++) {
            out[y * width + x] = half ? nibble(value, i) : (byte) value;
          }
        } else if (value == 0) {
          x = 0;
          y++;
        } else if (value == 1) {
          if (y < height - 1 || x < width) {
            throw Refusal.corrupt(
                Text.format("the BMP's data end at column %d of row %d of %d", x, y, height));
          }
          break;
        } else if (value == 2) {
          x = Math.min(width, x + cursor.u8());
          y += cursor.u8();
        } else {
          // Single pixels, padded to a whole number of 16-bit words.
          int current = 0;
          for (int i = 0; i < value; i++) {
            if (!half || i % 2 == 0) {
              current = cursor.u8();
            }
            if (x < width) {
              out[y * width + x++] = half ? nibble(current, i) : (byte) current;
            }
          }
          int read = half ? (value + 1) / 2 : value;
          cursor.skip(read % 2);
        }
      }
      return out;
    }

    private static byte nibble(int value, int i) {
      return (byte) (i % 2 == 0 ? value >> 4 : value & 15);
    }
  }
}
