package org.ttame.core.image;

import java.util.List;
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

  /** What the shorter side of an image is resized to before cropping: 256 for a side of 224. */
  public int resizeSide() {
    return (int) Math.round(side * 256.0 / 224.0);
  }
}
