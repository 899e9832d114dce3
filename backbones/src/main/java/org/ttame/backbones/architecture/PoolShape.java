package org.ttame.backbones.architecture;

import org.ttame.core.Text;

/**
 * A square max pooling; padding counts as −∞.
 *
 * @param kernel height and width of the window
 * @param stride step
 * @param padding on each side
 */
public record PoolShape(int kernel, int stride, int padding) {
  public PoolShape {
    Checks.positive("window", kernel);
    Checks.positive("stride", stride);
    if (padding < 0 || padding >= kernel) {
      throw new IllegalArgumentException(
          Text.format("A %d×%d window cannot be padded by %d", kernel, kernel, padding));
    }
  }

  /**
   * Height and width after it.
   *
   * @param side height and width before it
   */
  public int apply(int side) {
    int result = (side + 2 * padding - kernel) / stride + 1;
    if (side + 2 * padding < kernel || result < 1) {
      throw new IllegalArgumentException(
          Text.format("A %d×%d window does not fit on a map of %d×%d", kernel, kernel, side, side));
    }
    return result;
  }
}
