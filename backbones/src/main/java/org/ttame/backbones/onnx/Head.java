package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.Arrays;

/** The average pool between the last map and the first linear layer. */
final class Head {
  private Head() {}

  /**
   * The value after an average pool, if the operation is one.
   *
   * @param operation a candidate
   * @return height and width of the grid it leaves, or 0 if it is no average pool
   */
  static int averageGrid(Operation operation) throws IOException {
    long[] map = operation.value(0).shape();
    if (operation.is("GlobalAveragePool")) {
      return 1;
    }
    if (operation.is("ReduceMean")) {
      int[] axes = Shapes.reducedAxes(operation.node(), operation.inputs());
      return Arrays.equals(axes, new int[] {2, 3}) ? 1 : 0;
    }
    if (!operation.is("AveragePool")) {
      return 0;
    }
    long[] kernel = operation.node().integers("kernel_shape");
    Window window = Window.of(operation.node(), kernel[0], kernel[1]);
    boolean tiles =
        window.simple()
            && window.padding() == 0
            && (window.stride() == window.kernel() || window.kernel() == map[2])
            && map[2] % window.kernel() == 0;
    if (!tiles) {
      throw new UnsupportedGraphException(
          operation + " averages over windows that overlap, leave gaps or cross the edge");
    }
    return Math.toIntExact(map[2]) / window.kernel();
  }

  /**
   * A linear layer's weight as it reads a map in the order height, width, channel.
   *
   * @param linear the layer
   * @param map the map that it reads flattened, {@code [B, C, h, w]}
   * @return a view {@code [h, w, C, out]}
   */
  static Constant rowsByPosition(Operation linear, Value map) throws IOException {
    Trace trace = Trace.back(linear.value(0), map);
    long[] shape = map.shape();
    long batch = shape[0];
    long channels = shape[1];
    long height = shape.length > 2 ? shape[2] : 1;
    long width = shape.length > 2 ? shape[3] : 1;
    Constant weight = linear.constant(1);
    long out = weight.shape()[1];
    Constant positions = Constant.positions(batch, channels, height, width);
    if (trace.source() == map && trace.isUnscaled(positions)) {
      return weight.reshape(channels, height, width, out).transpose(1, 2, 0, 3);
    }
    if (trace.source() == map && trace.isUnscaled(positions.transpose(0, 2, 3, 1))) {
      return weight.reshape(height, width, channels, out);
    }
    throw new UnsupportedGraphException(linear + " reads its map flattened in an unusual order");
  }
}
