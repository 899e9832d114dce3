package org.ttame.eval.explain;

import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;
import org.ttame.core.attention.MinMax;
import org.ttame.core.attention.Upsampling;

/**
 * Explanation maps of a batch at the size their method makes them, one map an image, values in
 * [0,1], larger where the image matters more. Immutable by agreement: nobody writes to the arrays.
 */
public final class SaliencyMaps {
  private final int height;
  private final int width;
  private final float[][] values;

  /**
   * Maps that are already in [0,1].
   *
   * @param height h
   * @param width w
   * @param values B maps of h·w values, row by row; not copied
   * @throws IllegalArgumentException if a map has another size or a value outside [0,1]
   */
  public SaliencyMaps(int height, int width, float[][] values) {
    this.height = height;
    this.width = width;
    this.values = values;
    for (float[] map : values) {
      checkSize(map, height, width);
      for (float value : map) {
        if (!(value >= 0 && value <= 1)) {
          throw new IllegalArgumentException(
              "The values of an explanation map lie in [0, 1], got " + value);
        }
      }
    }
  }

  /**
   * Scales each map by its own smallest and largest value to [0,1]; a constant map becomes zeros.
   *
   * @param height h
   * @param width w
   * @param values B maps of h·w finite values, row by row
   * @return the scaled maps
   * @throws IllegalArgumentException if a map has another size
   * @throws org.ttame.core.classifier.NonFiniteException if a value is NaN or infinite
   */
  public static SaliencyMaps minMax(int height, int width, float[][] values) {
    for (float[] map : values) {
      checkSize(map, height, width);
    }
    long[] shape = {values.length, height, width};
    try (INDArray maps = Nd4j.create(concatenated(values), shape, 'c');
        INDArray scaled = MinMax.scale(maps)) {
      return of(scaled);
    }
  }

  /**
   * Maps of an array.
   *
   * @param maps {@code [..., h, w]} in [0,1], B in all; stays the caller's
   * @return a copy
   */
  public static SaliencyMaps of(INDArray maps) {
    int height = (int) maps.size(-2);
    int width = (int) maps.size(-1);
    float[] all = maps.dup('c').data().asFloat();
    float[][] values = new float[all.length / (height * width)][];
    for (int b = 0; b < values.length; b++) {
      values[b] = Arrays.copyOfRange(all, b * height * width, (b + 1) * height * width);
    }
    return new SaliencyMaps(height, width, values);
  }

  /** B. */
  public int size() {
    return values.length;
  }

  /** h. */
  public int height() {
    return height;
  }

  /** w. */
  public int width() {
    return width;
  }

  /** How many of the maps are the same everywhere. */
  public int flat() {
    return (int) Arrays.stream(values).filter(SaliencyMaps::isFlat).count();
  }

  static boolean isFlat(float[] map) {
    for (float value : map) {
      if (value != map[0]) {
        return false;
      }
    }
    return true;
  }

  /** One image's map, h·w values, row by row; not a copy. */
  public float[] map(int image) {
    return values[image];
  }

  /**
   * Brings the maps to another size, bilinear with half-pixel centres.
   *
   * @param rows H
   * @param columns W
   * @return B maps of H·W values, row by row
   */
  public float[][] upsampled(int rows, int columns) {
    if (height == rows && width == columns) {
      return values;
    }
    long[] shape = {values.length, height, width};
    try (INDArray maps = Nd4j.create(concatenated(values), shape, 'c');
        INDArray large = Upsampling.upsample(maps, rows, columns)) {
      return of(large).values;
    }
  }

  /**
   * Reads a map bilinearly where rows cross columns. Places count cells; the centre of the first is
   * 0, and what lies beyond the outermost centres has their values.
   *
   * @param image which of the B maps
   * @param rows places of the result's rows
   * @param columns places of its columns
   * @return rows·columns values, row by row
   */
  public float[] read(int image, double[] rows, double[] columns) {
    float[] result = new float[Math.multiplyExact(rows.length, columns.length)];
    new BilinearPlane(height, width, rows, columns).read(values[image], 0, result, 0);
    return result;
  }

  private static float[] concatenated(float[][] maps) {
    float[] all = new float[Arrays.stream(maps).mapToInt(map -> map.length).sum()];
    int at = 0;
    for (float[] map : maps) {
      System.arraycopy(map, 0, all, at, map.length);
      at += map.length;
    }
    return all;
  }

  private static void checkSize(float[] map, int height, int width) {
    if (map.length != height * width) {
      throw new IllegalArgumentException(
          Text.format(
              "A map of %d×%d has %d values, got %d", height, width, height * width, map.length));
    }
  }
}
