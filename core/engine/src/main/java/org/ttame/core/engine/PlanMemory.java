package org.ttame.core.engine;

import java.util.EnumMap;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The memory that all plans of one runner share, a block of each kind. It only grows. */
final class PlanMemory implements AutoCloseable {
  private final Map<DataType, RawMemory> blocks = new EnumMap<>(DataType.class);
  private int generation;

  /** Counts replacements of a block; arrays of an earlier generation are dead. */
  int generation() {
    return generation;
  }

  /**
   * Makes room.
   *
   * @param bytes by {@link RawMemory#kind}
   */
  void require(Map<DataType, Long> bytes) {
    bytes.forEach(
        (kind, size) -> {
          RawMemory block = blocks.get(kind);
          if (block == null || block.bytes() < size) {
            if (block != null) {
              block.close();
              blocks.remove(kind);
            }
            blocks.put(kind, new RawMemory(kind, size));
            generation++;
          }
        });
  }

  /** An array over a part of its block. */
  INDArray view(DataType type, long byteOffset, long[] shape) {
    return blocks.get(RawMemory.kind(type)).array(type, byteOffset, shape);
  }

  /** Fills the memory with what no step may read. */
  void poison() {
    blocks.values().forEach(RawMemory::poison);
  }

  @Override
  public void close() {
    blocks.values().forEach(RawMemory::close);
    blocks.clear();
    generation++;
  }
}
