package org.ttame.training.data;

/**
 * How a list of images becomes batches.
 *
 * @param batchSize the most images a batch has
 * @param shuffle whether each epoch has an order of its own, drawn from the seed
 * @param seed of the order and of the crops
 * @param threads how many threads decode
 * @param ahead how many batches are prepared while one is in use
 * @param strict whether an unreadable image ends the run instead of being left out
 */
public record BatchOptions(
    int batchSize, boolean shuffle, long seed, int threads, int ahead, boolean strict) {
  public BatchOptions {
    require(batchSize, "A batch holds one image at least");
    require(threads, "One thread at least must decode images");
    require(ahead, "One batch at least is prepared ahead");
  }

  /**
   * Images in listed order, unreadable ones left out, two batches ahead.
   *
   * @param batchSize the most images a batch has
   */
  public static BatchOptions inOrder(int batchSize) {
    return new BatchOptions(batchSize, false, 0, defaultThreads(), 2, false);
  }

  /** Half of the processors: decoding a photograph costs a small part of computing on it. */
  public static int defaultThreads() {
    return Math.max(1, Runtime.getRuntime().availableProcessors() / 2);
  }

  private static void require(int value, String rule) {
    if (value < 1) {
      throw new IllegalArgumentException(rule + ", got " + value);
    }
  }
}
