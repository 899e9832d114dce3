package org.ttame.core.image;

import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;

/**
 * What a classifier expects of an image.
 *
 * <p>An image x in [0,1] is standardised channel by channel, {@code (x − mean) / std}.
 *
 * @param side height and width in pixels
 * @param mean of the three channels, red first
 * @param std of the three channels, red first, positive
 */
public record InputSpec(int side, List<Double> mean, List<Double> std) {
  /** ImageNet's channel means, as torchvision uses them. */
  public static final List<Double> IMAGENET_MEAN = List.of(0.485, 0.456, 0.406);

  /** ImageNet's channel standard deviations, as torchvision uses them. */
  public static final List<Double> IMAGENET_STD = List.of(0.229, 0.224, 0.225);

  private static final int LOOKED_AT = 256;

  public InputSpec {
    mean = List.copyOf(mean);
    std = List.copyOf(std);
    if (side < 1) {
      throw new IllegalArgumentException("An image cannot have a side of " + side + " pixels");
    }
    if (mean.size() != 3 || std.size() != 3) {
      throw new IllegalArgumentException(
          Text.format(
              "Mean and std need three values each (red, green, blue), got %s and %s", mean, std));
    }
    for (double value : std) {
      if (!(value > 0)) {
        throw new IllegalArgumentException("Standard deviations must be positive, got " + std);
      }
    }
    for (double value : mean) {
      if (!Double.isFinite(value)) {
        throw new IllegalArgumentException("Means must be finite, got " + mean);
      }
    }
  }

  /**
   * ImageNet's standardisation.
   *
   * @param side height and width in pixels
   * @return the spec
   */
  public static InputSpec imageNet(int side) {
    return new InputSpec(side, IMAGENET_MEAN, IMAGENET_STD);
  }

  /**
   * Catches pixels in [0,1] where standardised ones are expected. Such a batch holds nothing but
   * whole 255ths. Standardised pixels do not, or are odd ones only (mean and std 0.5), so that no
   * batch of theirs is refused.
   *
   * @param images of any shape
   * @throws IllegalArgumentException if these are 8-bit pixels over 255
   */
  public void requireStandardised(INDArray images) {
    if (mean.stream().allMatch(m -> m == 0) && std.stream().allMatch(s -> s == 1)) {
      return;
    }
    // Some first: of standardised pixels one of them tells, zeros of a mask tell nothing.
    long stride = Math.max(1, images.length() / LOOKED_AT);
    if (!wholeLevels(images, stride) || !wholeLevels(images, 1)) {
      return;
    }
    boolean even = false;
    for (long i = 0; i < images.length() && !even; i++) {
      long level = Math.round(images.getDouble(i) * 255);
      even = level > 0 && level % 2 == 0;
    }
    if (even) {
      throw new IllegalArgumentException(
          Text.format(
              "These are pixels from 0 to 1 as they come out of a picture; the classifier takes standardised ones, (x - %s) / %s channel by channel",
              mean, std));
    }
  }

  private static boolean wholeLevels(INDArray images, long stride) {
    for (long i = 0; i < images.length(); i += stride) {
      double level = images.getDouble(i) * 255;
      if (!(Math.abs(level - Math.rint(level)) < 1e-4 && level > -1e-4 && level < 255 + 1e-4)) {
        return false;
      }
    }
    return true;
  }

  /** What the shorter side of an image is resized to before cropping: 256 for a side of 224. */
  public int resizeSide() {
    return (int) Math.round(side * 256.0 / 224.0);
  }
}
