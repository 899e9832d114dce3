package org.ttame.core.image;

import java.util.Arrays;
import java.util.Objects;
import org.ttame.core.Text;

/**
 * Bilinear resizing with antialiasing, equal to Pillow's {@code Image.resize(size, BILINEAR)} on
 * 8-bit pictures.
 *
 * <p>Each output sample is a weighted mean of input samples under a triangle whose half width is
 * max(1, input/output) pixels, centred at (i + ½)·input/output, in one pass along the rows and one
 * along the columns. As in Pillow, weights are rounded to 22 binary places and the samples between
 * the passes to 8 bits, so results are equal to the bit and not only close.
 *
 * <p>Output pixels do not depend on each other, so a crop of the resized picture is computed
 * without computing the rest: a strip of 1×100,000 pixels, which resized to a shorter side of 256
 * would be 25.6 million pixels high, costs no more than its crop.
 */
public final class PillowResize {
  /**
   * Binary places of a weight: products of 8-bit samples with a sum of weights of 1 fit 32 bits.
   */
  private static final int PLACES = 32 - 8 - 2;

  private static final int HALF = 1 << (PLACES - 1);

  private PillowResize() {}

  /**
   * Resizes a picture.
   *
   * @param width pixels across, at least 1
   * @param height pixels down, at least 1
   * @return a new picture
   */
  public static RgbImage resize(RgbImage image, int width, int height) {
    return resize(image, width, height, 0, 0, width, height);
  }

  /**
   * Resizes a picture and keeps only a rectangle of the result.
   *
   * @param width pixels across of the whole result, at least 1
   * @param height pixels down of the whole result, at least 1
   * @param left first column kept
   * @param top first row kept
   * @param cropWidth columns kept
   * @param cropHeight rows kept
   * @return a new picture of cropWidth×cropHeight pixels
   * @throws IndexOutOfBoundsException if the rectangle does not lie in the result
   */
  public static RgbImage resize(
      RgbImage image, int width, int height, int left, int top, int cropWidth, int cropHeight) {
    if (width < 1 || height < 1 || cropWidth < 1 || cropHeight < 1) {
      throw new IllegalArgumentException(
          Text.format(
              "Cannot resize to %d×%d pixels and crop to %d×%d",
              width, height, cropWidth, cropHeight));
    }
    Objects.checkFromIndexSize(left, cropWidth, width);
    Objects.checkFromIndexSize(top, cropHeight, height);
    Taps across = new Taps(image.width(), width, left, cropWidth);
    Taps down = new Taps(image.height(), height, top, cropHeight);
    int firstRow = down.start[0];
    int rows = down.start[cropHeight - 1] + down.count[cropHeight - 1] - firstRow;
    if (3L * cropWidth * Math.max(rows, cropHeight) > Integer.MAX_VALUE - 64) {
      throw new IllegalArgumentException(
          Text.format(
              "A picture of %d×%d pixels is too large to hold",
              cropWidth, Math.max(rows, cropHeight)));
    }
    byte[] between = new byte[3 * cropWidth * rows];
    for (int row = 0; row < rows; row++) {
      alongRow(
          image.samples(),
          3 * image.width() * (firstRow + row),
          across,
          between,
          3 * cropWidth * row);
    }
    byte[] result = new byte[3 * cropWidth * cropHeight];
    int[] sums = new int[3 * cropWidth];
    for (int row = 0; row < cropHeight; row++) {
      downColumns(between, firstRow, down, row, sums, result);
    }
    return RgbImage.wrap(cropWidth, cropHeight, result);
  }

  private static void alongRow(byte[] in, int inAt, Taps taps, byte[] out, int outAt) {
    int[] weights = taps.weights;
    for (int x = 0; x < taps.start.length; x++) {
      int red = HALF;
      int green = HALF;
      int blue = HALF;
      int at = inAt + 3 * taps.start[x];
      int w = x * taps.stride;
      for (int last = w + taps.count[x]; w < last; w++, at += 3) {
        int weight = weights[w];
        red += (in[at] & 0xFF) * weight;
        green += (in[at + 1] & 0xFF) * weight;
        blue += (in[at + 2] & 0xFF) * weight;
      }
      out[outAt++] = clip(red);
      out[outAt++] = clip(green);
      out[outAt++] = clip(blue);
    }
  }

  private static void downColumns(
      byte[] in, int firstRow, Taps taps, int row, int[] sums, byte[] out) {
    int length = sums.length;
    Arrays.fill(sums, HALF);
    for (int k = 0; k < taps.count[row]; k++) {
      int weight = taps.weights[row * taps.stride + k];
      int at = (taps.start[row] - firstRow + k) * length;
      for (int i = 0; i < length; i++) {
        sums[i] += (in[at + i] & 0xFF) * weight;
      }
    }
    int at = row * length;
    for (int i = 0; i < length; i++) {
      out[at + i] = clip(sums[i]);
    }
  }

  /** Weights are not negative and sum to 1 but for rounding: the sum can only be too large. */
  private static byte clip(int sum) {
    return (byte) Math.min(255, sum >> PLACES);
  }

  /** For each output position of one axis, the input positions it reads and their weights. */
  private static final class Taps {
    final int[] start;
    final int[] count;
    final int[] weights;
    final int stride;

    /**
     * The taps of so many output positions from {@code first} on, of {@code out} for {@code in}
     * input positions.
     */
    Taps(int in, int out, int first, int wanted) {
      double scale = (double) in / out;
      double support = Math.max(1, scale);
      double inverse = 1 / support;
      stride = (int) Math.ceil(support) * 2 + 1;
      start = new int[wanted];
      count = new int[wanted];
      weights = new int[Math.multiplyExact(stride, wanted)];
      double[] exact = new double[stride];
      for (int i = 0; i < wanted; i++) {
        double centre = (first + i + 0.5) * scale;
        int from = Math.max(0, (int) (centre - support + 0.5));
        int until = Math.min(in, (int) (centre + support + 0.5));
        double sum = 0;
        for (int k = 0; k < until - from; k++) {
          exact[k] = Math.max(0, 1 - Math.abs((k + from - centre + 0.5) * inverse));
          sum += exact[k];
        }
        start[i] = from;
        count[i] = until - from;
        for (int k = 0; k < until - from; k++) {
          weights[i * stride + k] = (int) (0.5 + exact[k] / sum * (1 << PLACES));
        }
      }
    }
  }
}
