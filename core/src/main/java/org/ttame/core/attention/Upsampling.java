package org.ttame.core.attention;

import java.util.Arrays;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

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
  static double[][] weights(int from, int to) {
    if (from < 1 || to < 1) {
      throw new IllegalArgumentException(
          "Cannot resample %d values to %d; both must be positive".formatted(from, to));
    }
    double[][] rows = new double[to][from];
    for (int j = 0; j < to; j++) {
      double centre = Math.max(0, (j + 0.5) * from / to - 0.5);
      int low = Math.min((int) centre, from - 1);
      int high = Math.min(low + 1, from - 1);
      double part = centre - low;
      rows[j][low] += 1 - part;
      rows[j][high] += part;
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
    long count = maps.length() / ((long) h * w);
    double[][] rows = weights(h, height);
    double[][] columns = weights(w, width);
    double[] in = maps.dup('c').data().asDouble();
    double[] out = new double[Math.toIntExact(count * height * width)];
    double[] line = new double[h * width];
    for (int n = 0; n < count; n++) {
      multiply(in, n * h * w, w, columns, line, h);
      for (int j = 0; j < height; j++) {
        for (int i = 0; i < h; i++) {
          double weight = rows[j][i];
          if (weight != 0) {
            int to = (n * height + j) * width;
            for (int k = 0; k < width; k++) {
              out[to + k] += weight * line[i * width + k];
            }
          }
        }
      }
    }
    return typed(out, maps.dataType(), shape);
  }

  private static void multiply(
      double[] in, int offset, int w, double[][] columns, double[] line, int h) {
    int width = columns.length;
    for (int i = 0; i < h; i++) {
      for (int k = 0; k < width; k++) {
        double sum = 0;
        for (int c = 0; c < w; c++) {
          if (columns[k][c] != 0) {
            sum += columns[k][c] * in[offset + i * w + c];
          }
        }
        line[i * width + k] = sum;
      }
    }
  }

  /**
   * Appends upsampling to a graph.
   *
   * @param graph the graph
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
    INDArray exact = Nd4j.create(values, shape, 'c');
    if (exact.dataType() == type) {
      return exact;
    }
    try (exact) {
      return exact.castTo(type);
    }
  }
}
