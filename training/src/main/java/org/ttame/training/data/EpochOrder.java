package org.ttame.training.data;

/**
 * The order in which an epoch visits the images: as listed, or shuffled. A shuffled order is a
 * function of (seed, epoch) alone, so a run resumed anywhere knows the rest of it.
 */
final class EpochOrder {
  private static final long SHUFFLE = 0x5348_5546;

  private final int size;
  private final boolean shuffle;
  private final long seed;
  private long cachedEpoch = -1;
  private int[] cached = {};

  EpochOrder(int size, boolean shuffle, long seed) {
    this.size = size;
    this.shuffle = shuffle;
    this.seed = seed;
  }

  /** The index in the list of the image at a place, 0 … size − 1, of an epoch, 0, 1, …. */
  int image(long epoch, int place) {
    if (!shuffle) {
      return place;
    }
    if (epoch != cachedEpoch) {
      cached = permutation(epoch);
      cachedEpoch = epoch;
    }
    return cached[place];
  }

  /** Fisher–Yates. */
  private int[] permutation(long epoch) {
    SplitMix random = new SplitMix(SHUFFLE, seed, epoch);
    int[] order = new int[size];
    for (int i = 0; i < size; i++) {
      int j = random.nextInt(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    return order;
  }
}
