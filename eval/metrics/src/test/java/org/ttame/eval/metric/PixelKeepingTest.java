package org.ttame.eval.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PixelKeepingTest {
  @Test
  void countsRoundUpInDecimals() {
    assertThat(PixelKeeping.count(100, 50176)).isEqualTo(50176);
    assertThat(PixelKeeping.count(50, 50176)).isEqualTo(25088);
    assertThat(PixelKeeping.count(15, 50176)).isEqualTo(7527);
    assertThat(PixelKeeping.count(0.001, 50176)).isEqualTo(1);
    // 14.3 · 1000 / 100 is 143.00000000000003 in binary floating point.
    assertThat(PixelKeeping.count(14.3, 1000)).isEqualTo(143);
  }

  @Test
  void keepsTheLargestWithTheirValues() {
    float[] map = {0.1f, 0.9f, 0.5f, 0.7f, 0.3f};
    assertThat(PixelKeeping.EXACT.keep(map, 40)).containsExactly(0, 0.9f, 0, 0.7f, 0);
    assertThat(PixelKeeping.EXACT.keep(map, 41)).containsExactly(0, 0.9f, 0.5f, 0.7f, 0);
    assertThat(PixelKeeping.EXACT.keep(map, 100)).containsExactly(map);
  }

  @Test
  void breaksTiesByTheLowerIndex() {
    float[] map = {0.5f, 0.2f, 0.5f, 0.8f, 0.5f};
    assertThat(PixelKeeping.EXACT.keep(map, 60)).containsExactly(0.5f, 0, 0.5f, 0.8f, 0);
  }

  @Test
  void keepsExactlyTheCountOnConstantAndTiedMaps() {
    float[] constant = new float[1000];
    Arrays.fill(constant, 0.25f);
    for (double percent : new double[] {0.1, 1, 15, 33.3, 50, 99.9, 100}) {
      float[] kept = PixelKeeping.EXACT.keep(constant, percent);
      int count = PixelKeeping.count(percent, 1000);
      assertThat(nonZero(kept)).isEqualTo(count);
      assertThat(kept[count - 1]).isEqualTo(0.25f);
    }
    float[] ties = maps("ties");
    for (double percent : new double[] {5, 15, 50, 77}) {
      // Zero is one of the tied values: count the positive ones where all of them fit.
      long positive = nonZero(ties);
      assertThat(nonZero(PixelKeeping.EXACT.keep(ties, percent)))
          .isEqualTo(Math.min(positive, PixelKeeping.count(percent, ties.length)));
    }
  }

  @Test
  void doesNotDependOnMonotoneRescalingForTheChoiceOfPixels() {
    float[] map = maps("noise");
    float[] squared = new float[map.length];
    for (int i = 0; i < map.length; i++) {
      squared[i] = map[i] / 2 + 0.25f;
    }
    boolean[] a = chosen(PixelKeeping.EXACT.keep(map, 15));
    boolean[] b = chosen(PixelKeeping.EXACT.keep(squared, 15));
    assertThat(a).isEqualTo(b);
  }

  @Test
  void quantileAgreesWithTorch() throws IOException {
    int rows = 0;
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(
                PixelKeepingTest.class.getResourceAsStream("quantile.csv"),
                StandardCharsets.UTF_8))) {
      for (String line : (Iterable<String>) reader.lines()::iterator) {
        if (line.startsWith("#")) {
          continue;
        }
        List<String> cells = List.of(line.split(",", -1));
        float[] map = maps(cells.get(0));
        float threshold = Float.intBitsToFloat(Integer.parseInt(cells.get(3)));
        float[] kept = PixelKeeping.QUANTILE.keep(map, Double.parseDouble(cells.get(1)));
        long expected = Integer.parseInt(cells.get(2));
        assertThat(IntStream.range(0, map.length).filter(i -> map[i] >= threshold).count())
            .as("the test's own map %s", cells.get(0))
            .isEqualTo(expected);
        for (int i = 0; i < map.length; i++) {
          assertThat(kept[i]).isEqualTo(map[i] >= threshold ? map[i] : 0);
        }
        rows++;
      }
    }
    assertThat(rows).isEqualTo(28);
  }

  @Test
  void refusesWhatCannotBeRanked() {
    float[] map = {0.1f, Float.NaN};
    assertThatThrownBy(() -> PixelKeeping.EXACT.keep(map, 50))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("NaN");
    assertThatThrownBy(() -> PixelKeeping.QUANTILE.keep(new float[] {1}, 0))
        .hasMessageContaining("got 0.0");
    assertThatThrownBy(() -> PixelKeeping.count(101, 4)).hasMessageContaining("got 101.0");
  }

  private static long nonZero(float[] values) {
    return IntStream.range(0, values.length).filter(i -> values[i] != 0).count();
  }

  private static boolean[] chosen(float[] values) {
    boolean[] result = new boolean[values.length];
    for (int i = 0; i < values.length; i++) {
      result[i] = values[i] != 0;
    }
    return result;
  }

  /** The maps of make_quantile.py. */
  private static float[] maps(String name) {
    switch (name) {
      case "noise":
        return noise(56 * 56);
      case "odd":
        return noise(37 * 41);
      case "ties":
        float[] ties = noise(56 * 56);
        for (int i = 0; i < ties.length; i++) {
          ties[i] = (float) Math.floor(ties[i] * 8) / 8;
        }
        return ties;
      case "relu":
        float[] relu = noise(64 * 64);
        for (int i = 0; i < relu.length; i++) {
          relu[i] = Math.max(relu[i] - 0.75f, 0);
        }
        return relu;
      default:
        throw new IllegalArgumentException(name);
    }
  }

  private static float[] noise(int count) {
    float[] result = new float[count];
    long state = 12345;
    for (int i = 0; i < count; i++) {
      state = (state * 1103515245L + 12345) % (1L << 31);
      result[i] = (float) (state / (double) (1L << 31));
    }
    return result;
  }
}
