package org.ttame.core.attention;

import static org.assertj.core.api.Assertions.assertThat;

import org.nd4j.linalg.api.ndarray.INDArray;

/** Compares arrays value by value. */
public final class Closeness {
  private Closeness() {}

  /**
   * The largest error in units of what is allowed: {@code |a − e| / max(|e|, floor·max|e|)}. The
   * floor judges values far below the array's largest by that one: they are differences of terms of
   * its size.
   */
  public static double relative(INDArray actual, INDArray expected, double floor) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    double[] a = actual.dup('c').data().asDouble();
    double[] e = expected.dup('c').data().asDouble();
    double largest = 0;
    for (double value : e) {
      largest = Math.max(largest, Math.abs(value));
    }
    double worst = 0;
    for (int i = 0; i < a.length; i++) {
      double error = Math.abs(a[i] - e[i]);
      assertThat(error).isNotNaN();
      if (error > 0) {
        worst = Math.max(worst, error / Math.max(Math.abs(e[i]), floor * largest));
      }
    }
    return worst;
  }

  /** The largest magnitude; unlike amax it does not overlook not-a-number. */
  public static double largest(INDArray array) {
    double largest = 0;
    for (double value : array.dup('c').data().asDouble()) {
      assertThat(value).isFinite();
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }
}
