package org.ttame.eval.explain;

import org.ttame.core.Text;
import org.ttame.core.image.InputSpec;

/**
 * RISE's random masks (Petsiuk et al. 2018): a coarse grid of zeros and ones, upsampled bilinearly
 * to one cell more than the image, and cut to its size at a random place within a cell.
 *
 * <p>A mask is a function of seed and number alone, so none has to be kept, and any image can be
 * given the same ones.
 *
 * @param height H of the image
 * @param width W of the image
 * @param cells how many cells the image is high and wide
 * @param probability of a one
 * @param seed of all masks
 */
public record RiseMasks(int height, int width, int cells, double probability, long seed) {
  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;
  private static final long STREAM = 0xD1B54A32D192ED03L;

  public RiseMasks {
    if (cells < 1 || cells > height || cells > width) {
      throw new IllegalArgumentException(
          Text.format(
              "A mask of %d×%d pixels cannot have %d×%d cells", height, width, cells, cells));
    }
    if (!(probability > 0 && probability < 1)) {
      throw new IllegalArgumentException(
          "A mask needs a probability between 0 and 1, got " + probability);
    }
  }

  /** Masks for a classifier's images. */
  static RiseMasks of(InputSpec image, int cells, double probability, long seed) {
    return new RiseMasks(image.height(), image.width(), cells, probability, seed);
  }

  /** Pixels a cell: ⌈length/cells⌉. */
  static int cell(int length, int cells) {
    return (length + cells - 1) / cells;
  }

  /**
   * A mask.
   *
   * @param number which, 0 or more
   * @param out receives H·W values in [0,1], row by row
   * @param from where in it they begin
   */
  public void fill(long number, float[] out, int from) {
    long stream = seed * STREAM + number * ((long) cells * cells + 2) * GOLDEN_GAMMA;
    float[] grid = new float[cells * cells];
    for (int i = 0; i < grid.length; i++) {
      grid[i] = uniform(stream, i) < probability ? 1 : 0;
    }
    int top = (int) (uniform(stream, grid.length) * cell(height, cells));
    int left = (int) (uniform(stream, grid.length + 1) * cell(width, cells));
    new BilinearPlane(cells, cells, places(top, height), places(left, width))
        .read(grid, 0, out, from);
  }

  /** Half-pixel centres of an image that is cut out of the large mask, in cells. */
  private double[] places(int first, int length) {
    double[] places = new double[length];
    int large = (cells + 1) * cell(length, cells);
    for (int i = 0; i < length; i++) {
      places[i] = (i + first + 0.5) * cells / large - 0.5;
    }
    return places;
  }

  /** Element i of a stream, in [0, 1) with 53 bits: SplitMix64. */
  private static double uniform(long stream, int i) {
    long z = stream + (i + 1) * GOLDEN_GAMMA;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    z ^= z >>> 31;
    return (z >>> 11) * 0x1p-53;
  }
}
