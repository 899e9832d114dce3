package org.ttame.eval.bench;

import java.util.Arrays;
import java.util.function.BiConsumer;

/**
 * Does it stay as it begins? The same work many times, its first tenth beside its last.
 *
 * @param times how often
 * @param tenth how many are a tenth, at most a hundred
 * @param firstBytes resident memory, mean over the first tenth
 * @param lastBytes over the last
 * @param firstSeconds of one piece of work, mean over the first tenth
 * @param lastSeconds over the last
 * @param linearity the time of all over {@code times / tenth} times that of the first tenth
 */
public record Endurance(
    int times,
    int tenth,
    double firstBytes,
    double lastBytes,
    double firstSeconds,
    double lastSeconds,
    double linearity) {
  private static final int MOST = 100;

  /**
   * Works.
   *
   * @param bench what on
   * @param times how often, ten or more
   * @param progress hears how often it was done, with an empty text
   */
  public static Endurance run(
      Workbench bench, Work work, int times, BiConsumer<Long, String> progress) {
    int tenth = Math.min(MOST, times / 10);
    if (tenth < 1) {
      throw new IllegalArgumentException("Ten times are the least, got " + times);
    }
    bench.run(work);
    double[] seconds = new double[times];
    double[] bytes = new double[times];
    for (int i = 0; i < times; i++) {
      seconds[i] = bench.run(work);
      bytes[i] = ResidentMemory.now();
      progress.accept(i + 1L, "");
    }
    double first = mean(seconds, 0, tenth);
    return new Endurance(
        times,
        tenth,
        mean(bytes, 0, tenth),
        mean(bytes, times - tenth, times),
        first,
        mean(seconds, times - tenth, times),
        mean(seconds, 0, times) / first);
  }

  private static double mean(double[] values, int from, int to) {
    return Arrays.stream(values, from, to).average().orElseThrow();
  }
}
