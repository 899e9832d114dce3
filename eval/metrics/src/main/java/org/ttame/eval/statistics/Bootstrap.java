package org.ttame.eval.statistics;

import java.util.Arrays;
import java.util.concurrent.ForkJoinPool;
import java.util.stream.IntStream;
import org.ttame.core.SplitMix;
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

  /** Resamples that a thread draws before it goes through the values. */
  private static final int TOGETHER = 8;

  /** How many bytes the draws of all threads take, if there are that many images or fewer. */
  private static final long DRAWS = 32 << 20;

  /**
   * Images gone through at once: of some ten columns their values stay in the processor's cache.
   */
  private static final int BLOCK = 1024;

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
    return interval(Arrays.stream(values).average().orElse(Double.NaN), values.length, means);
  }

  /**
   * The interval of resampled means.
   *
   * @param mean of the values themselves
   * @param n how many values there are
   * @param means B means, in any order
   */
  public Interval interval(double mean, int n, double[] means) {
    if (n < 2) {
      return new Interval(mean, n, Double.NaN, Double.NaN);
    }
    double[] sorted = means.clone();
    Arrays.sort(sorted);
    double tail = (1 - LEVEL) / 2;
    return new Interval(mean, n, quantile(sorted, tail), quantile(sorted, 1 - tail));
  }

  /**
   * Means of resamples. Drawing takes as long as five or ten columns do: give all that there are.
   *
   * @param columns values of the same n images, without NaN
   * @return for each column B means; of zeros where n is 0
   */
  public double[][] resampledMeans(double[][] columns) {
    int n = columns[0].length;
    double[][] means = new double[columns.length][resamples];
    if (n == 0) {
      return means;
    }
    int threads = ForkJoinPool.getCommonPoolParallelism() + 1;
    int together = (int) Math.max(1, Math.min(TOGETHER, DRAWS / ((long) n * threads)));
    // Each resample is a stream of its own and each sum adds in the images' order, so neither
    // threads nor groups nor blocks change a bit.
    IntStream.range(0, (resamples + together - 1) / together)
        .parallel()
        .map(group -> group * together)
        .forEach(r -> resample(columns, r, Math.min(r + together, resamples), means));
    return means;
  }

  private void resample(double[][] columns, int first, int end, double[][] means) {
    int n = columns[0].length;
    byte[][] times = new byte[end - first][];
    for (int r = first; r < end; r++) {
      times[r - first] = times(r, n);
    }
    for (int from = 0; from < n; from += BLOCK) {
      int to = Math.min(from + BLOCK, n);
      for (int r = first; r < end; r++) {
        add(times[r - first], columns, from, to, means, r);
      }
    }
    for (double[] column : means) {
      for (int r = first; r < end; r++) {
        column[r] /= n;
      }
    }
  }

  /** Adds a block of images to a resample's sums: four at a time, as a sum waits for itself. */
  private static void add(
      byte[] times, double[][] columns, int from, int to, double[][] sums, int r) {
    int c = 0;
    for (; c + 4 <= columns.length; c += 4) {
      double[] values0 = columns[c];
      double[] values1 = columns[c + 1];
      double[] values2 = columns[c + 2];
      double[] values3 = columns[c + 3];
      double sum0 = sums[c][r];
      double sum1 = sums[c + 1][r];
      double sum2 = sums[c + 2][r];
      double sum3 = sums[c + 3][r];
      for (int i = from; i < to; i++) {
        double drawn = times[i] & 0xFF;
        sum0 += drawn * values0[i];
        sum1 += drawn * values1[i];
        sum2 += drawn * values2[i];
        sum3 += drawn * values3[i];
      }
      sums[c][r] = sum0;
      sums[c + 1][r] = sum1;
      sums[c + 2][r] = sum2;
      sums[c + 3][r] = sum3;
    }
    for (; c < columns.length; c++) {
      double[] values = columns[c];
      double sum = sums[c][r];
      for (int i = from; i < to; i++) {
        sum += (times[i] & 0xFF) * values[i];
      }
      sums[c][r] = sum;
    }
  }

  /**
   * How often each of n images is in a resample, without sign. Bytes, as these are written in any
   * order and have to fit into the processor's cache; that one of n images is drawn 256 times has a
   * probability below n/256!, which is 0 here.
   */
  private byte[] times(int resample, int n) {
    long first = (long) resample * n;
    byte[] times = new byte[n];
    for (int i = 0; i < n; i++) {
      times[(int) (SplitMix.uniform(seed, first + i) * n)]++;
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
}
