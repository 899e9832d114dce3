package org.ttame.core.engine;

import java.util.EnumMap;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The memory that all plans of one runner share, a block a data type. It only grows. */
final class PlanMemory implements AutoCloseable {
  private final Map<DataType, DataBuffer> blocks = new EnumMap<>(DataType.class);
  private int generation;

  /** Counts replacements of a block; arrays of an earlier generation are dead. */
  int generation() {
    return generation;
  }

  /** Makes room. */
  void require(Map<DataType, Long> bytes) {
    bytes.forEach(
        (type, size) -> {
          DataBuffer block = blocks.get(type);
          long length = (size + type.width() - 1) / type.width();
          if (block == null || block.length() < length) {
            if (block != null) {
              block.close();
            }
            blocks.put(type, Nd4j.createBuffer(type, length, false));
            generation++;
          }
        });
  }

  /** An array over a part of the block. */
  INDArray view(DataType type, long byteOffset, long[] shape) {
    return Nd4j.create(
        blocks.get(type), shape, Nd4j.getStrides(shape, 'c'), byteOffset / type.width(), 'c', type);
  }

  /** Fills the memory with what no step may read: not-a-number where the type has one. */
  void poison() {
    blocks.forEach(
        (type, block) ->
            Nd4j.create(block, new long[] {block.length()}, new long[] {1}, 0, 'c', type)
                .assign(type.isFPType() ? Double.NaN : 1));
  }

  @Override
  public void close() {
    blocks.values().forEach(DataBuffer::close);
    blocks.clear();
    generation++;
  }
}
