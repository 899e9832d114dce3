package org.ttame.core.image;

import org.ttame.core.Text;

/** The run-length coding of bitmaps with 4 or 8 bits a pixel. */
final class BmpRuns {
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
