package org.ttame.core.image;

/**
 * What an encoder of lossless WebP did to the pixels before coding them (RFC 9649, section 4), to
 * be undone. Pixels are {@code 0xAARRGGBB}.
 */
sealed interface Vp8lTransform {
  /** The width of the image that was coded. */
  int packedWidth();

  /** Undoes the transform of packedWidth pixels a row, which may be changed. */
  int[] undo(int[] pixels);

  /** Adds channel by channel, modulo 256. */
  static int add(int a, int b) {
    int alphaGreen = (a & 0xFF00FF00) + (b & 0xFF00FF00);
    int redBlue = (a & 0x00FF00FF) + (b & 0x00FF00FF);
    return (alphaGreen & 0xFF00FF00) | (redBlue & 0x00FF00FF);
  }

  /** Red and blue were coded less green. */
  record AddGreen(int packedWidth) implements Vp8lTransform {
    @Override
    public int[] undo(int[] pixels) {
      for (int i = 0; i < pixels.length; i++) {
        int green = pixels[i] >> 8 & 0xFF;
        pixels[i] = add(pixels[i], green << 16 | green);
      }
      return pixels;
    }
  }

  /** Pixels were coded as indices into a list of colours, several to a pixel if they are few. */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  record Palette(int width, int height, int[] colours) implements Vp8lTransform {
    /** Halvings of the width. */
    private int shift() {
      if (colours.length <= 2) {
        return 3;
      }
      if (colours.length <= 4) {
        return 2;
      }
      return colours.length <= 16 ? 1 : 0;
    }

    @Override
    public int packedWidth() {
      return Vp8lDecoder.blocks(width, shift());
    }

    @Override
    public int[] undo(int[] pixels) {
      int shift = shift();
      int bits = 8 >> shift;
      int packed = packedWidth();
      int[] out = new int[width * height];
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
          int green = pixels[y * packed + (x >> shift)] >> 8 & 0xFF;
          int index = (green >> ((x % (1 << shift)) * bits)) & ((1 << bits) - 1);
          out[y * width + x] = index < colours.length ? colours[index] : 0;
        }
      }
      return out;
    }
  }

  /** Red was coded less a multiple of green, blue less multiples of both, by block. */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  record Decorrelate(int packedWidth, int height, int bits, int[] blocks) implements Vp8lTransform {
    @Override
    public int[] undo(int[] pixels) {
      int across = Vp8lDecoder.blocks(packedWidth, bits);
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < packedWidth; x++) {
          int factors = blocks[(y >> bits) * across + (x >> bits)];
          int at = y * packedWidth + x;
          int pixel = pixels[at];
          int green = pixel >> 8;
          int red = (pixel >> 16) + share(factors, green);
          int blue = pixel + share(factors >> 8, green) + share(factors >> 16, red);
          pixels[at] = (pixel & 0xFF00FF00) | (red & 0xFF) << 16 | (blue & 0xFF);
        }
      }
      return pixels;
    }

    /** Both lowest bytes as signed numbers, multiplied; the factor counts 1/32. */
    private static int share(int factor, int channel) {
      return ((byte) factor * (byte) channel) >> 5;
    }
  }

  /** Pixels were coded less a prediction from their neighbours, its rule chosen by block. */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  record Predict(int packedWidth, int height, int bits, int[] blocks) implements Vp8lTransform {
    private static final int BLACK = 0xFF000000;

    @Override
    public int[] undo(int[] pixels) {
      int width = packedWidth;
      int across = Vp8lDecoder.blocks(width, bits);
      pixels[0] = add(pixels[0], BLACK);
      for (int x = 1; x < width; x++) {
        pixels[x] = add(pixels[x], pixels[x - 1]);
      }
      for (int y = 1; y < height; y++) {
        int row = y * width;
        pixels[row] = add(pixels[row], pixels[row - width]);
        for (int x = 1; x < width; x++) {
          int rule = blocks[(y >> bits) * across + (x >> bits)] >> 8 & 15;
          pixels[row + x] = add(pixels[row + x], predict(rule, pixels, row + x));
        }
      }
      return pixels;
    }

    private int predict(int rule, int[] pixels, int at) {
      int left = pixels[at - 1];
      int top = pixels[at - packedWidth];
      int topLeft = pixels[at - packedWidth - 1];
      // In the last column this is the first pixel of the same row, as the format has it.
      int topRight = pixels[at - packedWidth + 1];
      return switch (rule) {
        case 1 -> left;
        case 2 -> top;
        case 3 -> topRight;
        case 4 -> topLeft;
        case 5 -> mean(mean(left, topRight), top);
        case 6 -> mean(left, topLeft);
        case 7 -> mean(left, top);
        case 8 -> mean(topLeft, top);
        case 9 -> mean(top, topRight);
        case 10 -> mean(mean(left, topLeft), mean(top, topRight));
        case 11 -> nearer(left, top, topLeft);
        case 12 -> gradient(left, top, topLeft);
        case 13 -> halfGradient(mean(left, top), topLeft);
        default -> BLACK;
      };
    }

    /** The mean of each channel, rounded down. */
    private static int mean(int a, int b) {
      return ((a ^ b) >>> 1 & 0x7F7F7F7F) + (a & b);
    }

    /** Left or top, whichever is nearer to left + top − topLeft over all channels. */
    private static int nearer(int left, int top, int topLeft) {
      int toLeft = 0;
      int toTop = 0;
      for (int shift = 0; shift < 32; shift += 8) {
        toLeft += Math.abs((top >> shift & 0xFF) - (topLeft >> shift & 0xFF));
        toTop += Math.abs((left >> shift & 0xFF) - (topLeft >> shift & 0xFF));
      }
      return toLeft < toTop ? left : top;
    }

    private static int gradient(int left, int top, int topLeft) {
      int result = 0;
      for (int shift = 0; shift < 32; shift += 8) {
        int value = (left >> shift & 0xFF) + (top >> shift & 0xFF) - (topLeft >> shift & 0xFF);
        result |= clamp(value) << shift;
      }
      return result;
    }

    private static int halfGradient(int average, int topLeft) {
      int result = 0;
      for (int shift = 0; shift < 32; shift += 8) {
        int value = average >> shift & 0xFF;
        // Division rounds towards zero here.
        result |= clamp(value + (value - (topLeft >> shift & 0xFF)) / 2) << shift;
      }
      return result;
    }

    private static int clamp(int value) {
      return Math.max(0, Math.min(255, value));
    }
  }
}
