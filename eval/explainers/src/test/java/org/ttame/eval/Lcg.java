package org.ttame.eval;

/** Numbers in [0,1) that the golden-value scripts make by the same integer arithmetic. */
public final class Lcg {
  private long state;

  public Lcg(long seed) {
    state = seed;
  }

  public float[] next(int count) {
    float[] result = new float[count];
    for (int i = 0; i < count; i++) {
      state = (state * 1103515245L + 12345) % (1L << 31);
      result[i] = (float) (state / (double) (1L << 31));
    }
    return result;
  }
}
