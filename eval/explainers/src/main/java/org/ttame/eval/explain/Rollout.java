package org.ttame.eval.explain;

import java.util.List;

/**
 * What the class token has gathered from the patches after several attentions, each with a skip
 * connection around it: a row of M_L·…·M_1, M = I + A.
 */
final class Rollout {
  private Rollout() {}

  /**
   * The T − 1 values of the class token's row, its own column left out. Attentions are T·T values
   * each, row by row, from input to logits; if {@code normalised}, each row of an M is divided by
   * its sum.
   */
  static float[] classTokenRow(List<float[]> attentions, int tokens, boolean normalised) {
    double[] row = new double[tokens];
    row[0] = 1;
    for (int l = attentions.size() - 1; l >= 0; l--) {
      float[] attention = attentions.get(l);
      double[] next = new double[tokens];
      for (int i = 0; i < tokens; i++) {
        double scale = row[i];
        if (normalised) {
          double sum = 1;
          for (int j = 0; j < tokens; j++) {
            sum += attention[i * tokens + j];
          }
          scale /= sum;
        }
        next[i] += scale;
        for (int j = 0; j < tokens; j++) {
          next[j] += scale * attention[i * tokens + j];
        }
      }
      row = next;
    }
    float[] patches = new float[tokens - 1];
    for (int j = 0; j < patches.length; j++) {
      patches[j] = (float) row[j + 1];
    }
    return patches;
  }
}
