package org.ttame.eval.road;

import java.util.SplittableRandom;

/**
 * ROAD's noisy linear imputation: each removed pixel becomes the weighted mean of its eight
 * neighbours, 1/6 for those that share an edge and 1/12 for diagonal ones, renormalised where the
 * image ends; all removed pixels are solved for jointly, channel by channel. Then noise is added,
 * so that a classifier cannot tell the removed from the kept by their smoothness.
 *
 * <p>With a row for each removed pixel multiplied by the sum of its weights the system is (D − W)x
 * = b: symmetric and, as soon as one pixel is kept, positive definite. It is solved by {@link
 * ConjugateGradients}, preconditioned by a V-cycle of multigrid ({@link Multigrid}), until the
 * preconditioned residual, which estimates the error, is below {@value #TOLERANCE} everywhere. The
 * result does not depend on threads.
 *
 * <p>If every pixel is removed there is nothing to go by: all become 0, the mean colour of
 * standardised images.
 */
public final class NoisyLinearImputer {
  /** Standard deviation of the noise, on standardised values. */
  public static final double NOISE = 0.01;

  private static final double TOLERANCE = 2e-6;

  private final int height;
  private final int width;
  private final int channels;
  private final boolean[] removed;
  private final MaskedGrid grid;
  private final ConjugateGradients solver;
  private int iterations;

  /**
   * Prepares for a mask.
   *
   * @param height H
   * @param width W
   * @param channels C
   * @param removed H·W, row by row; copied
   */
  public NoisyLinearImputer(int height, int width, int channels, boolean[] removed) {
    if (height < 1 || width < 1 || channels < 1 || removed.length != height * width) {
      throw new IllegalArgumentException(
          "A mask of %d×%d pixels has %d values, got %d; channels %d"
              .formatted(height, width, height * width, removed.length, channels));
    }
    this.height = height;
    this.width = width;
    this.channels = channels;
    this.removed = removed.clone();
    int count = 0;
    for (boolean pixel : removed) {
      count += pixel ? 1 : 0;
    }
    boolean solvable = count > 0 && count < removed.length;
    grid = solvable ? new MaskedGrid(height, width, removed) : null;
    solver = solvable ? new ConjugateGradients(grid) : null;
  }

  /**
   * Imputes without noise.
   *
   * @param image {@code [H, W, C]}, row by row, standardised; the removed pixels' values are not
   *     read
   * @return a copy with removed pixels replaced; off the exact solution by less than 1e-5
   */
  public float[] impute(float[] image) {
    if (image.length != height * width * channels) {
      throw new IllegalArgumentException(
          "An image of %d×%d×%d has %d values, got %d"
              .formatted(height, width, channels, height * width * channels, image.length));
    }
    float[] result = image.clone();
    for (int channel = 0; channel < channels; channel++) {
      if (solver != null) {
        solve(image, channel, result);
      } else {
        for (int i = 0; i < removed.length; i++) {
          if (removed[i]) {
            result[i * channels + channel] = 0;
          }
        }
      }
    }
    return result;
  }

  /**
   * Adds noise to the removed pixels.
   *
   * @param image as of {@link #impute}; changed
   * @param seed of the noise: the same seed, the same noise
   */
  public void addNoise(float[] image, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < removed.length; i++) {
      for (int channel = 0; removed[i] && channel < channels; channel++) {
        image[i * channels + channel] += (float) (NOISE * random.nextGaussian());
      }
    }
  }

  /** How many iterations the last channel took. */
  int iterations() {
    return iterations;
  }

  private void solve(float[] image, int channel, float[] result) {
    float[][] values = grid.rows();
    double sum = 0;
    int kept = 0;
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int pixel = y * width + x;
        if (!removed[pixel]) {
          float value = image[pixel * channels + channel];
          values[y + 1][x + 1] = value;
          sum += value;
          kept++;
        }
      }
    }
    float mean = (float) (sum / kept);
    grid.each(
        (y, from, to) -> {
          for (int k = from; k < to; k++) {
            values[y][k] = removed[(y - 1) * width + k - 1] ? mean : values[y][k];
          }
        });
    iterations = solver.solve(values, TOLERANCE);
    if (iterations < 0) {
      throw new IllegalStateException(
          "The imputation of channel %d did not converge; are the image's values finite?"
              .formatted(channel));
    }
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int pixel = y * width + x;
        if (removed[pixel]) {
          result[pixel * channels + channel] = values[y + 1][x + 1];
        }
      }
    }
  }
}
