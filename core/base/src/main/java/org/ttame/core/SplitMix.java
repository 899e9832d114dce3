package org.ttame.core;

import java.util.random.RandomGenerator;

/**
 * SplitMix64 (Steele, Lea and Flood 2014), seeded by several numbers: a stream of its own for each
 * (seed, epoch, image), so that what is drawn depends neither on threads nor on where a run was
 * resumed. Our own code, because the algorithms behind {@code java.util} generators are not
 * promised to stay.
 */
public final class SplitMix implements RandomGenerator {
  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;
  private static final long STREAM = 0xD1B54A32D192ED03L;

  private long state;

  /** A stream of what it is for; every word and its place count. */
  public SplitMix(long... words) {
    for (long word : words) {
      state = mix(state + GOLDEN_GAMMA) ^ mix(word);
    }
  }

  @Override
  public long nextLong() {
    state += GOLDEN_GAMMA;
    return mix(state);
  }

  /** A number below the bound, each as likely as the other. */
  @Override
  public int nextInt(int bound) {
    if (bound < 1) {
      throw new IllegalArgumentException("The bound must be positive, got " + bound);
    }
    // The largest multiple of the bound below 2^31; what lies above would favour small numbers.
    int most = Integer.MAX_VALUE - Integer.MAX_VALUE % bound;
    int draw = nextInt() >>> 1;
    while (draw >= most) {
      draw = nextInt() >>> 1;
    }
    return draw % bound;
  }

  @Override
  public int nextInt() {
    return (int) (nextLong() >>> 32);
  }

  @Override
  public boolean nextBoolean() {
    return nextLong() < 0;
  }

  /** {@code count} of the numbers below {@code size}, no number twice, in the order drawn. */
  public int[] draw(int size, int count) {
    int[] order = new int[size];
    for (int i = 0; i < size; i++) {
      order[i] = i;
    }
    int[] drawn = new int[count];
    for (int i = 0; i < count; i++) {
      int j = i + nextInt(size - i);
      drawn[i] = order[j];
      order[j] = order[i];
    }
    return drawn;
  }

  /** A seed's number of an index, in [0, 1) with 53 bits: the same whatever was drawn before. */
  public static double uniform(long seed, long index) {
    return (mix(seed * STREAM + (index + 1) * GOLDEN_GAMMA) >>> 11) * 0x1p-53;
  }

  private static long mix(long z) {
    long a = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    long b = (a ^ (a >>> 27)) * 0x94D049BB133111EBL;
    return b ^ (b >>> 31);
  }
}
