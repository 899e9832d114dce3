package org.ttame.core.image;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.ttame.core.Text;

/**
 * Which part of a picture a classifier sees: the picture is resized, a window is cut out, and the
 * window may be mirrored. What of the window lies beside the picture is grey.
 *
 * @param sourceWidth width of the picture in pixels
 * @param sourceHeight height of the picture in pixels
 * @param resizedWidth width after resizing
 * @param resizedHeight height after resizing
 * @param left first column of the window in the resized picture; negative if it begins before it
 * @param top first row of the window in the resized picture; negative if it begins above it
 * @param width of the window
 * @param height of the window
 * @param mirrored whether the window's columns are then reversed
 */
public record CropPlan(
    int sourceWidth,
    int sourceHeight,
    int resizedWidth,
    int resizedHeight,
    int left,
    int top,
    int width,
    int height,
    boolean mirrored) {
  /** The ground of a letterbox: the grey that the programs use that the term comes from. */
  static final byte GROUND = 114;

  public CropPlan {
    if (sourceWidth < 1 || sourceHeight < 1 || width < 1 || height < 1) {
      throw new IllegalArgumentException(
          Text.format(
              "Cannot cut %d×%d pixels out of a picture of %d×%d",
              width, height, sourceWidth, sourceHeight));
    }
    if (resizedWidth < 1
        || resizedHeight < 1
        || !overlaps(left, width, resizedWidth)
        || !overlaps(top, height, resizedHeight)) {
      throw new IllegalArgumentException(
          Text.format(
              "A window of %d×%d pixels at (%d, %d) shows nothing of a picture of %d×%d",
              width, height, left, top, resizedWidth, resizedHeight));
    }
  }

  private static boolean overlaps(int first, int length, int whole) {
    return first < whole && (long) first + length > 0;
  }

  /** A picture's size after resizing, and that of the canvas that the window is cut out of. */
  private record Canvas(int resizedWidth, int resizedHeight, int width, int height) {}

  /**
   * The window for tests, in the middle: offsets round((length − window)/2), halves to even, as
   * torchvision's CenterCrop.
   *
   * @param width of the picture
   * @param height of the picture
   * @param spec what the classifier takes
   */
  public static CropPlan centre(int width, int height, InputSpec spec) {
    boolean crops = spec.resize() == ResizeRule.CROP;
    Canvas canvas = canvas(width, height, spec, crops);
    return new CropPlan(
        width,
        height,
        canvas.resizedWidth(),
        canvas.resizedHeight(),
        (int) Math.rint((canvas.resizedWidth() - spec.width()) / 2.0),
        (int) Math.rint((canvas.resizedHeight() - spec.height()) / 2.0),
        spec.width(),
        spec.height(),
        false);
  }

  /**
   * A window for training, every offset equally likely: of the canvas that the resize rule makes
   * for an input enlarged by 256/224. Draws the top offset, then the left one, then, if mirroring
   * is allowed, whether to mirror (one half); always in this order and number, so that a seed means
   * the same crops for every picture size.
   *
   * @param width of the picture
   * @param height of the picture
   * @param spec what the classifier takes
   * @param mirror whether half of the windows are to be mirrored
   * @param random source of the draws
   */
  public static CropPlan random(
      int width, int height, InputSpec spec, boolean mirror, RandomGenerator random) {
    Canvas canvas = canvas(width, height, spec, true);
    int top = random.nextInt(canvas.height() - spec.height() + 1);
    int left = random.nextInt(canvas.width() - spec.width() + 1);
    boolean mirrored = mirror && random.nextBoolean();
    return new CropPlan(
        width,
        height,
        canvas.resizedWidth(),
        canvas.resizedHeight(),
        left - (canvas.width() - canvas.resizedWidth()) / 2,
        top - (canvas.height() - canvas.resizedHeight()) / 2,
        spec.width(),
        spec.height(),
        mirrored);
  }

  private static Canvas canvas(int width, int height, InputSpec spec, boolean enlarged) {
    int across = enlarged ? InputSpec.enlarged(spec.width()) : spec.width();
    int down = enlarged ? InputSpec.enlarged(spec.height()) : spec.height();
    // Where the picture is relatively wider than the canvas its height decides how it covers it,
    // and its width how it fits in.
    boolean wide = (long) width * down >= (long) height * across;
    switch (spec.resize()) {
      case STRETCH:
        return new Canvas(across, down, across, down);
      case LETTERBOX:
        int fittingWidth = wide ? across : Math.max(1, proportional(width, down, height));
        int fittingHeight = wide ? Math.max(1, proportional(height, across, width)) : down;
        return new Canvas(fittingWidth, fittingHeight, across, down);
      default:
        int coveringWidth = wide ? proportional(width, down, height) : across;
        int coveringHeight = wide ? down : proportional(height, across, width);
        return new Canvas(coveringWidth, coveringHeight, coveringWidth, coveringHeight);
    }
  }

  /** int(to·length/from): whole-number division is int() of the exact quotient. */
  private static int proportional(int length, int to, int from) {
    long resized = (long) to * length / from;
    if (resized > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          Text.format(
              "A picture of %d×%d pixels is too narrow to resize its shorter side to %d",
              from, length, to));
    }
    return (int) resized;
  }

  /**
   * Resizes and cuts.
   *
   * @param image of sourceWidth×sourceHeight pixels
   * @return a new picture of width×height pixels
   * @throws IllegalArgumentException if the picture has another size
   */
  public RgbImage apply(RgbImage image) {
    if (image.width() != sourceWidth || image.height() != sourceHeight) {
      throw new IllegalArgumentException(
          Text.format(
              "This crop was planned for %d×%d pixels, the picture has %d×%d",
              sourceWidth, sourceHeight, image.width(), image.height()));
    }
    int fromX = Math.max(left, 0);
    int fromY = Math.max(top, 0);
    int shownWidth = Math.min(left + width, resizedWidth) - fromX;
    int shownHeight = Math.min(top + height, resizedHeight) - fromY;
    RgbImage shown =
        PillowResize.resize(
            image, resizedWidth, resizedHeight, fromX, fromY, shownWidth, shownHeight);
    RgbImage cut =
        shownWidth == width && shownHeight == height
            ? shown
            : onGround(shown, fromX - left, fromY - top);
    return mirrored ? mirror(cut) : cut;
  }

  private RgbImage onGround(RgbImage shown, int atX, int atY) {
    byte[] samples = new byte[3 * width * height];
    Arrays.fill(samples, GROUND);
    for (int y = 0; y < shown.height(); y++) {
      System.arraycopy(
          shown.samples(),
          3 * y * shown.width(),
          samples,
          3 * ((atY + y) * width + atX),
          3 * shown.width());
    }
    return RgbImage.wrap(width, height, samples);
  }

  /**
   * Where a column of the picture lands.
   *
   * @param x distance from the picture's left edge in its own pixels; edges, not pixel centres
   * @return distance from the window's left edge in its pixels; outside [0, width] if cut off
   */
  public double mapX(double x) {
    double cut = x * resizedWidth / sourceWidth - left;
    return mirrored ? width - cut : cut;
  }

  /**
   * Where a row of the picture lands.
   *
   * @param y distance from the picture's top edge in its own pixels; edges, not pixel centres
   * @return distance from the window's top edge in its pixels; outside [0, height] if cut off
   */
  public double mapY(double y) {
    return y * resizedHeight / sourceHeight - top;
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
