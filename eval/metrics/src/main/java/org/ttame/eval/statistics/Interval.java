package org.ttame.eval.statistics;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A mean over images and where it would lie, in 95 of 100 cases, had other images been drawn.
 *
 * @param mean NaN without images
 * @param n over how many images
 * @param low NaN with fewer than two images, which say nothing of how images differ
 * @param high likewise
 */
public record Interval(double mean, int n, double low, double high) {
  /** Whether zero lies outside: of a difference, whether it is one. */
  public boolean excludesZero() {
    return low > 0 || high < 0;
  }

  /** For records: {@code mean}, {@code low} and {@code high} where they are known, {@code n}. */
  public Map<String, Object> toMap() {
    Map<String, Object> numbers = new LinkedHashMap<>();
    numbers.put("mean", mean);
    if (n > 1) {
      numbers.put("low", low);
      numbers.put("high", high);
    }
    numbers.put("n", n);
    return numbers;
  }
}
