package org.ttame.backbones.onnx;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.source.BackboneException;
import org.ttame.core.Text;
import org.ttame.core.engine.HostMemory;
import org.ttame.core.engine.Precision;

/**
 * How a weight of the graph is made from one of the file: a view on it that has the graph's order,
 * and factors. Copied in blocks from the file straight into the array, so that a weight is in
 * memory once.
 *
 * @param view the elements in the graph's order; reshaping it to the graph's shape moves nothing
 * @param scales a factor for each index of the view's last axis, or null
 * @param factor a factor for all
 * @param mask whether it may hold infinities: what masks let nothing through with
 */
@SuppressWarnings("ArrayRecordComponent")
record Recipe(Constant view, double[] scales, double factor, boolean mask) {
  /** Elements read at once, 4 MB. */
  private static final long BLOCK = 1 << 20;

  Recipe(Constant view, double[] scales, double factor) {
    this(view, scales, factor, false);
  }

  static Recipe of(Constant view) {
    return new Recipe(view, null, 1);
  }

  /** Of a constant that may hold infinities. */
  static Recipe ofMask(Constant view) {
    return new Recipe(view, null, 1, true);
  }

  static Recipe of(double... values) {
    return of(Constant.ofValues(values, false, values.length));
  }

  /**
   * Makes the weight.
   *
   * @param name for messages
   * @param scratch to copy through
   * @param type float32 or bfloat16, to which values are rounded
   * @param shape the graph's shape
   * @return a new array of that type in c order
   */
  INDArray make(String name, Scratch scratch, DataType type, long... shape) throws IOException {
    if (Constant.count(shape) != view.size()) {
      throw new BackboneException(
          Text.format(
              "The weight %s has shape %s where %s is needed",
              name, Arrays.toString(view.shape()), Arrays.toString(shape)));
    }
    INDArray array = Nd4j.createUninitialized(type, shape, 'c');
    boolean done = false;
    try {
      HostMemory.fill(array, memory -> copy(name, scratch, target(type, memory)));
      done = true;
      return array;
    } finally {
      if (!done) {
        array.close();
      }
    }
  }

  /** Where values go, by their place. */
  private interface Target {
    void put(int index, float value);
  }

  private static Target target(DataType type, ByteBuffer memory) {
    if (type == DataType.BFLOAT16) {
      ShortBuffer bits = memory.asShortBuffer();
      return (index, value) -> bits.put(index, Precision.bfloat16(value));
    }
    FloatBuffer values = memory.asFloatBuffer();
    return values::put;
  }

  private void copy(String name, Scratch scratch, Target target) throws IOException {
    long[] shape = view.shape();
    if (shape.length == 0) {
      new Copy(name, scratch, view.broadcast(1), target).run();
    } else {
      new Copy(name, scratch, view, target).run();
    }
  }

  /** A block of floats that copies share. */
  static final class Scratch {
    private float[] block = new float[0];

    float[] atLeast(int length) {
      if (block.length < length) {
        block = new float[(int) Math.max(length, BLOCK)];
      }
      return block;
    }
  }

  /** One copy: the axis with the longest stride is cut into blocks. */
  private final class Copy {
    private final String name;
    private final long[] shape;
    private final long[] sourceStride;
    private final long[] targetStride;
    private final long offset;
    private final Storage storage;
    private final Target target;
    private final Scratch scratch;
    private float[] block;

    Copy(String name, Scratch scratch, Constant view, Target target) {
      this.scratch = scratch;
      this.name = name;
      this.target = target;
      shape = view.shape();
      storage = view.storage();
      offset = view.offset();
      sourceStride = new long[shape.length];
      targetStride = new long[shape.length];
      long step = 1;
      for (int axis = shape.length - 1; axis >= 0; axis--) {
        sourceStride[axis] = view.stride(axis);
        targetStride[axis] = step;
        step *= shape[axis];
      }
    }

    void run() throws IOException {
      int cut = 0;
      for (int axis = 1; axis < shape.length; axis++) {
        if (sourceStride[axis] > sourceStride[cut]) {
          cut = axis;
        }
      }
      long span = 1;
      for (int axis = 0; axis < shape.length; axis++) {
        span += axis == cut ? 0 : (shape[axis] - 1) * sourceStride[axis];
      }
      long rows = Math.max(1, (BLOCK - span) / Math.max(1, sourceStride[cut]) + 1);
      long[] size = shape.clone();
      for (long first = 0; first < shape[cut]; first += rows) {
        size[cut] = Math.min(rows, shape[cut] - first);
        int length = Math.toIntExact((size[cut] - 1) * sourceStride[cut] + span);
        block = scratch.atLeast(length);
        storage.read(offset + first * sourceStride[cut], length, block);
        long[] start = new long[shape.length];
        start[cut] = first;
        scatter(0, size, start, 0, first * targetStride[cut]);
      }
    }

    private void scatter(int axis, long[] size, long[] start, long from, long to)
        throws BackboneException {
      if (axis < shape.length - 1) {
        for (long i = 0; i < size[axis]; i++) {
          scatter(
              axis + 1, size, start, from + i * sourceStride[axis], to + i * targetStride[axis]);
        }
        return;
      }
      int at = (int) from;
      int stride = (int) sourceStride[axis];
      int index = (int) to;
      for (int i = 0; i < size[axis]; i++) {
        float value = block[at];
        if (scales != null) {
          value = (float) (value * scales[(int) start[axis] + i] * factor);
        } else if (factor != 1) {
          value = (float) (value * factor);
        }
        if (mask ? Float.isNaN(value) : !Float.isFinite(value)) {
          throw new BackboneException(
              Text.format(
                  "The weight %s holds %s: the file is damaged or its training diverged; export a"
                      + " checkpoint whose weights are finite",
                  name, value));
        }
        target.put(index++, value);
        at += stride;
      }
    }
  }
}
