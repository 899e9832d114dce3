package org.ttame.core.image;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import org.ttame.core.Text;

/**
 * A PNG file walked through chunk by chunk (ISO/IEC 15948) before the native decoder sees it.
 *
 * <p>Only header, palette and picture data are copied, their checksums verified. Text, profiles,
 * gamma and animation frames, which may unpack to any size, are left out: Pillow's RGB does not
 * depend on them, and the decoder neither reads nor complains of them. Transparency goes too: alpha
 * is dropped.
 */
final class PngFile {
  private static final String FORMAT = "PNG";
  private static final int SIGNATURE = 8;

  /** Deflate packs at most 258 bytes into two bits. */
  private static final int DEFLATE_RATIO = 1032;

  private static final int PALETTE = 3;

  private final byte[] bytes;
  private final ImageLimits limits;
  private final ByteArrayOutputStream kept;

  private long width;
  private long height;
  private int depth;
  private int colour;
  private boolean palette;
  private boolean interlaced;
  private long data;
  private final List<int[]> pieces = new ArrayList<>();

  private PngFile(byte[] bytes, ImageLimits limits) {
    this.bytes = bytes;
    this.limits = limits;
    this.kept = new ByteArrayOutputStream(bytes.length + 12);
  }

  /** Checks a file known to start as a PNG does; refused if it is too large, cut off or damaged. */
  static EncodedImage check(byte[] bytes, ImageLimits limits) throws Refusal {
    PngFile file = new PngFile(bytes, limits);
    file.walk();
    return new EncodedImage(FORMAT, (int) file.width, (int) file.height, file.kept.toByteArray());
  }

  private void walk() throws Refusal {
    kept.write(bytes, 0, SIGNATURE);
    ByteCursor cursor = new ByteCursor(FORMAT, bytes, SIGNATURE);
    boolean more = true;
    while (more) {
      // A file may lack its end marker, or anything that follows the picture's data, as in Pillow.
      if (data > 0 && endsHere(cursor)) {
        break;
      }
      int start = cursor.position();
      long length = cursor.u32be();
      cursor.need(4);
      String type = new String(bytes, cursor.position(), 4, StandardCharsets.ISO_8859_1);
      if (start == SIGNATURE && !type.equals("IHDR")) {
        throw Refusal.corrupt("the PNG does not start with its header");
      }
      cursor.skip(4);
      int body = cursor.position();
      cursor.skip(length);
      cursor.need(4);
      cursor.skip(4);
      more = chunk(type, start, body, (int) length);
    }
    if (data == 0) {
      throw Refusal.corrupt("the PNG holds no picture");
    }
    if (colour == PALETTE && !palette) {
      throw Refusal.corrupt("the PNG's palette is missing");
    }
    long needed = (width * channels() * depth + 7) / 8 * height;
    if (data * DEFLATE_RATIO < needed) {
      throw Refusal.corrupt(
          Text.format(
              "the header says %d×%d pixels, for which %d bytes of PNG data are too few",
              width, height, data));
    }
    new PngData((int) width, (int) height, channels() * depth, interlaced).check(bytes, pieces);
    endMarker();
  }

  /** Whether nothing or only the beginning of another chunk than the picture's is left. */
  private boolean endsHere(ByteCursor cursor) {
    if (cursor.remaining() < 12) {
      return true;
    }
    int at = cursor.position();
    long length =
        (bytes[at] & 0xFFL) << 24
            | (bytes[at + 1] & 0xFF) << 16
            | (bytes[at + 2] & 0xFF) << 8
            | (bytes[at + 3] & 0xFF);
    boolean isData = new String(bytes, at + 4, 4, StandardCharsets.ISO_8859_1).equals("IDAT");
    return !isData && length + 12 > cursor.remaining();
  }

  /** Handles one chunk; false ends the walk. */
  private boolean chunk(String type, int start, int body, int length) throws Refusal {
    switch (type) {
      case "IHDR" -> {
        if (start != SIGNATURE) {
          throw Refusal.corrupt("the PNG has two headers");
        }
        header(length);
        keep(start, body, length);
      }
      case "PLTE" -> {
        // In a picture that is no palette's, the chunk is only a suggestion.
        if (colour == PALETTE && !palette && data == 0) {
          if (length % 3 != 0 || length == 0 || length > 3 << depth) {
            throw Refusal.corrupt(
                Text.format(
                    "the PNG's palette is %d bytes long for %d bits a pixel", length, depth));
          }
          keep(start, body, length);
          palette = true;
        }
      }
      case "IDAT" -> {
        keep(start, body, length);
        pieces.add(new int[] {body, length});
        data += length;
      }
      case "IEND" -> {
        return false;
      }
      default -> {
        // Upper case means that the picture cannot be understood without it.
        if (Character.isUpperCase(type.charAt(0))) {
          throw Refusal.corrupt(Text.format("byte %d holds an unknown PNG chunk", start));
        }
      }
    }
    return true;
  }

  private void header(int length) throws Refusal {
    if (length != 13) {
      throw Refusal.corrupt(Text.format("the PNG's header is %d bytes long", length));
    }
    ByteCursor cursor = new ByteCursor(FORMAT, bytes, SIGNATURE + 8);
    width = cursor.u32be();
    height = cursor.u32be();
    depth = cursor.u8();
    colour = cursor.u8();
    limits.check(width, height);
    boolean known =
        switch (colour) {
          case 0 -> depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
          case PALETTE -> depth == 1 || depth == 2 || depth == 4 || depth == 8;
          case 2, 4, 6 -> depth == 8 || depth == 16;
          default -> false;
        };
    int compression = cursor.u8();
    int filter = cursor.u8();
    int interlace = cursor.u8();
    interlaced = interlace == 1;
    if (!known || compression != 0 || filter != 0 || interlace > 1) {
      throw Refusal.corrupt(
          Text.format(
              "the PNG's header says colour type %d, %d bits, compression %d, filter %d, interlace"
                  + " %d",
              colour, depth, compression, filter, interlace));
    }
  }

  private int channels() {
    return switch (colour) {
      case 2 -> 3;
      case 4 -> 2;
      case 6 -> 4;
      default -> 1;
    };
  }

  private void keep(int start, int body, int length) throws Refusal {
    CRC32 sum = new CRC32();
    sum.update(bytes, start + 4, length + 4);
    if (sum.getValue() != new ByteCursor(FORMAT, bytes, body + length).u32be()) {
      throw Refusal.corrupt(
          Text.format("the checksum of the PNG chunk at byte %d is wrong", start));
    }
    kept.write(bytes, start, length + 12);
  }

  private void endMarker() {
    byte[] end = {0, 0, 0, 0, 'I', 'E', 'N', 'D', (byte) 0xAE, 0x42, 0x60, (byte) 0x82};
    kept.write(end, 0, end.length);
  }

  /**
   * Unpacks a PNG's picture data once, keeping nothing, to see that they are whole.
   *
   * <p>libpng would find the same faults, but it reports them to the process's error stream, where
   * no Java program can catch them.
   */
  private static final class PngData {
    /** First column and row, and steps, of the seven passes of an interlaced picture. */
    private static final int[][] PASSES = {
      {0, 0, 8, 8},
      {4, 0, 8, 8},
      {0, 4, 4, 8},
      {2, 0, 4, 4},
      {0, 2, 2, 4},
      {1, 0, 2, 2},
      {0, 1, 1, 2}
    };

    private static final int LAST_FILTER = 4;

    private final int width;
    private final int height;
    private final int bits;
    private final int[][] passes;
    private final byte[] buffer = new byte[32 * 1024];

    private int pass = -1;
    private long rowsLeft;
    private long row;
    private long rowLeft;

    /** Bytes after the last row; a few occur and harm nobody. */
    private int excess;

    /** A check of a picture of so many bits a pixel, perhaps coded in passes. */
    PngData(int width, int height, int bits, boolean interlaced) {
      this.width = width;
      this.height = height;
      this.bits = bits;
      this.passes = interlaced ? PASSES : new int[][] {{0, 0, 1, 1}};
      nextPass();
    }

    /** Moves to the next pass that has pixels. */
    private void nextPass() {
      rowsLeft = 0;
      while (rowsLeft == 0 && ++pass < passes.length) {
        int[] p = passes[pass];
        long across = Math.max(0, ((long) width - p[0] + p[2] - 1) / p[2]);
        rowsLeft = across == 0 ? 0 : Math.max(0, ((long) height - p[1] + p[3] - 1) / p[3]);
        row = (across * bits + 7) / 8;
      }
    }

    /**
     * Unpacks pieces of compressed data, each by first byte and length; refused if they are not the
     * whole picture.
     */
    void check(byte[] file, Iterable<int[]> pieces) throws Refusal {
      Inflater inflater = new Inflater();
      try {
        for (int[] piece : pieces) {
          inflater.setInput(file, piece[0], piece[1]);
          while (!inflater.finished()) {
            int count = inflater.inflate(buffer);
            if (inflater.needsDictionary()) {
              throw Refusal.corrupt("the PNG's data ask for a dictionary");
            }
            if (count == 0) {
              break;
            }
            rows(count);
            if (excess > buffer.length) {
              throw Refusal.corrupt("the PNG's data unpack to more than the picture");
            }
          }
        }
        if (pass < passes.length || rowLeft > 0 || !inflater.finished()) {
          throw Refusal.corrupt("the PNG's data hold only a part of the picture");
        }
      } catch (DataFormatException e) {
        throw Refusal.corrupt(Text.format("the PNG's data are damaged (%s)", e.getMessage()), e);
      } finally {
        inflater.end();
      }
    }

    /** Follows the rows through unpacked bytes; each starts with the number of its filter. */
    private void rows(int count) throws Refusal {
      int at = 0;
      while (at < count) {
        if (rowLeft > 0) {
          long step = Math.min(rowLeft, count - (long) at);
          at += (int) step;
          rowLeft -= step;
          continue;
        }
        if (pass == passes.length) {
          excess += count - at;
          return;
        }
        int filter = buffer[at++] & 0xFF;
        if (filter > LAST_FILTER) {
          throw Refusal.corrupt(Text.format("a row of the PNG has the unknown filter %d", filter));
        }
        rowLeft = row;
        if (--rowsLeft == 0) {
          nextPass();
        }
      }
    }
  }
}
