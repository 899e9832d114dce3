package org.ttame.eval.render;

import java.util.Arrays;
import org.ttame.core.Text;
import org.ttame.core.image.RgbImage;

/**
 * A picture that can be drawn on, in plain arrays: no window system, no fonts, no graphics library.
 * Coordinates count pixels from the top left; what falls outside is cut off.
 */
public final class Canvas {
  private final int width;
  private final int height;
  private final int[] pixels;

  /**
   * A picture of one colour.
   *
   * @param width in pixels, at least 1
   * @param height in pixels, at least 1
   * @param rgb {@code 0xRRGGBB}
   */
  public Canvas(int width, int height, int rgb) {
    if (width < 1 || height < 1) {
      throw new IllegalArgumentException(
          Text.format("A picture cannot be %d×%d pixels large", width, height));
    }
    this.width = width;
    this.height = height;
    pixels = new int[Math.multiplyExact(width, height)];
    Arrays.fill(pixels, rgb);
  }

  /**
   * A picture from an image tensor.
   *
   * @param unit height·width·3 values in [0,1], row by row, red first; values outside are cut
   * @param width in pixels
   * @param height in pixels
   * @return the picture
   */
  public static Canvas of(float[] unit, int width, int height) {
    if (unit.length != width * height * 3) {
      throw new IllegalArgumentException(
          Text.format(
              "An image of %d×%d pixels has %d values, got %d",
              width, height, width * height * 3, unit.length));
    }
    Canvas canvas = new Canvas(width, height, 0);
    for (int i = 0; i < canvas.pixels.length; i++) {
      canvas.pixels[i] =
          level(unit[3 * i]) << 16 | level(unit[3 * i + 1]) << 8 | level(unit[3 * i + 2]);
    }
    return canvas;
  }

  /** A copy of a picture, to draw on. */
  public static Canvas of(RgbImage image) {
    Canvas canvas = new Canvas(image.width(), image.height(), 0);
    for (int i = 0; i < canvas.pixels.length; i++) {
      canvas.pixels[i] = image.rgb(i % image.width(), i / image.width());
    }
    return canvas;
  }

  /** Width in pixels. */
  public int width() {
    return width;
  }

  /** Height in pixels. */
  public int height() {
    return height;
  }

  /** The colour of a pixel, {@code 0xRRGGBB}. */
  public int rgb(int x, int y) {
    return pixels[y * width + x];
  }

  /** Colours a pixel. */
  public void set(int x, int y, int rgb) {
    if (x >= 0 && x < width && y >= 0 && y < height) {
      pixels[y * width + x] = rgb;
    }
  }

  /** Colours the rectangle from (x0, y0) up to and without (x1, y1). */
  public void fill(int x0, int y0, int x1, int y1, int rgb) {
    for (int y = Math.max(0, y0); y < Math.min(height, y1); y++) {
      for (int x = Math.max(0, x0); x < Math.min(width, x1); x++) {
        pixels[y * width + x] = rgb;
      }
    }
  }

  /** Draws the border, inside the rectangle from (x0, y0) up to and without (x1, y1). */
  public void outline(int x0, int y0, int x1, int y1, int thickness, int rgb) {
    fill(x0, y0, x1, y0 + thickness, rgb);
    fill(x0, y1 - thickness, x1, y1, rgb);
    fill(x0, y0, x0 + thickness, y1, rgb);
    fill(x1 - thickness, y0, x1, y1, rgb);
  }

  /** Puts another picture with its top left corner at (x, y). */
  public void draw(Canvas other, int x, int y) {
    for (int row = 0; row < other.height; row++) {
      for (int column = 0; column < other.width; column++) {
        set(x + column, y + row, other.rgb(column, row));
      }
    }
  }

  /**
   * Writes a line of text.
   *
   * @param text what to write; characters outside printable ASCII lose their accents or become
   *     question marks
   * @param x left edge of the first character
   * @param y top edge of capital letters
   * @param scale pixels of a dot of the font, at least 1
   * @param rgb {@code 0xRRGGBB}
   */
  public void text(String text, int x, int y, int scale, int rgb) {
    String printable = BitmapFont.printable(text);
    BitmapFont font = BitmapFont.get();
    for (int i = 0; i < printable.length(); i++) {
      int left = x + i * BitmapFont.ADVANCE * scale;
      for (int row = 0; row < BitmapFont.HEIGHT; row++) {
        for (int column = 0; column < BitmapFont.ADVANCE - 1; column++) {
          if (font.isInk(printable.charAt(i), column, row)) {
            int px = left + column * scale;
            int py = y + row * scale;
            fill(px, py, px + scale, py + scale, rgb);
          }
        }
      }
    }
  }

  /** This picture with each pixel as a square of {@code factor}×{@code factor} pixels. */
  public Canvas enlarged(int factor) {
    Canvas result = new Canvas(width * factor, height * factor, 0);
    for (int y = 0; y < result.height; y++) {
      for (int x = 0; x < result.width; x++) {
        result.pixels[y * result.width + x] = rgb(x / factor, y / factor);
      }
    }
    return result;
  }

  /** The picture as it is now, for files. */
  public RgbImage toImage() {
    byte[] result = new byte[pixels.length * 3];
    for (int i = 0; i < pixels.length; i++) {
      result[3 * i] = (byte) (pixels[i] >> 16);
      result[3 * i + 1] = (byte) (pixels[i] >> 8);
      result[3 * i + 2] = (byte) pixels[i];
    }
    return RgbImage.wrap(width, height, result);
  }

  private static int level(float unit) {
    return Math.round(255 * Math.max(0f, Math.min(1f, unit)));
  }
}
