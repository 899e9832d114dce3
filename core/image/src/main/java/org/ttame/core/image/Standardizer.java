package org.ttame.core.image;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;

/**
 * The one standardisation: x in [0,1] becomes {@code x·scale + shift}, scale 1/std and shift
 * −mean/std, each rounded once to the type that is computed in. Training, explaining, metrics and
 * masks all go through here, so that an image gives the same bits wherever it is seen.
 *
 * <p>Immutable, holds no native memory.
 */
public final class Standardizer {
  private final List<Double> mean;
  private final List<Double> std;
  private final float[] scale;
  private final float[] shift;

  /**
   * The standardisation of a classifier.
   *
   * @param spec its input
   */
  public Standardizer(InputSpec spec) {
    mean = spec.mean();
    std = spec.std();
    scale = new float[mean.size()];
    shift = new float[mean.size()];
    for (int c = 0; c < scale.length; c++) {
      scale[c] = (float) scale(c);
      shift[c] = (float) shift(c);
    }
  }

  private double scale(int channel) {
    return 1 / std.get(channel);
  }

  private double shift(int channel) {
    return -mean.get(channel) / std.get(channel);
  }

  /**
   * Standardises images.
   *
   * @param unit whole pixels of C values in [0,1], channels last; not changed
   * @return as many standardised values
   * @throws IllegalArgumentException if there is a part of a pixel
   */
  public float[] apply(float[] unit) {
    int channels = scale.length;
    if (unit.length % channels != 0) {
      throw new IllegalArgumentException(
          Text.format("Pixels have %d values, got an array of %d", channels, unit.length));
    }
    float[] result = new float[unit.length];
    for (int i = 0; i < unit.length; i += channels) {
      for (int c = 0; c < channels; c++) {
        result[i + c] = unit[i + c] * scale[c] + shift[c];
      }
    }
    return result;
  }

  /**
   * Standardises images.
   *
   * @param unit {@code [..., C]} in [0,1]; not changed
   * @return a new array of the same shape and type; the caller closes it
   * @throws IllegalArgumentException if there are other channels
   */
  public INDArray apply(INDArray unit) {
    if (unit.rank() < 1 || unit.size(-1) != scale.length) {
      throw new IllegalArgumentException(
          Text.format(
              "Images must be [..., %d], got %s", scale.length, Arrays.toString(unit.shape())));
    }
    INDArray result = unit.dup('c');
    try (INDArray factors = scale(unit.dataType());
        INDArray offsets = shift(unit.dataType())) {
      INDArray pixels = result.reshape(-1, scale.length);
      pixels.muliRowVector(factors);
      pixels.addiRowVector(offsets);
    }
    return result;
  }

  /**
   * The factors 1/std.
   *
   * @param type of the result
   * @return {@code [C]}; the caller closes it
   */
  public INDArray scale(DataType type) {
    return row(this::scale, type);
  }

  /** The offsets −mean/std, likewise. */
  public INDArray shift(DataType type) {
    return row(this::shift, type);
  }

  private INDArray row(IntToDoubleFunction value, DataType type) {
    double[] values = new double[scale.length];
    Arrays.setAll(values, value);
    INDArray exact = Nd4j.createFromArray(values);
    if (type == exact.dataType()) {
      return exact;
    }
    try (exact) {
      return exact.castTo(type);
    }
  }
}
