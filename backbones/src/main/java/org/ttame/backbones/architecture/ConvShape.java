package org.ttame.backbones.architecture;

import org.ttame.core.Text;

/**
 * A square convolution with bias.
 *
 * @param in input channels
 * @param out output channels
 * @param kernel height and width of the kernel
 * @param stride step
 * @param padding zeros on each side
 */
public record ConvShape(int in, int out, int kernel, int stride, int padding) {
  public ConvShape {
    Checks.positive("number of input channels", in);
    Checks.positive("number of output channels", out);
    Checks.positive("kernel", kernel);
    Checks.positive("stride", stride);
    if (padding < 0 || padding >= kernel) {
      throw new IllegalArgumentException(
          Text.format("A %d×%d kernel cannot be padded by %d", kernel, kernel, padding));
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
          Text.format("A %d×%d kernel does not fit on a map of %d×%d", kernel, kernel, side, side));
    }
    return result;
  }

  /** Number of weights, without bias. */
  public long weights() {
    return (long) in * out * kernel * kernel;
  }
}
