package org.ttame.core.engine;

import java.util.EnumMap;
import java.util.Map;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;

/**
 * Memory in which arrays of any type may lie, and which the operating system gives page by page as
 * it is written: ND4J's own buffers are of one type, and filled with zeros when they are made. On
 * backends whose arrays are elsewhere it is such a buffer.
 */
final class RawMemory implements AutoCloseable {
  private static final boolean HOST = HostMemory.holdsArrays(HostMemory.backend());

  /** All bits set: not-a-number as a float of any width, −1 as a whole number. */
  private static final int NOBODYS = 0xFF;

  private final long bytes;
  private final Pointer allocated;
  private final BytePointer start;
  private final Map<DataType, DataBuffer> buffers = new EnumMap<>(DataType.class);

  /**
   * Allocates.
   *
   * @param kind as of {@link #kind}
   */
  RawMemory(DataType kind, long bytes) {
    this.bytes = bytes;
    if (HOST) {
      allocated = Pointer.malloc(bytes + MemoryPlanner.ALIGNMENT);
      if (allocated == null || allocated.isNull()) {
        throw new OutOfMemoryError(Text.format("the system has no %,d bytes for arrays", bytes));
      }
      long over = allocated.address() % MemoryPlanner.ALIGNMENT;
      start = new BytePointer(allocated).getPointer(MemoryPlanner.ALIGNMENT - over);
      start.capacity(bytes);
    } else {
      allocated = null;
      start = null;
      buffers.put(kind, Nd4j.createBuffer(kind, bytes / kind.width(), false));
    }
  }

  /** The kind of memory that arrays of a type lie in: there is one, or one for each type. */
  static DataType kind(DataType type) {
    return HOST ? DataType.INT8 : type;
  }

  /** How much it is. */
  long bytes() {
    return bytes;
  }

  /** An array over a part of it. */
  INDArray array(DataType type, long byteOffset, long[] shape) {
    DataBuffer buffer =
        buffers.computeIfAbsent(type, key -> Nd4j.createBuffer(start, bytes / key.width(), key));
    long[] strides = Nd4j.getStrides(shape, 'c');
    return Nd4j.create(buffer, shape, strides, byteOffset / type.width(), 'c', type);
  }

  /** Fills it with what no step may read: not-a-number where the type has one. */
  void poison() {
    if (HOST) {
      Pointer.memset(start, NOBODYS, bytes);
    } else {
      buffers.forEach(
          (type, buffer) ->
              array(type, 0, new long[] {buffer.length()})
                  .assign(type.isFPType() ? Double.NaN : 1));
    }
  }

  @Override
  public void close() {
    buffers.values().forEach(DataBuffer::close);
    buffers.clear();
    if (allocated != null) {
      Pointer.free(allocated);
    }
  }
}
