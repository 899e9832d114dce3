package org.ttame.core.attention;

import java.util.Arrays;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;

/**
 * Bilinear resampling with half-pixel centres, PyTorch's {@code interpolate(mode="bilinear",
 * align_corners=False)}.
 *
 * <p>It is separable and linear, so a map X becomes A·X·Bᵀ with two constant matrices: exact, and
 * differentiable where ND4J's resize operations are not.
 */
public final class Upsampling {
  private Upsampling() {}

  /**
   * The weights of one dimension.
   *
   * <p>Row j holds what the input pixels contribute to output pixel j, whose centre lies at {@code
   * (j + ½)·from/to − ½}; centres outside the outermost input centres take the outermost pixel.
   *
   * @param from length of the input
   * @param to length of the output
   * @return {@code to} rows of {@code from} weights that sum to one
   */
  public static double[][] weights(int from, int to) {
    Taps taps = Taps.of(from, to);
    double[][] rows = new double[to][from];
    for (int j = 0; j < to; j++) {
      rows[j][taps.low[j]] += 1 - taps.part[j];
      rows[j][taps.high[j]] += taps.part[j];
    }
    return rows;
  }

  /**
   * Upsamples maps.
   *
   * @param maps {@code [..., h, w]}, rank 2 or more; stays the caller's
   * @param height H
   * @param width W
   * @return {@code [..., H, W]}, of the same data type, a new array; the caller closes it
   */
  public static INDArray upsample(INDArray maps, int height, int width) {
    if (maps.rank() < 2) {
      throw new IllegalArgumentException(
          "Maps must be [..., h, w], got shape " + Arrays.toString(maps.shape()));
    }
    long[] shape = maps.shape().clone(); // ND4J hands out its own array
    int h = (int) shape[shape.length - 2];
    int w = (int) shape[shape.length - 1];
    shape[shape.length - 2] = height;
    shape[shape.length - 1] = width;
    Taps rows = Taps.of(h, height);
    Taps columns = Taps.of(w, width);
    double[] in;
    try (INDArray dense = maps.dup('c')) {
      in = dense.data().asDouble();
    }
    int length = Math.toIntExact(maps.length() / ((long) h * w) * height * width);
    boolean rounded = maps.dataType() == DataType.FLOAT;
    float[] floats = new float[rounded ? length : 0];
    double[] doubles = new double[rounded ? 0 : length];
    double[] wide = new double[h * width];
    double[] line = new double[width];
    for (int from = 0, to = 0; from < in.length; from += h * w) {
      widen(in, from, w, columns, wide);
      for (int j = 0; j < height; j++, to += width) {
        between(wide, rows, j, line);
        if (rounded) {
          for (int k = 0; k < width; k++) {
            floats[to + k] = (float) line[k];
          }
        } else {
          System.arraycopy(line, 0, doubles, to, width);
        }
      }
    }
    return rounded ? Nd4j.create(floats, shape, 'c') : typed(doubles, maps.dataType(), shape);
  }

  /**
   * The two neighbours of each output pixel along one dimension.
   *
   * @param low the first one's place
   * @param high the second one's, or the first again
   * @param part the second one's weight
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Taps(int[] low, int[] high, double[] part) {
    static Taps of(int from, int to) {
      if (from < 1 || to < 1) {
        throw new IllegalArgumentException(
            Text.format("Cannot resample %d values to %d; both must be positive", from, to));
      }
      int[] low = new int[to];
      int[] high = new int[to];
      double[] part = new double[to];
      for (int j = 0; j < to; j++) {
        double centre = Math.max(0, (j + 0.5) * from / to - 0.5);
        low[j] = Math.min((int) centre, from - 1);
        high[j] = Math.min(low[j] + 1, from - 1);
        part[j] = centre - low[j];
      }
      return new Taps(low, high, part);
    }

    int size() {
      return low.length;
    }
  }

  private static void widen(double[] in, int from, int w, Taps columns, double[] wide) {
    int width = columns.size();
    for (int to = 0, at = from; to < wide.length; to += width, at += w) {
      for (int k = 0; k < width; k++) {
        double part = columns.part[k];
        wide[to + k] = (1 - part) * in[at + columns.low[k]] + part * in[at + columns.high[k]];
      }
    }
  }

  /** Row j of the result. */
  private static void between(double[] wide, Taps rows, int j, double[] line) {
    double part = rows.part[j];
    int low = rows.low[j] * line.length;
    int high = rows.high[j] * line.length;
    for (int k = 0; k < line.length; k++) {
      line[k] = (1 - part) * wide[low + k] + part * wide[high + k];
    }
  }

  /**
   * Appends upsampling to a graph.
   *
   * @param maps {@code [N, h, w]}
   * @param h height of the input
   * @param w width of the input
   * @param height H
   * @param width W
   * @return {@code [N, H, W]}; the input itself where nothing changes
   */
  public static SDVariable append(
      SameDiff graph, SDVariable maps, int h, int w, int height, int width) {
    SDVariable result = maps;
    if (w != width) {
      SDVariable columns = matrix(graph, w, width, maps.dataType());
      result = graph.mmul(result.reshape(-1, w), columns).reshape(-1, h, width);
    }
    if (h != height) {
      SDVariable rows = matrix(graph, h, height, maps.dataType());
      SDVariable turned = result.permute(0, 2, 1).reshape(-1, h);
      result = graph.mmul(turned, rows).reshape(-1, width, height).permute(0, 2, 1);
    }
    return result;
  }

  /** Weights, transposed to {@code [from, to]} so that they stand on the right of a product. */
  private static SDVariable matrix(SameDiff graph, int from, int to, DataType type) {
    double[][] rows = weights(from, to);
    double[][] transposed = new double[from][to];
    for (int j = 0; j < to; j++) {
      for (int i = 0; i < from; i++) {
        transposed[i][j] = rows[j][i];
      }
    }
    return graph.constant(
        typed(Arrays.stream(transposed).flatMapToDouble(Arrays::stream).toArray(), type, from, to));
  }

  private static INDArray typed(double[] values, DataType type, long... shape) {
    if (type == DataType.FLOAT) {
      float[] rounded = new float[values.length];
      for (int i = 0; i < values.length; i++) {
        rounded[i] = (float) values[i];
      }
      return Nd4j.create(rounded, shape, 'c');
    }
    INDArray exact = Nd4j.create(values, shape, 'c');
    if (exact.dataType() == type) {
      return exact;
    }
    try (exact) {
      return exact.castTo(type);
    }
  }
}
