package org.ttame.eval.road;

import java.util.Arrays;
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

  private static final double TOLERANCE = 2e-6;

  /** How much of the error a round in single precision is to leave. */
  private static final double ROUND = 7e-4;

  /** Iterations and rounds; the worst masks need about 20 and 3. */
  private static final int MOST = 300;

  private final int height;
  private final int width;
  private final int channels;
  private final boolean[] removed;
  private final MaskedGrid grid;
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
    grid = solvable ? new MaskedGrid(height, width, removed) : null;
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

  private void solve(float[] image, int channel, float[] result) {
    double[] b = right(image, channel);
    double[] x = new double[b.length];
    float[] r = grid.array();
    float[] e = grid.array();
    float[] p = grid.array();
    float[] q = grid.array();
    iterations = 0;
    boolean good = false;
    while (!good && iterations < MOST) {
      grid.residual(b, x, r);
      good = correct(r, e, p, q);
      for (int i = 0; i < x.length; i++) {
        x[i] += e[i];
      }
    }
    if (!good) {
      throw new IllegalStateException(
          "The imputation of channel %d did not converge; are the image's values finite?"
              .formatted(channel));
    }
    for (int y = 0; y < height; y++) {
      for (int at = 0; at < width; at++) {
        int pixel = y * width + at;
        if (removed[pixel]) {
          result[pixel * channels + channel] = (float) x[grid.at(y, at)];
        }
      }
    }
  }

  /** What the kept neighbours contribute. */
  private double[] right(float[] image, int channel) {
    double[] kept = new double[grid.centre.length];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int pixel = y * width + x;
        kept[grid.at(y, x)] = removed[pixel] ? 0 : image[pixel * channels + channel];
      }
    }
    double[] b = new double[kept.length];
    grid.contributions(kept, b);
    return b;
  }

  /**
   * A round of conjugate gradients.
   *
   * @param r the residual; overwritten
   * @param e receives the correction
   * @param p scratch
   * @param q scratch
   * @return whether the error left is below the tolerance
   */
  private boolean correct(float[] r, float[] e, float[] p, float[] q) {
    Arrays.fill(e, 0);
    Arrays.fill(p, 0);
    double before = 1;
    double goal = 0;
    for (int round = 0; iterations < MOST; round++, iterations++) {
      float[] z = multigrid.cycle(r);
      double error = largest(z);
      if (!Double.isFinite(error)) {
        iterations = MOST;
        return false;
      }
      goal = round == 0 ? Math.max(TOLERANCE, ROUND * error) : goal;
      if (error < goal) {
        add(1, z, e);
        return error < TOLERANCE;
      }
      double now = dot(r, z);
      float beta = round == 0 ? 0 : (float) (now / before);
      before = now;
      for (int i = 0; i < p.length; i++) {
        p[i] = z[i] + beta * p[i];
      }
      grid.apply(p, q);
      float alpha = (float) (now / dot(p, q));
      add(alpha, p, e);
      add(-alpha, q, r);
    }
    return false;
  }

  private static void add(float factor, float[] from, float[] to) {
    for (int i = 0; i < to.length; i++) {
      to[i] += factor * from[i];
    }
  }

  /** Not a number if a value is. */
  private static double largest(float[] values) {
    float a = 0;
    float b = 0;
    float c = 0;
    float d = 0;
    int i = 0;
    for (; i + 3 < values.length; i += 4) {
      a = Math.max(a, Math.abs(values[i]));
      b = Math.max(b, Math.abs(values[i + 1]));
      c = Math.max(c, Math.abs(values[i + 2]));
      d = Math.max(d, Math.abs(values[i + 3]));
    }
    for (; i < values.length; i++) {
      a = Math.max(a, Math.abs(values[i]));
    }
    return Math.max(Math.max(a, b), Math.max(c, d));
  }

  /** Four sums side by side, which the processor can add at once. */
  private static double dot(float[] x, float[] y) {
    double a = 0;
    double b = 0;
    double c = 0;
    double d = 0;
    int i = 0;
    for (; i + 3 < x.length; i += 4) {
      a += x[i] * y[i];
      b += x[i + 1] * y[i + 1];
      c += x[i + 2] * y[i + 2];
      d += x[i + 3] * y[i + 3];
    }
    for (; i < x.length; i++) {
      a += x[i] * y[i];
    }
    return a + b + c + d;
  }
}
