package org.ttame.core.image;

import java.io.ByteArrayOutputStream;
import org.ttame.core.Text;

/**
 * Decodes the first frame of a GIF (GIF89a specification), which OpenCV does not read.
 *
 * <p>As in Pillow, the picture has the size of the logical screen, enlarged where the frame sticks
 * out; what the frame does not cover has the transparent colour, or the first where there is none;
 * transparency itself is dropped.
 */
final class GifDecoder {
  private static final String FORMAT = "GIF";
  private static final int EXTENSION = 0x21;
  private static final int FRAME = 0x2C;
  private static final int GRAPHIC_CONTROL = 0xF9;
  private static final int MAX_CODES = 4096;

  /** First row and step of the four passes of an interlaced frame. */
  private static final int[][] PASSES = {{0, 8}, {4, 8}, {2, 4}, {1, 2}};

  private final byte[] bytes;
  private final ImageLimits limits;
  private final ByteCursor cursor;

  private GifDecoder(byte[] bytes, ImageLimits limits) {
    this.bytes = bytes;
    this.limits = limits;
    this.cursor = new ByteCursor(FORMAT, bytes, 6);
  }

  /** The first frame, on its screen, of a file known to start as a GIF does. */
  static RgbImage decode(byte[] bytes, ImageLimits limits) throws Refusal {
    return new GifDecoder(bytes, limits).first();
  }

  private RgbImage first() throws Refusal {
    int screenWidth = cursor.u16le();
    int screenHeight = cursor.u16le();
    int flags = cursor.u8();
    cursor.skip(2);
    limits.check(screenWidth, screenHeight);
    byte[] palette = (flags & 0x80) == 0 ? null : palette(flags);
    int background = 0;
    while (true) {
      int block = cursor.u8();
      if (block == FRAME) {
        return frame(screenWidth, screenHeight, palette, background);
      }
      if (block == EXTENSION) {
        int label = cursor.u8();
        int start = cursor.position();
        byte[] data = label == GRAPHIC_CONTROL ? subBlocks() : null;
        if (data == null) {
          skipSubBlocks();
        } else if (data.length >= 4 && (data[0] & 1) != 0) {
          background = data[3] & 0xFF;
        }
        if (cursor.position() == start) {
          throw Refusal.truncated(FORMAT, bytes.length);
        }
      } else if (block != 0) {
        // Stray zeros between blocks occur and are passed over; the trailer (3B) comes too early.
        throw Refusal.corrupt(
            Text.format(
                "byte %d of the GIF should start a frame but is %02x",
                cursor.position() - 1, block));
      }
    }
  }

  private RgbImage frame(int screenWidth, int screenHeight, byte[] global, int background)
      throws Refusal {
    int left = cursor.u16le();
    int top = cursor.u16le();
    int width = cursor.u16le();
    int height = cursor.u16le();
    int flags = cursor.u8();
    limits.check(width, height);
    int canvasWidth = Math.max(screenWidth, left + width);
    int canvasHeight = Math.max(screenHeight, top + height);
    limits.check(canvasWidth, canvasHeight);
    byte[] palette = (flags & 0x80) == 0 ? global : palette(flags);
    int minimum = cursor.u8();
    if (minimum < 1 || minimum > 11) {
      throw Refusal.corrupt(Text.format("the GIF's codes start at %d bits", minimum));
    }
    byte[] indices = unpack(subBlocks(), minimum, width * height);

    byte[] samples = new byte[3 * canvasWidth * canvasHeight];
    fill(samples, palette, background);
    boolean interlaced = (flags & 0x40) != 0;
    int row = 0;
    for (int[] pass : interlaced ? PASSES : new int[][] {{0, 1}}) {
      for (int y = pass[0]; y < height; y += pass[1]) {
        int to = 3 * ((top + y) * canvasWidth + left);
        for (int x = 0; x < width; x++, to += 3) {
          paint(samples, to, palette, indices[row * width + x] & 0xFF);
        }
        row++;
      }
    }
    return RgbImage.wrap(canvasWidth, canvasHeight, samples);
  }

  private static void fill(byte[] samples, byte[] palette, int index) {
    for (int to = 0; to < samples.length; to += 3) {
      paint(samples, to, palette, index);
    }
  }

  /** Writes a colour: grey levels where there is no palette, black past its end. */
  private static void paint(byte[] samples, int to, byte[] palette, int index) {
    for (int channel = 0; channel < 3; channel++) {
      if (palette == null) {
        samples[to + channel] = (byte) index;
      } else {
        int from = 3 * index + channel;
        samples[to + channel] = from < palette.length ? palette[from] : 0;
      }
    }
  }

  private byte[] palette(int flags) throws Refusal {
    byte[] colours = new byte[3 << ((flags & 7) + 1)];
    cursor.need(colours.length);
    System.arraycopy(bytes, cursor.position(), colours, 0, colours.length);
    cursor.skip(colours.length);
    return colours;
  }

  private byte[] subBlocks() throws Refusal {
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    for (int size = cursor.u8(); size > 0; size = cursor.u8()) {
      cursor.need(size);
      data.write(bytes, cursor.position(), size);
      cursor.skip(size);
    }
    return data.toByteArray();
  }

  private void skipSubBlocks() throws Refusal {
    for (int size = cursor.u8(); size > 0; size = cursor.u8()) {
      cursor.skip(size);
    }
  }

  /**
   * Undoes the LZW coding: so many palette indices of at least {@code minimum} bits, least
   * significant bit first; those after an early end code are zero.
   */
  private static byte[] unpack(byte[] data, int minimum, int pixels) throws Refusal {
    int clear = 1 << minimum;
    int end = clear + 1;
    short[] prefix = new short[MAX_CODES];
    byte[] suffix = new byte[MAX_CODES];
    byte[] first = new byte[MAX_CODES];
    short[] length = new short[MAX_CODES];
    for (int code = 0; code < clear; code++) {
      suffix[code] = (byte) code;
      first[code] = (byte) code;
      length[code] = 1;
    }
    byte[] out = new byte[pixels];
    int filled = 0;
    int next = end + 1;
    int size = minimum + 1;
    int previous = -1;
    int buffer = 0;
    int bits = 0;
    int at = 0;
    while (filled < pixels) {
      while (bits < size) {
        if (at == data.length) {
          throw Refusal.corrupt(Text.format("the GIF's data hold %d of %d pixels", filled, pixels));
        }
        buffer |= (data[at++] & 0xFF) << bits;
        bits += 8;
      }
      int code = buffer & ((1 << size) - 1);
      buffer >>>= size;
      bits -= size;
      if (code == end) {
        break;
      }
      if (code == clear) {
        next = end + 1;
        size = minimum + 1;
        previous = -1;
        continue;
      }
      if (code > next || (code == next && previous < 0) || (code >= clear && previous < 0)) {
        throw Refusal.corrupt(Text.format("the GIF's data are damaged at pixel %d", filled));
      }
      if (previous >= 0 && next < MAX_CODES) {
        prefix[next] = (short) previous;
        first[next] = first[previous];
        suffix[next] = code == next ? first[previous] : first[code];
        length[next] = (short) (length[previous] + 1);
        next++;
        if (next == 1 << size && size < 12) {
          size++;
        }
      } else if (code >= next) {
        throw Refusal.corrupt(Text.format("the GIF's data are damaged at pixel %d", filled));
      }
      // A string is stored from its end; it may stick out of the picture.
      int count = length[code];
      int link = code;
      for (int i = count - 1; i >= 0; i--) {
        if (filled + i < pixels) {
          out[filled + i] = suffix[link];
        }
        link = prefix[link];
      }
      filled = Math.min(pixels, filled + count);
      previous = code;
    }
    return out;
  }
}
