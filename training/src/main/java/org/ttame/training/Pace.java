package org.ttame.training;

import java.time.Duration;

/** How long steps take: the mean of the first ten, then a moving one that forgets slowly. */
final class Pace {
  private static final int PLAIN = 10;

  private double seconds;
  private int count;

  void add(double step) {
    count = Math.min(count + 1, PLAIN);
    seconds += (step - seconds) / count;
  }

  Duration left(long steps) {
    return Duration.ofMillis(Math.round(seconds * steps * 1000));
  }
}
