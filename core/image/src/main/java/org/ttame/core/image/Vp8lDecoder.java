package org.ttame.core.image;

import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.stream.IntStream;
import org.ttame.core.Text;

/**
 * Decodes lossless WebP (RFC 9649, sections 4 to 6).
 *
 * <p>Done in Java because the libwebp inside OpenCV 4.5.5 overflows its heap on crafted prefix
 * codes (CVE-2023-4863), and images here are of unknown origin. Lossy data do not pass through that
 * code: the one place where they could, their alpha, is dropped before.
 */
final class Vp8lDecoder {
  private static final int HEADER = 5;
  private static final int LITERALS = 256;
  private static final int LENGTHS = 24;
  private static final int DISTANCES = 40;
  private static final int NEIGHBOURS = 120;

  /** Offsets of nearby pixels, nearest first; each a column and a row to the upper left. */
  private static final int[][] NEAR = near();

  private final Vp8lBits in;

  private Vp8lDecoder(byte[] data, int from, int end) {
    in = new Vp8lBits(data, from, end);
  }

  /**
   * Decodes a bit stream of at least 5 bytes, alpha dropped, with width and height as in its
   * header; refused if the data are damaged.
   */
  static RgbImage decode(byte[] data, int from, int length, int width, int height) throws Refusal {
    Vp8lDecoder decoder = new Vp8lDecoder(data, from + HEADER, from + length);
    int[] argb = decoder.picture(width, height);
    byte[] samples = new byte[3 * width * height];
    for (int i = 0; i < width * height; i++) {
      samples[3 * i] = (byte) (argb[i] >> 16);
      samples[3 * i + 1] = (byte) (argb[i] >> 8);
      samples[3 * i + 2] = (byte) argb[i];
    }
    return RgbImage.wrap(width, height, samples);
  }

  private int[] picture(int width, int height) throws Refusal {
    Deque<Vp8lTransform> transforms = new ArrayDeque<>();
    int seen = 0;
    int packed = width;
    while (in.flag()) {
      int type = in.read(2);
      if ((seen & 1 << type) != 0) {
        throw Refusal.corrupt("the WebP's lossless data use a transform twice");
      }
      seen |= 1 << type;
      Vp8lTransform transform = transform(type, packed, height);
      packed = transform.packedWidth();
      transforms.push(transform);
    }
    int[] pixels = image(packed, height, true);
    for (Vp8lTransform transform : transforms) {
      pixels = transform.undo(pixels);
    }
    return pixels;
  }

  private Vp8lTransform transform(int type, int width, int height) throws Refusal {
    switch (type) {
      case 0, 1 -> {
        int bits = in.read(3) + 2;
        int[] blocks = image(blocks(width, bits), blocks(height, bits), false);
        return type == 0
            ? new Vp8lTransform.Predict(width, height, bits, blocks)
            : new Vp8lTransform.Decorrelate(width, height, bits, blocks);
      }
      case 2 -> {
        return new Vp8lTransform.AddGreen(width);
      }
      default -> {
        int[] colours = image(in.read(8) + 1, 1, false);
        for (int i = 1; i < colours.length; i++) {
          colours[i] = Vp8lTransform.add(colours[i], colours[i - 1]);
        }
        return new Vp8lTransform.Palette(width, height, colours);
      }
    }
  }

  /** Pieces of 2^bits that cover a length. */
  static int blocks(int length, int bits) {
    return (length + (1 << bits) - 1) >> bits;
  }

  /** The five codes that apply to a part of an image. */
  private record Codes(Vp8lCode green, Vp8lCode red, Vp8lCode blue, Vp8lCode alpha, Vp8lCode far) {}

  /** Reads an entropy-coded image; only the picture itself may have codes that change by block. */
  private int[] image(int width, int height, boolean main) throws Refusal {
    int cacheBits = 0;
    if (in.flag()) {
      cacheBits = in.read(4);
      if (cacheBits < 1 || cacheBits > 11) {
        throw Refusal.corrupt(
            Text.format("the WebP's lossless data ask for a colour cache of %d bits", cacheBits));
      }
    }
    int blockBits = 31;
    int[] blocks = null;
    int groups = 1;
    if (main && in.flag()) {
      blockBits = in.read(3) + 2;
      blocks = image(blocks(width, blockBits), blocks(height, blockBits), false);
      groups += IntStream.of(blocks).map(pixel -> pixel >> 8 & 0xFFFF).max().orElse(0);
    }
    int cacheSize = cacheBits == 0 ? 0 : 1 << cacheBits;
    Codes[] codes = new Codes[groups];
    for (int i = 0; i < groups; i++) {
      codes[i] =
          new Codes(
              Vp8lCode.read(in, LITERALS + LENGTHS + cacheSize),
              Vp8lCode.read(in, LITERALS),
              Vp8lCode.read(in, LITERALS),
              Vp8lCode.read(in, LITERALS),
              Vp8lCode.read(in, DISTANCES));
    }
    return pixels(width, height, codes, blocks, blockBits, cacheBits);
  }

  private int[] pixels(
      int width, int height, Codes[] codes, int[] blocks, int blockBits, int cacheBits)
      throws Refusal {
    int[] out = new int[width * height];
    int[] cache = new int[cacheBits == 0 ? 0 : 1 << cacheBits];
    int blocksAcross = blocks == null ? 0 : blocks(width, blockBits);
    int filled = 0;
    while (filled < out.length) {
      Codes here = codes[0];
      if (blocks != null) {
        int block =
            ((filled / width) >> blockBits) * blocksAcross + ((filled % width) >> blockBits);
        here = codes[blocks[block] >> 8 & 0xFFFF];
      }
      int symbol = here.green.next(in);
      int count = 1;
      if (symbol < LITERALS) {
        int red = here.red.next(in);
        int blue = here.blue.next(in);
        out[filled] = here.alpha.next(in) << 24 | red << 16 | symbol << 8 | blue;
      } else if (symbol < LITERALS + LENGTHS) {
        count = number(symbol - LITERALS);
        int distance = distance(number(here.far.next(in)), width);
        if (distance > filled || count > out.length - filled) {
          throw Refusal.corrupt("the WebP's lossless data copy from outside the picture");
        }
        for (int i = filled; i < filled + count; i++) {
          out[i] = out[i - distance];
        }
      } else {
        out[filled] = cache[symbol - LITERALS - LENGTHS];
      }
      if (cacheBits > 0) {
        for (int i = filled; i < filled + count; i++) {
          cache[(0x1E35A7BD * out[i]) >>> (32 - cacheBits)] = out[i];
        }
      }
      filled += count;
    }
    return out;
  }

  /** A length or distance: small ones by their symbol, large ones with extra bits. */
  private int number(int symbol) throws Refusal {
    if (symbol < 4) {
      return symbol + 1;
    }
    int extra = (symbol - 2) >> 1;
    return ((2 + (symbol & 1)) << extra) + in.read(extra) + 1;
  }

  /** Small distance codes mean a place nearby, in two dimensions. */
  private static int distance(int code, int width) {
    if (code > NEIGHBOURS) {
      return code - NEIGHBOURS;
    }
    int[] offset = NEAR[code - 1];
    return Math.max(1, offset[1] * width + offset[0]);
  }

  /** The order that the specification lists: by distance, then by |x|, then to the left first. */
  private static int[][] near() {
    return IntStream.rangeClosed(0, 7)
        .boxed()
        .flatMap(
            y ->
                IntStream.rangeClosed(-7, 8)
                    .filter(x -> y > 0 || x > 0)
                    .mapToObj(x -> new int[] {x, y}))
        .sorted(
            Comparator.<int[]>comparingInt(o -> o[0] * o[0] + o[1] * o[1])
                .thenComparingInt(o -> Math.abs(o[0]))
                .thenComparingInt(o -> -o[0]))
        .toArray(int[][]::new);
  }
}
