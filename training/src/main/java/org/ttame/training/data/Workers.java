package org.ttame.training.data;

import org.ttame.core.Text;

/**
 * Which of the workers that share each step's images are in this process. Worker k takes the k-th
 * contiguous part of the step's images, all parts as even as possible, the first ones larger by one
 * where they cannot be even.
 *
 * @param count how many workers there are
 * @param first the first one here
 * @param end one after the last one here
 */
public record Workers(int count, int first, int end) {
  public Workers {
    if (count < 1 || first < 0 || end <= first || end > count) {
      throw new IllegalArgumentException(
          Text.format("There are no workers %d to %d of %d", first, end - 1, count));
    }
  }

  /** All of them, one after the other. */
  public static Workers all(int count) {
    return new Workers(count, 0, count);
  }

  /** One of them; the others are elsewhere. */
  public static Workers one(int worker, int count) {
    return new Workers(count, worker, worker + 1);
  }

  /** How many are here. */
  public int here() {
    return end - first;
  }

  /** Where a worker's part of a step begins; that of the worker after the last is the end. */
  public int start(int worker, int images) {
    return worker * (images / count) + Math.min(worker, images % count);
  }
}
