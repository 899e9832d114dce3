package org.ttame.backbones.onnx;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.ttame.core.Text;

/**
 * A value as it lies in the SameDiff graph: its layout is an order of axes, not a copy.
 *
 * @param variable what holds it
 * @param shape its shape in ONNX, at the batch that the file was read with
 * @param order physical axis i holds axis {@code order[i]} of {@code shape}
 * @param batch the axis of {@code shape} that the batch lies on, alone or as the outermost factor;
 *     {@link #NONE} where a graph is written for its own batch and images are like any other values
 */
@SuppressWarnings("ArrayRecordComponent")
record Tensor(SDVariable variable, long[] shape, int[] order, int batch) {
  static final int NONE = -1;

  Tensor {
    shape = shape.clone();
    order = order.clone();
    if (shape.length != order.length || batch < NONE || batch >= shape.length) {
      throw new IllegalArgumentException(
          Text.format(
              "Order %s and batch axis %d do not fit the shape %s",
              Arrays.toString(order), batch, Arrays.toString(shape)));
    }
  }

  @Override
  public long[] shape() {
    return shape.clone();
  }

  @Override
  public int[] order() {
    return order.clone();
  }

  int rank() {
    return shape.length;
  }

  /** Whether a batch lies on the first axis, or may. */
  boolean batchFirst() {
    return batch <= 0;
  }

  /** Where an axis of the shape lies; {@link #NONE} is nowhere. */
  int place(int axis) {
    return place(order, axis);
  }

  static int place(int[] order, int axis) {
    if (axis == NONE) {
      return NONE;
    }
    return IntStream.range(0, order.length).filter(i -> order[i] == axis).findFirst().orElseThrow();
  }

  /** As ONNX has it. */
  static int[] plain(int rank) {
    return IntStream.range(0, rank).toArray();
  }

  /** Batch first, channels (axis 1) last: what convolutions and pools want. */
  static int[] channelsLast(int rank) {
    return IntStream.range(0, rank).map(i -> i == 0 ? 0 : i == rank - 1 ? 1 : i + 1).toArray();
  }

  static boolean isPlain(int[] order) {
    return Arrays.equals(order, plain(order.length));
  }
}
