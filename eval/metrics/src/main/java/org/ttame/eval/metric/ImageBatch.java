package org.ttame.eval.metric;

import java.util.Arrays;
import java.util.List;
import org.ttame.core.Text;
import org.ttame.core.image.RgbImage;

/**
 * Images to be explained and measured, in plain arrays.
 *
 * <p>Immutable by agreement: nobody writes to the arrays.
 */
public final class ImageBatch {
  private static final int RGB = 3;

  private final List<String> names;
  private final int height;
  private final int width;
  private final int channels;
  private final float[] unit;
  private final List<List<Box>> boxes;

  /**
   * A batch of images with known objects.
   *
   * @param names B names; they identify images in records and seed random maps, so they should not
   *     repeat within an image set
   * @param height H in pixels
   * @param width W in pixels
   * @param channels C
   * @param unit B·H·W·C values in [0,1], layout [B, H, W, C], red first; not copied
   * @param boxes for each image its objects; an empty list where none are known
   * @throws IllegalArgumentException if the sizes do not agree
   */
  public ImageBatch(
      List<String> names,
      int height,
      int width,
      int channels,
      float[] unit,
      List<List<Box>> boxes) {
    this.names = List.copyOf(names);
    this.height = height;
    this.width = width;
    this.channels = channels;
    this.unit = unit;
    this.boxes = boxes.stream().map(List::copyOf).toList();
    if (names.isEmpty()) {
      throw new IllegalArgumentException("A batch needs at least one image");
    }
    int values = names.size() * length();
    if (unit.length != values) {
      throw new IllegalArgumentException(
          Text.format(
              "%d images of %d×%d pixels in %d channels have %d values, got %d",
              names.size(), height, width, channels, values, unit.length));
    }
    if (boxes.size() != names.size()) {
      throw new IllegalArgumentException(
          Text.format(
              "Expected a list of boxes for each of %d images, got %d",
              names.size(), boxes.size()));
    }
  }

  /** A batch of square RGB images with known objects. */
  public ImageBatch(List<String> names, int side, float[] unit, List<List<Box>> boxes) {
    this(names, side, side, RGB, unit, boxes);
  }

  /** A batch of square RGB images without known objects. */
  public static ImageBatch of(List<String> names, int side, float[] unit) {
    return new ImageBatch(names, side, unit, unknown(names));
  }

  private static List<List<Box>> unknown(List<String> names) {
    return names.stream().map(n -> List.<Box>of()).toList();
  }

  /**
   * Some of the images.
   *
   * @param members their places, one or more
   * @return a batch of them; this one where all are meant
   */
  public ImageBatch some(List<Integer> members) {
    if (members.size() == size()) {
      return this;
    }
    float[] values = new float[members.size() * length()];
    for (int i = 0; i < members.size(); i++) {
      System.arraycopy(unit, members.get(i) * length(), values, i * length(), length());
    }
    return new ImageBatch(
        members.stream().map(names::get).toList(),
        height,
        width,
        channels,
        values,
        members.stream().map(boxes::get).toList());
  }

  /** B. */
  public int size() {
    return names.size();
  }

  /** H. */
  public int height() {
    return height;
  }

  /** W. */
  public int width() {
    return width;
  }

  /** C. */
  public int channels() {
    return channels;
  }

  /** H·W. */
  public int pixels() {
    return height * width;
  }

  /** H·W·C, the values of an image. */
  public int length() {
    return height * width * channels;
  }

  /** {@code [B, H, W, C]}. */
  public long[] shape() {
    return new long[] {size(), height, width, channels};
  }

  /**
   * By which whole factor the images have to be enlarged to be looked at.
   *
   * @param readable pixels that the longer side should have at least
   * @return 1 or more
   */
  public int factor(int readable) {
    int longer = Math.max(height, width);
    return (readable + longer - 1) / longer;
  }

  /** One image to be looked at, at its size in the batch. */
  public RgbImage picture(int image) {
    return RgbImage.of(rgb(image), width, height);
  }

  /** The images' names. */
  public List<String> names() {
    return names;
  }

  /** All values, [B, H, W, C] in [0,1]; not a copy. */
  public float[] unit() {
    return unit;
  }

  /** The objects known in an image. */
  public List<Box> boxes(int image) {
    return boxes.get(image);
  }

  /** A copy of one image's values, [H, W, C] in [0,1]. */
  public float[] image(int image) {
    return Arrays.copyOfRange(unit, image * length(), (image + 1) * length());
  }

  /**
   * One image to be looked at, [H, W, 3] in [0,1]: of other than three channels their mean, grey.
   */
  public float[] rgb(int image) {
    float[] values = image(image);
    if (channels == RGB) {
      return values;
    }
    float[] grey = new float[pixels() * RGB];
    for (int p = 0; p < pixels(); p++) {
      float sum = 0;
      for (int c = 0; c < channels; c++) {
        sum += values[p * channels + c];
      }
      Arrays.fill(grey, p * RGB, (p + 1) * RGB, sum / channels);
    }
    return grey;
  }
}
