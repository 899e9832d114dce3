package org.ttame.core.image;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import org.ttame.core.Text;

/**
 * A JPEG file walked through marker by marker (ITU-T T.81, annex B) before the native decoder sees
 * it.
 *
 * <p>The walk finds the size, refuses what is cut off (the decoder would fill the rest with grey
 * and say nothing), and copies only what decoding needs: thumbnails, profiles, EXIF and comments of
 * any size are left out, and so is whatever follows the end of the picture.
 */
final class JpegFile {
  private static final String FORMAT = "JPEG";
  private static final int SOI = 0xD8;
  private static final int EOI = 0xD9;
  private static final int SOS = 0xDA;

  /**
   * A progressive picture is decoded scan by scan, each as dear as the picture is large; honest
   * encoders write about ten.
   */
  private static final int MAX_SCANS = 500;

  private static final int FULL_SIZE_SCANS = 20;

  private final byte[] bytes;
  private final ImageLimits limits;
  private final ByteArrayOutputStream kept;
  private final ByteCursor cursor;

  private int width;
  private int height;
  private int process = -1;
  private long units;
  private int scans;
  private long entropyBytes;

  private JpegFile(byte[] bytes, ImageLimits limits) {
    this.bytes = bytes;
    this.limits = limits;
    this.kept = new ByteArrayOutputStream(bytes.length);
    this.cursor = new ByteCursor(FORMAT, bytes, 2);
  }

  /**
   * Checks a file known to start as a JPEG does; refused if it is too large, cut off, damaged or of
   * a kind that cannot be decoded.
   */
  static EncodedImage check(byte[] bytes, ImageLimits limits) throws Refusal {
    JpegFile file = new JpegFile(bytes, limits);
    file.walk();
    return new EncodedImage(FORMAT, file.width, file.height, file.kept.toByteArray());
  }

  private void walk() throws Refusal {
    marker(SOI);
    while (true) {
      int start = cursor.position();
      int marker = nextMarker();
      if (marker == EOI) {
        break;
      }
      cursor.need(2);
      int from = cursor.position();
      int length = cursor.u16be();
      if (length < 2) {
        throw Refusal.corrupt(
            Text.format("a JPEG segment at byte %d says it is %d bytes long", start, length));
      }
      cursor.need(length - 2L);
      if (isFrame(marker)) {
        frame(marker, length);
      }
      if (marker == 0xE0) {
        application0(from, length);
      } else if (isNeeded(marker)) {
        marker(marker);
        kept.write(bytes, from, length);
      } else if (!isSkippable(marker)) {
        throw Refusal.corrupt(
            Text.format("byte %d holds the unknown JPEG marker %02X", start, marker));
      }
      cursor.skip(from + length - (long) cursor.position());
      if (marker == SOS) {
        scan();
      }
    }
    if (scans == 0) {
      throw Refusal.corrupt("the JPEG holds no picture");
    }
    // Huffman coding needs a bit for every block at least; a header may claim any number of them.
    boolean arithmetic = process >= 0xC9;
    if (!arithmetic && entropyBytes * 8 < units) {
      throw Refusal.corrupt(
          Text.format(
              "the header says %d×%d pixels, for which %d bytes of JPEG data are too few",
              width, height, entropyBytes));
    }
    marker(EOI);
  }

  private void marker(int code) {
    kept.write(0xFF);
    kept.write(code);
  }

  /** Moves behind the next marker; garbage between segments is passed over, as decoders do. */
  private int nextMarker() throws Refusal {
    while (true) {
      int b = cursor.u8();
      while (b != 0xFF) {
        b = cursor.u8();
      }
      while (b == 0xFF) {
        b = cursor.u8();
      }
      if (b != 0) {
        return b;
      }
    }
  }

  private void frame(int marker, int length) throws Refusal {
    if (process >= 0) {
      throw Refusal.corrupt("the JPEG has two frame headers");
    }
    process = marker;
    if (length < 8) {
      throw Refusal.corrupt(Text.format("the JPEG's frame header is %d bytes long", length));
    }
    int precision = cursor.u8();
    height = cursor.u16be();
    width = cursor.u16be();
    int components = cursor.u8();
    limits.check(width, height);
    if (precision != 8) {
      throw Refusal.unsupported(
          Text.format("JPEG with %d bits a sample is not read; convert it to 8 bits", precision));
    }
    if (marker > 0xC2 && marker != 0xC9 && marker != 0xCA) {
      throw Refusal.unsupported("lossless and hierarchical JPEG is not read; convert it to PNG");
    }
    if (components != 1 && components != 3 && components != 4) {
      throw Refusal.unsupported(
          Text.format("JPEG with %d components is neither grey, colour nor CMYK", components));
    }
    if (length != 8 + 3 * components) {
      throw Refusal.corrupt(
          Text.format(
              "the JPEG's frame header is %d bytes long for %d components", length, components));
    }
    int across = 1;
    int down = 1;
    for (int i = 0; i < components; i++) {
      cursor.skip(1);
      int factors = cursor.u8();
      cursor.skip(1);
      across = Math.max(across, factors >> 4);
      down = Math.max(down, factors & 15);
    }
    if (across > 4 || down > 4) {
      throw Refusal.corrupt(Text.format("the JPEG's sampling factors are %d×%d", across, down));
    }
    // One block of every component for each unit of 8·across × 8·down pixels, at the least.
    units =
        components
            * ((width + 8L * across - 1) / (8L * across))
            * ((height + 8L * down - 1) / (8L * down));
  }

  /** Copies the coded data up to the next marker that is not part of them. */
  private void scan() throws Refusal {
    if (process < 0) {
      throw Refusal.corrupt("the JPEG's data come before its frame header");
    }
    scans++;
    long pixels = (long) width * height;
    if (scans > MAX_SCANS || scans * pixels > FULL_SIZE_SCANS * limits.maxPixels()) {
      throw Refusal.tooLarge(
          Text.format(
              "the JPEG of %d×%d pixels is made of %d scans or more, which would take too long",
              width, height, scans));
    }
    int from = cursor.position();
    int at = from;
    while (at + 1 < bytes.length) {
      if (bytes[at] == (byte) 0xFF) {
        int next = bytes[at + 1] & 0xFF;
        if (next != 0 && next != 0xFF && (next < 0xD0 || next > 0xD7)) {
          break;
        }
      }
      at++;
    }
    if (at + 1 >= bytes.length) {
      throw Refusal.truncated(FORMAT, bytes.length);
    }
    kept.write(bytes, from, at - from);
    entropyBytes += at - from;
    cursor.skip(at - (long) from);
  }

  private static boolean isFrame(int marker) {
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
  }

  /**
   * The JFIF marker tells the colour space by its presence; its content (density, thumbnail, a
   * version that the decoder would remark on) does not matter.
   */
  private void application0(int from, int length) {
    byte[] jfif = {0, 16, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0};
    if (length >= jfif.length && Arrays.equals(bytes, from + 2, from + 7, jfif, 2, 7)) {
      marker(0xE0);
      kept.writeBytes(jfif);
    }
  }

  /** Frames, tables, scans, and Adobe's segment, which tells the colour space. */
  private static boolean isNeeded(int marker) {
    return switch (marker) {
      case 0xC4, 0xCC, SOS, 0xDB, 0xDD, 0xEE -> true;
      default -> isFrame(marker);
    };
  }

  /** Application data, comments, and the line count, which the decoder passes over too. */
  private static boolean isSkippable(int marker) {
    return (marker >= 0xE0 && marker <= 0xEF) || marker == 0xFE || marker == 0xDC;
  }
}
