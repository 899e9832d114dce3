package org.ttame.core.attention;

import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.classifier.NonFiniteException;

/** Scales maps to [0,1], each by its own smallest and largest value. */
public final class MinMax {
  private MinMax() {}

  /**
   * Scales maps; what replaces the sigmoid at inference.
   *
   * @param maps finite values, {@code [..., h, w]}, rank 2 or more; stays the caller's
   * @return (x − min)/(max − min) of each {@code [h, w]} slice, zeros where it is constant; same
   *     shape, float32, a new array; the caller closes it
   * @throws NonFiniteException if a value is NaN or infinite
   */
  public static INDArray scale(INDArray maps) {
    long[] shape = maps.shape();
    if (shape.length < 2) {
      throw new IllegalArgumentException(
          "Maps must be [..., h, w], got shape " + Arrays.toString(shape));
    }
    int pixels = Math.toIntExact(shape[shape.length - 1] * shape[shape.length - 2]);
    double[] values;
    try (INDArray dense = maps.dup('c')) {
      values = dense.data().asDouble();
    }
    float[] scaled = new float[values.length];
    for (int start = 0; start < values.length; start += pixels) {
      double low = Double.POSITIVE_INFINITY;
      double high = Double.NEGATIVE_INFINITY;
      for (int i = start; i < start + pixels; i++) {
        if (!Double.isFinite(values[i])) {
          int image = shape.length == 2 ? 0 : Math.toIntExact(start * shape[0] / values.length);
          throw new NonFiniteException(NonFiniteException.What.MAPS, values[i], image);
        }
        low = Math.min(low, values[i]);
        high = Math.max(high, values[i]);
      }
      double span = high - low;
      for (int i = start; span > 0 && i < start + pixels; i++) {
        scaled[i] = (float) ((values[i] - low) / span);
      }
    }
    return Nd4j.create(scaled, shape, 'c');
  }
}
