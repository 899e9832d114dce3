package org.ttame.core.image;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import org.ttame.core.Text;

/**
 * A WebP file walked through chunk by chunk (RFC 9649) before it is decoded.
 *
 * <p>Only the bit stream of the picture, or of the first frame of an animation, is kept; alpha,
 * profiles and metadata are left out.
 *
 * @param canvasWidth of the whole picture
 * @param canvasHeight of the whole picture
 * @param left column of the frame
 * @param top row of the frame
 * @param lossless whether the frame is coded as VP8L
 * @param frame the frame as a file of its own
 */
record WebpFile(
    int canvasWidth, int canvasHeight, int left, int top, boolean lossless, EncodedImage frame) {
  private static final String FORMAT = "WebP";
  private static final int RIFF_HEADER = 12;
  private static final int CHUNK_HEADER = 8;

  /** What the walk has seen so far. */
  private static final class Seen {
    int canvasWidth;
    int canvasHeight;
    int left;
    int top;
    int frameWidth;
    int frameHeight;
  }

  /**
   * Checks a file known to start as a WebP does; refused if it is too large, cut off or damaged.
   */
  static WebpFile check(byte[] bytes, ImageLimits limits) throws Refusal {
    long end = new ByteCursor(FORMAT, bytes, 4).u32le() + 8;
    if (end > bytes.length) {
      throw Refusal.truncated(FORMAT, bytes.length);
    }
    Seen seen = new Seen();
    ByteCursor cursor = new ByteCursor(FORMAT, bytes, RIFF_HEADER);
    while (cursor.position() + (long) CHUNK_HEADER <= end) {
      String type = new String(bytes, cursor.position(), 4, StandardCharsets.ISO_8859_1);
      cursor.skip(4);
      long length = cursor.u32le();
      int body = cursor.position();
      switch (type) {
        case "VP8X" -> {
          cursor.need(10);
          ByteCursor sizes = new ByteCursor(FORMAT, bytes, body + 4);
          seen.canvasWidth = sizes.u24le() + 1;
          seen.canvasHeight = sizes.u24le() + 1;
          limits.check(seen.canvasWidth, seen.canvasHeight);
        }
        case "ANMF" -> {
          cursor.need(16);
          ByteCursor place = new ByteCursor(FORMAT, bytes, body);
          seen.left = 2 * place.u24le();
          seen.top = 2 * place.u24le();
          seen.frameWidth = place.u24le() + 1;
          seen.frameHeight = place.u24le() + 1;
          // Its chunks come next: walk on inside.
          cursor.skip(16);
          continue;
        }
        case "VP8 ", "VP8L" -> {
          cursor.skip(length);
          return of(bytes, body, (int) length, type.equals("VP8L"), seen, limits);
        }
        default -> {
          // Metadata, alpha, or chunks of the future.
        }
      }
      // Chunks are padded to an even length.
      cursor.skip(length);
      cursor.skip(Math.min(length % 2, cursor.remaining()));
    }
    throw Refusal.corrupt("the WebP holds no picture");
  }

  private static WebpFile of(
      byte[] bytes, int body, int length, boolean lossless, Seen seen, ImageLimits limits)
      throws Refusal {
    ByteCursor cursor = new ByteCursor(FORMAT, bytes, body);
    int width;
    int height;
    if (lossless) {
      boolean signed = length >= 5 && cursor.u8() == 0x2F;
      long sizes = signed ? cursor.u32le() : 0;
      if (!signed || sizes >> 29 != 0) {
        throw Refusal.corrupt("the WebP's lossless data have no proper header");
      }
      width = (int) (sizes & 0x3FFF) + 1;
      height = (int) (sizes >> 14 & 0x3FFF) + 1;
    } else {
      boolean key = length >= 10 && (cursor.u8() & 1) == 0;
      cursor.skip(2);
      if (!key || cursor.u24le() != 0x2A019D) {
        throw Refusal.corrupt("the WebP's data have no proper header");
      }
      width = cursor.u16le() & 0x3FFF;
      height = cursor.u16le() & 0x3FFF;
    }
    limits.check(width, height);
    boolean wrongFrame =
        seen.frameWidth > 0 && (width != seen.frameWidth || height != seen.frameHeight);
    if (seen.canvasWidth == 0) {
      seen.canvasWidth = width;
      seen.canvasHeight = height;
    }
    boolean fits =
        seen.frameWidth > 0
            ? seen.left + (long) width <= seen.canvasWidth
                && seen.top + (long) height <= seen.canvasHeight
            : width == seen.canvasWidth && height == seen.canvasHeight;
    if (wrongFrame || !fits) {
      throw Refusal.corrupt(
          Text.format(
              "the WebP's header says %d×%d pixels, its data %d×%d",
              seen.canvasWidth, seen.canvasHeight, width, height));
    }
    EncodedImage frame =
        new EncodedImage(FORMAT, width, height, still(bytes, body, length, lossless));
    return new WebpFile(seen.canvasWidth, seen.canvasHeight, seen.left, seen.top, lossless, frame);
  }

  /** A file with one bit stream and nothing else. */
  private static byte[] still(byte[] bytes, int body, int length, boolean lossless) {
    int padded = length + length % 2;
    ByteArrayOutputStream out = new ByteArrayOutputStream(RIFF_HEADER + CHUNK_HEADER + padded);
    out.writeBytes("RIFF".getBytes(StandardCharsets.US_ASCII));
    u32le(out, 4 + CHUNK_HEADER + padded);
    out.writeBytes((lossless ? "WEBPVP8L" : "WEBPVP8 ").getBytes(StandardCharsets.US_ASCII));
    u32le(out, length);
    out.write(bytes, body, length);
    if (padded > length) {
      out.write(0);
    }
    return out.toByteArray();
  }

  private static void u32le(ByteArrayOutputStream out, int value) {
    for (int shift = 0; shift < 32; shift += 8) {
      out.write(value >> shift);
    }
  }

  /** Decodes the frame: lossy data by OpenCV, lossless by {@link Vp8lDecoder}, which says why. */
  RgbImage decodeFrame() throws Refusal {
    if (!lossless) {
      return OpenCvDecoder.decode(frame);
    }
    int start = RIFF_HEADER + CHUNK_HEADER;
    return Vp8lDecoder.decode(
        frame.bytes(), start, frame.bytes().length - start, frame.width(), frame.height());
  }

  /** Puts the decoded frame in its place in the whole picture, black around it. */
  RgbImage place(RgbImage pixels) {
    if (pixels.width() == canvasWidth && pixels.height() == canvasHeight) {
      return pixels;
    }
    byte[] samples = new byte[3 * canvasWidth * canvasHeight];
    int row = 3 * pixels.width();
    for (int y = 0; y < pixels.height(); y++) {
      int to = 3 * ((top + y) * canvasWidth + left);
      System.arraycopy(pixels.samples(), y * row, samples, to, row);
    }
    return RgbImage.wrap(canvasWidth, canvasHeight, samples);
  }
}
