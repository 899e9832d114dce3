package org.ttame.core.image;

import java.util.Objects;
import java.util.function.IntBinaryOperator;
import org.ttame.core.Text;

/**
 * A picture of 8-bit red, green and blue samples.
 *
 * <p>Layout: rows from the top, pixels from the left, three bytes a pixel in the order red, green,
 * blue; sample c of pixel (x, y) is byte {@code 3·(y·width + x) + c}, to be read as unsigned.
 * Instances are safe to share between threads as long as nobody writes to {@link #samples()}.
 */
public final class RgbImage {
  private final int width;
  private final int height;
  private final byte[] samples;

  private RgbImage(int width, int height, byte[] samples) {
    this.width = width;
    this.height = height;
    this.samples = samples;
  }

  /**
   * Makes a picture of an array without copying it: the array now belongs to the picture.
   *
   * @param width pixels, at least 1
   * @param height pixels, at least 1
   * @param samples width·height·3 bytes in the layout above
   * @throws IllegalArgumentException if the array's length is not width·height·3
   */
  public static RgbImage wrap(int width, int height, byte[] samples) {
    if (width < 1 || height < 1) {
      throw new IllegalArgumentException(
          Text.format("A picture cannot have %d×%d pixels", width, height));
    }
    if (samples.length != 3L * width * height) {
      throw new IllegalArgumentException(
          Text.format(
              "A picture of %d×%d pixels needs %d bytes, got %d",
              width, height, 3L * width * height, samples.length));
    }
    return new RgbImage(width, height, samples);
  }

  /**
   * Makes a picture pixel by pixel.
   *
   * @param width pixels, at least 1
   * @param height pixels, at least 1
   * @param rgb from column and row to {@code 0xRRGGBB}; higher bits are ignored
   */
  public static RgbImage of(int width, int height, IntBinaryOperator rgb) {
    RgbImage image = wrap(width, height, new byte[Math.multiplyExact(3 * width, height)]);
    for (int y = 0, at = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int color = rgb.applyAsInt(x, y);
        image.samples[at++] = (byte) (color >> 16);
        image.samples[at++] = (byte) (color >> 8);
        image.samples[at++] = (byte) color;
      }
    }
    return image;
  }

  /**
   * Makes a picture of an image tensor.
   *
   * @param unit height·width·3 values in [0,1], row by row, red first; values outside are cut
   * @param width pixels
   * @param height pixels
   */
  public static RgbImage of(float[] unit, int width, int height) {
    byte[] samples = new byte[unit.length];
    for (int i = 0; i < unit.length; i++) {
      samples[i] = (byte) Math.round(255 * Math.max(0f, Math.min(1f, unit[i])));
    }
    return wrap(width, height, samples);
  }

  /** The same picture with each pixel as a square of {@code factor}×{@code factor} pixels. */
  public RgbImage enlarged(int factor) {
    return factor == 1
        ? this
        : of(width * factor, height * factor, (x, y) -> rgb(x / factor, y / factor));
  }

  /** Pixels across. */
  public int width() {
    return width;
  }

  /** Pixels down. */
  public int height() {
    return height;
  }

  /** The samples themselves, not a copy: to be read only. */
  public byte[] samples() {
    return samples;
  }

  /**
   * One pixel.
   *
   * @param x column from the left
   * @param y row from the top
   * @return {@code 0xRRGGBB}
   * @throws IndexOutOfBoundsException if the pixel lies outside
   */
  public int rgb(int x, int y) {
    int at = 3 * (Objects.checkIndex(y, height) * width + Objects.checkIndex(x, width));
    return (samples[at] & 0xFF) << 16 | (samples[at + 1] & 0xFF) << 8 | (samples[at + 2] & 0xFF);
  }

  @Override
  public String toString() {
    return "RgbImage[" + width + "×" + height + "]";
  }
}
