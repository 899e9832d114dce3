package org.ttame.eval.metric;

import java.util.List;
import org.ttame.core.Text;

/**
 * Images to be explained and measured, in plain arrays.
 *
 * <p>Immutable by agreement: nobody writes to the arrays.
 */
public final class ImageBatch {
  private final List<String> names;
  private final int side;
  private final float[] unit;
  private final List<List<Box>> boxes;

  /**
   * A batch of images with known objects.
   *
   * @param names B names; they identify images in records and seed random maps, so they should not
   *     repeat within an image set
   * @param side S, height and width in pixels
   * @param unit B·S·S·3 values in [0,1], layout [B, S, S, 3], red first; not copied
   * @param boxes for each image its objects; an empty list where none are known
   * @throws IllegalArgumentException if the sizes do not agree
   */
  public ImageBatch(List<String> names, int side, float[] unit, List<List<Box>> boxes) {
    this.names = List.copyOf(names);
    this.side = side;
    this.unit = unit;
    this.boxes = boxes.stream().map(List::copyOf).toList();
    if (names.isEmpty()) {
      throw new IllegalArgumentException("A batch needs at least one image");
    }
    if (unit.length != names.size() * side * side * 3) {
      throw new IllegalArgumentException(
          Text.format(
              "%d images of %d×%d pixels have %d values, got %d",
              names.size(), side, side, names.size() * side * side * 3, unit.length));
    }
    if (boxes.size() != names.size()) {
      throw new IllegalArgumentException(
          Text.format(
              "Expected a list of boxes for each of %d images, got %d",
              names.size(), boxes.size()));
    }
  }

  /**
   * A batch of images without known objects.
   *
   * @param names B names
   * @param side S, height and width in pixels
   * @param unit B·S·S·3 values in [0,1], layout [B, S, S, 3], red first; not copied
   * @return the batch
   */
  public static ImageBatch of(List<String> names, int side, float[] unit) {
    return new ImageBatch(names, side, unit, names.stream().map(n -> List.<Box>of()).toList());
  }

  /** B. */
  public int size() {
    return names.size();
  }

  /** S. */
  public int side() {
    return side;
  }

  /** The images' names. */
  public List<String> names() {
    return names;
  }

  /** All values, [B, S, S, 3] in [0,1]; not a copy. */
  public float[] unit() {
    return unit;
  }

  /** The objects known in an image. */
  public List<Box> boxes(int image) {
    return boxes.get(image);
  }

  /** A copy of one image's values, [S, S, 3] in [0,1]. */
  public float[] image(int image) {
    int length = side * side * 3;
    return java.util.Arrays.copyOfRange(unit, image * length, (image + 1) * length);
  }
}
