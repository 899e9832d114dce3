package org.ttame.testing;

import java.nio.charset.StandardCharsets;

/**
 * Values that Java and NumPy compute alike, for full-size networks whose weights no repository
 * could hold: element i of the array called NAME is u(hash(NAME), i), u uniform in [−1, 1) with 24
 * bits. The NumPy side is {@code formula_arrays.py} in this module's {@code src/test/python}.
 */
public final class FormulaArrays {
  private static final long FNV_OFFSET = 0xCBF29CE484222325L;
  private static final long FNV_PRIME = 0x100000001B3L;
  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

  private final long seed;

  /**
   * The array of a name.
   *
   * @param name any
   */
  public FormulaArrays(String name) {
    long hash = FNV_OFFSET;
    for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (b & 0xFF)) * FNV_PRIME;
    }
    seed = hash;
  }

  /**
   * An element.
   *
   * @param index its place, in the layout PyTorch has the array in
   * @return a number in [−1, 1)
   */
  public float at(long index) {
    long z = seed + index * GOLDEN_GAMMA;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    z ^= z >>> 31;
    return (z >>> 40) * 0x1p-23f - 1;
  }
}
