package org.ttame.eval.road;

import java.util.SplittableRandom;

/**
 * ROAD's noisy linear imputation: each removed pixel becomes the weighted mean of its eight
 * neighbours, 1/6 for those that share an edge and 1/12 for diagonal ones, renormalised where the
 * image ends; all removed pixels are solved for jointly, channel by channel. Then noise is added,
 * so that a classifier cannot tell the removed from the kept by their smoothness.
 *
 * <p>With a row for each removed pixel multiplied by the sum of its weights the system is (D − W)x
 * = b: symmetric and, as soon as one pixel is kept, positive definite. It is solved by conjugate
 * gradients in double precision, preconditioned by a V-cycle of multigrid ({@link Multigrid}),
 * until the preconditioned residual, which estimates the error, is below {@value #TOLERANCE}
 * everywhere. The result does not depend on threads.
 *
 * <p>If every pixel is removed there is nothing to go by: all become 0, the mean colour of
 * standardised images.
 */
public final class NoisyLinearImputer {
  /** Standard deviation of the noise, on standardised values. */
  public static final double NOISE = 0.01;

  /** Twelve times the weights: whole numbers, which floats hold exactly. */
  private static final int EDGE = 2;

  private static final int DIAGONAL = 1;
  private static final double TOLERANCE = 1e-6;

  /** What the worst masks need is about 30. */
  private static final int MOST_ITERATIONS = 500;

  private final int height;
  private final int width;
  private final int channels;
  private final boolean[] removed;
  private final GridLevel grid;
  private final Multigrid multigrid;
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
    grid = solvable ? operator() : null;
    multigrid = solvable ? new Multigrid(grid) : null;
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
      if (multigrid != null) {
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

  private GridLevel operator() {
    GridLevel level = new GridLevel(height, width);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        if (!isRemoved(y, x)) {
          continue;
        }
        int i = level.at(y, x);
        level.centre[i] = weights(y, x);
        level.right[i] = joined(y, x + 1, EDGE);
        level.belowLeft[i] = joined(y + 1, x - 1, DIAGONAL);
        level.below[i] = joined(y + 1, x, EDGE);
        level.belowRight[i] = joined(y + 1, x + 1, DIAGONAL);
      }
    }
    level.invert();
    return level;
  }

  private boolean isInside(int y, int x) {
    return y >= 0 && y < height && x >= 0 && x < width;
  }

  private boolean isRemoved(int y, int x) {
    return removed[y * width + x];
  }

  private float joined(int y, int x, int weight) {
    return isInside(y, x) && isRemoved(y, x) ? (float) -weight : 0;
  }

  /** The sum of a pixel's weights: 12 but at the border. */
  private int weights(int y, int x) {
    int sum = 0;
    for (int dy = -1; dy <= 1; dy++) {
      for (int dx = -1; dx <= 1; dx++) {
        sum += isInside(y + dy, x + dx) ? weight(dy, dx) : 0;
      }
    }
    return sum;
  }

  private static int weight(int dy, int dx) {
    int steps = Math.abs(dy) + Math.abs(dx);
    return steps == 0 ? 0 : steps == 1 ? EDGE : DIAGONAL;
  }

  /** What the kept neighbours contribute. */
  private double[] right(float[] image, int channel) {
    double[] b = new double[grid.centre.length];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        if (!isRemoved(y, x)) {
          continue;
        }
        double sum = 0;
        for (int dy = -1; dy <= 1; dy++) {
          for (int dx = -1; dx <= 1; dx++) {
            if (isInside(y + dy, x + dx) && !isRemoved(y + dy, x + dx)) {
              sum += weight(dy, dx) * image[((y + dy) * width + x + dx) * channels + channel];
            }
          }
        }
        b[grid.at(y, x)] = sum;
      }
    }
    return b;
  }

  private void solve(float[] image, int channel, float[] result) {
    double[] r = right(image, channel);
    double[] x = new double[r.length];
    double[] p = new double[r.length];
    double[] q = new double[r.length];
    double before = 1;
    for (iterations = 0; iterations < MOST_ITERATIONS; iterations++) {
      float[] b = multigrid.right();
      for (int i = 0; i < r.length; i++) {
        b[i] = (float) r[i];
      }
      float[] z = multigrid.cycle();
      if (largest(z) < TOLERANCE) {
        for (int i = 0; i < x.length; i++) {
          x[i] += z[i];
        }
        break;
      }
      double now = dot(r, z);
      double beta = iterations == 0 ? 0 : now / before;
      before = now;
      if (!Double.isFinite(now)) {
        break;
      }
      for (int i = 0; i < p.length; i++) {
        p[i] = z[i] + beta * p[i];
      }
      grid.apply(p, q);
      double alpha = now / dot(p, q);
      for (int i = 0; i < x.length; i++) {
        x[i] += alpha * p[i];
        r[i] -= alpha * q[i];
      }
    }
    if (iterations == MOST_ITERATIONS || !Double.isFinite(before)) {
      throw new IllegalStateException(
          "The imputation of channel %d did not converge; are the image's values finite?"
              .formatted(channel));
    }
    for (int y = 0; y < height; y++) {
      for (int at = 0; at < width; at++) {
        if (isRemoved(y, at)) {
          result[(y * width + at) * channels + channel] = (float) x[grid.at(y, at)];
        }
      }
    }
  }

  private static float largest(float[] values) {
    float most = 0;
    for (float value : values) {
      most = Math.max(most, Math.abs(value));
    }
    return most;
  }

  private static double dot(double[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }
}
