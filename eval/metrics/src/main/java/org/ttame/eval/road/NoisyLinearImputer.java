package org.ttame.eval.road;

import java.util.SplittableRandom;
import org.ttame.core.Text;

/**
 * ROAD's noisy linear imputation: each removed pixel becomes the weighted mean of its eight
 * neighbours, 1/6 for those that share an edge and 1/12 for diagonal ones, renormalised where the
 * image ends; all removed pixels are solved for jointly, channel by channel. Then noise is added,
 * so that a classifier cannot tell the removed from the kept by their smoothness.
 *
 * <p>With a row for each removed pixel multiplied by the sum of its weights the system is (D − W)x
 * = b: symmetric and, as soon as one pixel is kept, positive definite. It is solved by {@link
 * ConjugateGradients}, preconditioned by a V-cycle of multigrid ({@link Multigrid}), until the
 * preconditioned residual, which estimates the error, is below {@value #TOLERANCE} everywhere, or,
 * where values are larger than {@value #USUAL}, that times the largest over {@value #USUAL}. The
 * result does not depend on threads.
 *
 * <p>If every pixel is removed there is nothing to go by: all become 0, the mean colour of
 * standardised images.
 */
public final class NoisyLinearImputer {
  /** Standard deviation of the noise, on standardised values. */
  public static final double NOISE = 0.01;

  private static final double TOLERANCE = 5e-6;

  /** Values up to which the tolerance is as stated; single precision has fewer digits beyond. */
  private static final float USUAL = 4;

  private final int height;
  private final int width;
  private final int channels;
  private final boolean[] removed;
  private final MaskedGrid grid;
  private final ConjugateGradients solver;

  /** How many pixels are not removed. */
  private final int kept;

  /** Of a channel, as the solver expects them. */
  private final float[][] values;

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
          Text.format(
              "A mask of %d×%d pixels has %d values, got %d; channels %d",
              height, width, height * width, removed.length, channels));
    }
    this.height = height;
    this.width = width;
    this.channels = channels;
    this.removed = removed.clone();
    int count = 0;
    for (boolean pixel : removed) {
      count += pixel ? 1 : 0;
    }
    kept = removed.length - count;
    boolean solvable = count > 0 && kept > 0;
    grid = solvable ? new MaskedGrid(height, width, removed) : null;
    solver = solvable ? new ConjugateGradients(grid) : null;
    values = solvable ? grid.rows() : null;
  }

  /**
   * Imputes without noise.
   *
   * @param image {@code [H, W, C]}, row by row, standardised; the removed pixels' values are not
   *     read
   * @return a copy with removed pixels replaced; off the exact solution by less than 1e-5, or,
   *     where values are larger than 4, as those of pixels from 0 to 255, by that times a quarter
   *     of the largest
   */
  public float[] impute(float[] image) {
    if (image.length != height * width * channels) {
      throw new IllegalArgumentException(
          Text.format(
              "An image of %d×%d×%d has %d values, got %d",
              height, width, channels, height * width * channels, image.length));
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
    float largest = 0;
    for (int y = 0; y < height; y++) {
      float[] row = values[y + 1];
      for (int x = 0; x < width; x++) {
        int pixel = y * width + x;
        row[x + 1] = removed[pixel] ? 0 : image[pixel * channels + channel];
        largest = Math.max(largest, Math.abs(row[x + 1]));
      }
    }
    float mean = (float) (sum() / kept);
    grid.each((y, from, to) -> RowLoops.addScaled(mean, grid.mask[y], values[y], from, to));
    iterations = solver.solve(values, TOLERANCE * Math.max(1, largest / USUAL));
    if (iterations < 0) {
      throw new IllegalStateException(
          Text.format(
              "The imputation of channel %d did not converge; are the image's values finite?",
              channel));
    }
    // What lies between are kept pixels, which have their own values.
    grid.each(
        (y, from, to) -> {
          int first = ((y - 1) * width - 1) * channels + channel;
          for (int k = from; k < to; k++) {
            result[first + k * channels] = values[y][k];
          }
        });
  }

  /** Of all values. */
  private double sum() {
    float[] columns = new float[width + 2];
    for (float[] row : values) {
      RowLoops.addScaled(1, row, columns, 1, width + 1);
    }
    double sum = 0;
    for (float column : columns) {
      sum += column;
    }
    return sum;
  }
}
