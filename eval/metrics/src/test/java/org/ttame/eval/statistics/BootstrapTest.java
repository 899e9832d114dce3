package org.ttame.eval.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Golden values: make_bootstrap.py, by numpy on the same draws and by scipy on its own. */
class BootstrapTest {
  private final Bootstrap bootstrap = new Bootstrap(2000, 7);

  @Test
  void agreesWithNumpyOnTheSameDrawsAndWithScipyOnOthers() throws IOException {
    JsonNode golden;
    try (InputStream in = BootstrapTest.class.getResourceAsStream("bootstrap.json")) {
      golden = new ObjectMapper().readTree(in);
    }
    double[] a = scaled(100, noise(60, 5));
    double[] more = noise(60, 99);
    double[] b = new double[60];
    double[] skewed = noise(60, 31);
    for (int i = 0; i < b.length; i++) {
      b[i] = 0.7 * a[i] + 20 * more[i];
      skewed[i] = 100 * Math.pow(skewed[i], 6);
    }
    Map<String, Interval> intervals = new LinkedHashMap<>();
    intervals.put("a", bootstrap.mean(a));
    intervals.put("b", bootstrap.mean(b));
    intervals.put("skewed", bootstrap.mean(skewed));
    intervals.put("a-b", bootstrap.difference(a, b));
    assertThat(bootstrap.resamples()).isEqualTo(golden.get("resamples").asInt());
    assertThat(bootstrap.seed()).isEqualTo(golden.get("seed").asLong());
    intervals.forEach(
        (name, interval) -> {
          JsonNode ours = golden.get("ours").get(name);
          assertThat(interval.mean()).as(name).isCloseTo(ours.get(0).asDouble(), within(1e-9));
          assertThat(interval.low()).as(name).isCloseTo(ours.get(1).asDouble(), within(1e-9));
          assertThat(interval.high()).as(name).isCloseTo(ours.get(2).asDouble(), within(1e-9));
          double width = interval.high() - interval.low();
          JsonNode scipys = golden.get("scipy").get(name);
          assertThat(interval.low()).isCloseTo(scipys.get(0).asDouble(), within(0.05 * width));
          assertThat(interval.high()).isCloseTo(scipys.get(1).asDouble(), within(0.05 * width));
        });
  }

  /** Sums of more images and columns than are added at once, by the JDK's SplitMix64: same bits. */
  @Test
  void groupsAndBlocksChangeNoBit() {
    int n = 2500;
    double[][] columns = new double[6][];
    for (int c = 0; c < columns.length; c++) {
      columns[c] = noise(n, c);
    }
    Bootstrap odd = new Bootstrap(101, 7);
    double[][] means = odd.resampledMeans(columns);
    for (int r = 0; r < odd.resamples(); r++) {
      SplittableRandom random =
          new SplittableRandom(
              odd.seed() * 0xD1B54A32D192ED03L + (long) r * n * 0x9E3779B97F4A7C15L);
      int[] times = new int[n];
      for (int i = 0; i < n; i++) {
        times[(int) (random.nextDouble() * n)]++;
      }
      for (int c = 0; c < columns.length; c++) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
          sum += times[i] * columns[c][i];
        }
        assertThat(means[c][r]).as("column %d, resample %d", c, r).isEqualTo(sum / n);
      }
    }
  }

  /** For many values the mean is normal: ± 1.96 standard errors. */
  @Test
  void approachesTheNormalInterval() {
    double[] values = noise(1000, 3);
    double mean = Arrays.stream(values).average().orElseThrow();
    double variance =
        Arrays.stream(values).map(v -> (v - mean) * (v - mean)).average().orElseThrow();
    double error = 1.959964 * Math.sqrt(variance / values.length);
    Interval interval = bootstrap.mean(values);
    assertThat(interval.n()).isEqualTo(1000);
    assertThat(interval.low()).isCloseTo(mean - error, within(0.1 * error));
    assertThat(interval.high()).isCloseTo(mean + error, within(0.1 * error));
  }

  /** In how many of many small worlds the interval holds the true mean; normal theory says 95 %. */
  @Test
  void holdsTheTrueMeanAboutAsOftenAsItSays() {
    Random random = new Random(11);
    Bootstrap small = new Bootstrap(500, 1);
    int held = 0;
    for (int world = 0; world < 400; world++) {
      Interval interval = small.mean(random.doubles(50).toArray());
      held += interval.low() <= 0.5 && 0.5 <= interval.high() ? 1 : 0;
    }
    assertThat(held).isBetween(360, 396);
  }

  /** Of two values a quarter of the resamples has the one twice, a quarter the other. */
  @Test
  void knowsSmallCases() {
    assertThat(bootstrap.mean(new double[] {0, 100})).isEqualTo(new Interval(50, 2, 0, 100));
    assertThat(bootstrap.mean(new double[] {3, 3, Double.NaN, 3}))
        .isEqualTo(new Interval(3, 3, 3, 3));
    Interval one = bootstrap.mean(new double[] {5, Double.NaN});
    assertThat(one).isEqualTo(new Interval(5, 1, Double.NaN, Double.NaN));
    assertThat(one.excludesZero()).isFalse();
    assertThat(bootstrap.mean(new double[] {Double.NaN}))
        .isEqualTo(new Interval(Double.NaN, 0, Double.NaN, Double.NaN));
    assertThatThrownBy(() -> new Bootstrap(99, 1)).hasMessageContaining("got 99");
    assertThatThrownBy(() -> bootstrap.difference(new double[2], new double[3]))
        .hasMessageContaining("got 2 and 3");
  }

  /** A small but constant difference is sure, however much images differ from each other. */
  @Test
  void pairsImages() {
    double[] values = scaled(64, noise(40, 8));
    double[] lower = new double[values.length];
    for (int i = 0; i < lower.length; i++) {
      lower[i] = values[i] - 0.25;
    }
    Interval same = bootstrap.difference(values, values);
    assertThat(same).isEqualTo(new Interval(0, 40, 0, 0));
    assertThat(same.excludesZero()).isFalse();
    Interval sure = bootstrap.difference(values, lower);
    assertThat(sure.low()).isCloseTo(0.25, within(1e-12));
    assertThat(sure.high()).isCloseTo(0.25, within(1e-12));
    assertThat(sure.excludesZero()).isTrue();
    assertThat(bootstrap.difference(lower, values).excludesZero()).isTrue();
    assertThat(bootstrap.mean(values).low()).isLessThan(bootstrap.mean(lower).high());
    lower[7] = Double.NaN;
    assertThat(bootstrap.difference(values, lower).n()).isEqualTo(39);
  }

  private static double[] scaled(double factor, double[] values) {
    return Arrays.stream(values).map(v -> factor * v).toArray();
  }

  /** As make_bootstrap.py's. */
  private static double[] noise(int n, long seed) {
    long state = seed;
    double[] values = new double[n];
    for (int i = 0; i < n; i++) {
      state = (state * 1103515245L + 12345) % (1L << 31);
      values[i] = state / (double) (1L << 31);
    }
    return values;
  }
}
