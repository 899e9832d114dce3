package org.ttame.eval.statistics;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.ttame.core.Text;

/**
 * Percentile intervals by the bootstrap (Efron 1979): images are drawn with replacement, as many as
 * there are, again and again; of the means found so, 95 % lie in the interval.
 *
 * <p>A resample is a function of seed, its number and the number of images alone. Columns measured
 * on the same images are therefore resampled alike, and the difference of their resampled means is
 * the resampled mean of their differences, image by image: what pairs methods.
 *
 * @param resamples B, how often images are drawn
 * @param seed of all draws
 */
public record Bootstrap(int resamples, long seed) {
  /**
   * B unless told otherwise. Another seed then moves an end of the interval by 1.5 % of its width:
   * √(p(1−p)/B)/φ(z) for p = 2.5 % of normal means, as a standard deviation.
   */
  public static final int RESAMPLES = 2000;

  /** How much of the resampled means an interval holds. */
  public static final double LEVEL = 0.95;

  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;
  private static final long STREAM = 0xD1B54A32D192ED03L;

  public Bootstrap {
    if (resamples < 100) {
      throw new IllegalArgumentException(
          Text.format("An interval of 95 %% needs at least 100 resamples, got %d", resamples));
    }
  }

  /** {@link #RESAMPLES} resamples, always the same ones: results differ by what was measured. */
  public static Bootstrap standard() {
    return new Bootstrap(RESAMPLES, 42);
  }

  /**
   * The mean of values and its interval.
   *
   * @param values one of an image; NaN where there is none
   */
  public Interval mean(double[] values) {
    double[] present = Arrays.stream(values).filter(v -> !Double.isNaN(v)).toArray();
    return interval(present, resampledMeans(new double[][] {present})[0]);
  }

  /**
   * How much the mean of one column is above that of another over the images that both have.
   *
   * @param values one of an image
   * @param others one of the same images, in the same order
   */
  public Interval difference(double[] values, double[] others) {
    if (values.length != others.length) {
      throw new IllegalArgumentException(
          Text.format("Pairs need the same images, got %d and %d", values.length, others.length));
    }
    double[] differences = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      differences[i] = values[i] - others[i];
    }
    return mean(differences);
  }

  /**
   * The interval of resampled means.
   *
   * @param values what they are means of, without NaN
   * @param means B means, in any order
   */
  public Interval interval(double[] values, double[] means) {
    double mean = Arrays.stream(values).average().orElse(Double.NaN);
    if (values.length < 2) {
      return new Interval(mean, values.length, Double.NaN, Double.NaN);
    }
    double[] sorted = means.clone();
    Arrays.sort(sorted);
    double tail = (1 - LEVEL) / 2;
    return new Interval(mean, values.length, quantile(sorted, tail), quantile(sorted, 1 - tail));
  }

  /**
   * Means of resamples.
   *
   * @param columns values of the same n images, without NaN
   * @return for each column B means; of zeros where n is 0
   */
  public double[][] resampledMeans(double[][] columns) {
    int n = columns[0].length;
    double[][] means = new double[columns.length][resamples];
    // Each resample is a stream of its own, so threads change no bit.
    IntStream.range(0, n == 0 ? 0 : resamples)
        .parallel()
        .forEach(
            r -> {
              double[] times = times(r, n);
              for (int c = 0; c < columns.length; c++) {
                double sum = 0;
                for (int i = 0; i < n; i++) {
                  sum += times[i] * columns[c][i];
                }
                means[c][r] = sum / n;
              }
            });
    return means;
  }

  /** How often each of n images is in a resample. */
  private double[] times(int resample, int n) {
    long stream = seed * STREAM + (long) resample * n * GOLDEN_GAMMA;
    double[] times = new double[n];
    for (int i = 0; i < n; i++) {
      times[(int) (uniform(stream, i) * n)]++;
    }
    return times;
  }

  /** As {@code numpy.quantile}: between the two nearest, linearly. */
  private static double quantile(double[] sorted, double q) {
    double at = q * (sorted.length - 1);
    int below = (int) at;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
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
