package org.ttame.core.image;

import java.util.random.RandomGenerator;
import org.ttame.core.Text;

/**
 * Which square of a picture a classifier sees: the picture is resized, a square is cut out, and the
 * square may be mirrored.
 *
 * @param sourceWidth width of the picture in pixels
 * @param sourceHeight height of the picture in pixels
 * @param resizedWidth width after resizing
 * @param resizedHeight height after resizing
 * @param left first column of the square in the resized picture
 * @param top first row of the square in the resized picture
 * @param side of the square
 * @param mirrored whether the square's columns are then reversed
 */
public record CropPlan(
    int sourceWidth,
    int sourceHeight,
    int resizedWidth,
    int resizedHeight,
    int left,
    int top,
    int side,
    boolean mirrored) {

  public CropPlan {
    if (sourceWidth < 1 || sourceHeight < 1 || side < 1) {
      throw new IllegalArgumentException(
          Text.format(
              "Cannot cut %d×%d pixels out of a picture of %d×%d",
              side, side, sourceWidth, sourceHeight));
    }
    if (left < 0 || top < 0 || left > resizedWidth - side || top > resizedHeight - side) {
      throw new IllegalArgumentException(
          Text.format(
              "A square of %d pixels at (%d, %d) does not lie in a picture of %d×%d",
              side, left, top, resizedWidth, resizedHeight));
    }
  }

  /**
   * The middle square: offsets round((length − side)/2), halves to even, as torchvision's
   * CenterCrop.
   *
   * @param width of the picture
   * @param height of the picture
   * @param resizeSide what its shorter side is resized to, at least side
   * @param side of the square
   * @return the plan
   */
  public static CropPlan centre(int width, int height, int resizeSide, int side) {
    int resizedWidth = resized(width, height, resizeSide);
    int resizedHeight = resized(height, width, resizeSide);
    int left = (int) Math.rint((resizedWidth - side) / 2.0);
    int top = (int) Math.rint((resizedHeight - side) / 2.0);
    return new CropPlan(width, height, resizedWidth, resizedHeight, left, top, side, false);
  }

  /**
   * A square at random, every offset equally likely. Draws the top offset, then the left one, then,
   * if mirroring is allowed, whether to mirror (one half); always in this order and number, so that
   * a seed means the same crops for every picture size.
   *
   * @param width of the picture
   * @param height of the picture
   * @param resizeSide what its shorter side is resized to, at least side
   * @param side of the square
   * @param mirror whether half of the squares are to be mirrored
   * @param random source of the draws
   * @return the plan
   */
  public static CropPlan random(
      int width, int height, int resizeSide, int side, boolean mirror, RandomGenerator random) {
    int resizedWidth = resized(width, height, resizeSide);
    int resizedHeight = resized(height, width, resizeSide);
    int top = random.nextInt(resizedHeight - side + 1);
    int left = random.nextInt(resizedWidth - side + 1);
    boolean mirrored = mirror && random.nextBoolean();
    return new CropPlan(width, height, resizedWidth, resizedHeight, left, top, side, mirrored);
  }

  /**
   * Resizes and cuts.
   *
   * @param image of sourceWidth×sourceHeight pixels
   * @return a new picture of side×side pixels
   * @throws IllegalArgumentException if the picture has another size
   */
  public RgbImage apply(RgbImage image) {
    if (image.width() != sourceWidth || image.height() != sourceHeight) {
      throw new IllegalArgumentException(
          Text.format(
              "This crop was planned for %d×%d pixels, the picture has %d×%d",
              sourceWidth, sourceHeight, image.width(), image.height()));
    }
    RgbImage cut = PillowResize.resize(image, resizedWidth, resizedHeight, left, top, side, side);
    return mirrored ? mirror(cut) : cut;
  }

  /**
   * Where a column of the picture lands.
   *
   * @param x distance from the picture's left edge in its own pixels; edges, not pixel centres
   * @return distance from the square's left edge in its pixels; outside [0, side] if cut off
   */
  public double mapX(double x) {
    double cut = x * resizedWidth / sourceWidth - left;
    return mirrored ? side - cut : cut;
  }

  /**
   * Where a row of the picture lands.
   *
   * @param y distance from the picture's top edge in its own pixels; edges, not pixel centres
   * @return distance from the square's top edge in its pixels; outside [0, side] if cut off
   */
  public double mapY(double y) {
    return y * resizedHeight / sourceHeight - top;
  }

  /** Length after resizing: the shorter side to resizeSide, the longer to int(resizeSide·l/s). */
  private static int resized(int length, int other, int resizeSide) {
    if (length <= other) {
      return resizeSide;
    }
    // Whole-number division is int() of the exact quotient.
    long resized = (long) resizeSide * length / other;
    if (resized > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          Text.format(
              "A picture of %d×%d pixels is too narrow to resize its shorter side to %d",
              length, other, resizeSide));
    }
    return (int) resized;
  }

  private static RgbImage mirror(RgbImage image) {
    int width = image.width();
    byte[] from = image.samples();
    byte[] to = new byte[from.length];
    for (int y = 0; y < image.height(); y++) {
      for (int x = 0; x < width; x++) {
        System.arraycopy(from, 3 * (y * width + x), to, 3 * (y * width + width - 1 - x), 3);
      }
    }
    return RgbImage.wrap(width, image.height(), to);
  }
}
