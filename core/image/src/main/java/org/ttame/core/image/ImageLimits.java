package org.ttame.core.image;

import org.ttame.core.Text;

/**
 * What an image may ask for. A header of a few bytes can claim gigabytes, so these are checked
 * before any pixel is decoded.
 *
 * @param maxPixels largest width × height
 * @param maxSide longest side in pixels
 * @param maxBytes largest file
 */
public record ImageLimits(long maxPixels, int maxSide, int maxBytes) {
  /** The longest side the native decoders take. */
  private static final int DECODER_SIDE = 1_000_000;

  /** A picture is held as an array of three bytes a pixel. */
  private static final long ARRAY_PIXELS = (Integer.MAX_VALUE - 64) / 3;

  /**
   * 178,956,970 pixels, which is where Pillow refuses too; sides up to 1,000,000; files up to 256
   * MiB. The largest picture takes about 540 MB of Java heap (1.9 GB as lossless WebP) and up to
   * 1.6 GB outside it (a progressive JPEG); where the heap is too small it is refused like any
   * other that is too large.
   */
  public static final ImageLimits DEFAULT =
      new ImageLimits(178_956_970L, DECODER_SIDE, 256 * 1024 * 1024);

  public ImageLimits {
    if (maxPixels < 1 || maxPixels > ARRAY_PIXELS) {
      throw new IllegalArgumentException(
          Text.format(
              "The limit of pixels must be between 1 and %d, got %d", ARRAY_PIXELS, maxPixels));
    }
    if (maxSide < 1 || maxSide > DECODER_SIDE) {
      throw new IllegalArgumentException(
          Text.format(
              "The limit of a side must be between 1 and %d pixels, got %d",
              DECODER_SIDE, maxSide));
    }
    if (maxBytes < 1 || maxBytes > Integer.MAX_VALUE - 64) {
      throw new IllegalArgumentException(
          Text.format(
              "The limit of a file's size must be between 1 and %d bytes, got %d",
              Integer.MAX_VALUE - 64, maxBytes));
    }
  }

  /**
   * The same limits but for the pixels.
   *
   * @param pixels largest width × height
   * @return the limits
   */
  public ImageLimits withMaxPixels(long pixels) {
    return new ImageLimits(pixels, maxSide, maxBytes);
  }

  /** Refuses a picture whose header says, unsigned, a side of zero or one past a limit. */
  void check(long width, long height) throws Refusal {
    if (width < 1 || height < 1) {
      throw Refusal.corrupt(Text.format("the header says %d×%d pixels", width, height));
    }
    // Sides first: their product could overflow.
    if (width > maxSide || height > maxSide) {
      throw Refusal.tooLarge(
          Text.format(
              "the header says %d×%d pixels, more than the limit of %d a side",
              width, height, maxSide));
    }
    if (width * height > maxPixels) {
      throw Refusal.tooLarge(
          Text.format(
              "the header says %d×%d pixels, more than the limit of %d; shrink it or raise the"
                  + " limit",
              width, height, maxPixels));
    }
  }
}
