package org.ttame.core.classifier;

import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;

/** Reads classes and probabilities off logits, in double precision. */
public final class Predictions {
  private Predictions() {}

  /**
   * The largest logit of each row; of equal ones the first.
   *
   * @param logits {@code [B, K]}
   * @return B class indices
   */
  public static int[] argMax(INDArray logits) {
    int classes = (int) logits.size(1);
    float[] values = values(logits);
    return IntStream.range(0, (int) logits.size(0))
        .map(
            row -> {
              int best = 0;
              for (int k = 1; k < classes; k++) {
                if (values[row * classes + k] > values[row * classes + best]) {
                  best = k;
                }
              }
              return best;
            })
        .toArray();
  }

  /**
   * Softmax of each row.
   *
   * @param logits {@code [B, K]}
   * @return B rows of K probabilities that sum to one
   */
  public static double[][] softmax(INDArray logits) {
    int rows = (int) logits.size(0);
    int classes = (int) logits.size(1);
    float[] values = values(logits);
    double[][] result = new double[rows][classes];
    for (int row = 0; row < rows; row++) {
      double max = Double.NEGATIVE_INFINITY;
      for (int k = 0; k < classes; k++) {
        max = Math.max(max, values[row * classes + k]);
      }
      double sum = 0;
      for (int k = 0; k < classes; k++) {
        result[row][k] = Math.exp(values[row * classes + k] - max);
        sum += result[row][k];
      }
      for (int k = 0; k < classes; k++) {
        result[row][k] /= sum;
      }
    }
    return result;
  }

  /**
   * Sigmoid of each value.
   *
   * @param logits {@code [B, K]}
   * @return B rows of K probabilities, each by itself
   */
  public static double[][] sigmoid(INDArray logits) {
    int rows = (int) logits.size(0);
    int classes = (int) logits.size(1);
    float[] values = values(logits);
    double[][] result = new double[rows][classes];
    for (int i = 0; i < values.length; i++) {
      result[i / classes][i % classes] = 1 / (1 + Math.exp(-(double) values[i]));
    }
    return result;
  }

  /**
   * The most probable classes of each row, best first; of equal ones the lower index first.
   *
   * @param logits {@code [B, K]}
   * @param count how many, at most K
   * @return B rows of {@code count} class indices
   */
  public static int[][] topClasses(INDArray logits, int count) {
    int classes = (int) logits.size(1);
    if (count < 1 || count > classes) {
      throw new IllegalArgumentException(
          Text.format("Cannot take the top %d of %d classes", count, classes));
    }
    float[] values = values(logits);
    int[][] result = new int[(int) logits.size(0)][];
    for (int row = 0; row < result.length; row++) {
      result[row] = top(values, row * classes, classes, count);
    }
    return result;
  }

  /** Keeps the best so far in order: one pass for the few that are asked for. */
  private static int[] top(float[] values, int offset, int classes, int count) {
    int[] best = new int[count];
    int found = 0;
    for (int k = 0; k < classes; k++) {
      float value = values[offset + k];
      int at = found;
      while (at > 0 && Float.compare(value, values[offset + best[at - 1]]) > 0) {
        at--;
      }
      if (at == count) {
        continue;
      }
      found = Math.min(found + 1, count);
      System.arraycopy(best, at, best, at + 1, found - at - 1);
      best[at] = k;
    }
    return best;
  }

  static float[] values(INDArray logits) {
    if (logits.rank() != 2) {
      throw new IllegalArgumentException(
          Text.format("Logits must be [B, K], got rank %d", logits.rank()));
    }
    if (logits.ordering() == 'c' && !logits.isView()) {
      return logits.data().asFloat();
    }
    try (INDArray dense = logits.dup('c')) {
      return dense.data().asFloat();
    }
  }
}
