package org.ttame.backbones.onnx;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Where the elements of a constant are, in a row. */
sealed interface Storage {
  /** Elements that are read at a time. */
  int BLOCK = DataFile.BLOCK / Double.BYTES;

  long size();

  boolean integer();

  /** The type that arithmetic on the elements is done in. */
  default ElementType type() {
    return integer() ? ElementType.INT64 : ElementType.FLOAT;
  }

  /** How many storages are read one through another. */
  default int depth() {
    return 0;
  }

  /** Reads {@code count} elements from {@code first} on. */
  void read(long first, int count, double[] into) throws IOException;

  /** Reads {@code count} elements from {@code first} on, by way of doubles. */
  default void read(long first, int count, float[] into) throws IOException {
    double[] block = new double[Math.min(count, BLOCK)];
    for (int done = 0; done < count; done += block.length) {
      int part = Math.min(count - done, block.length);
      read(first + done, part, block);
      for (int i = 0; i < part; i++) {
        into[done + i] = (float) block[i];
      }
    }
  }

  /** Elements in memory. */
  @SuppressWarnings("ArrayRecordComponent")
  record InMemory(double[] values, ElementType type) implements Storage {
    InMemory(double[] values, boolean integer) {
      this(values, integer ? ElementType.INT64 : ElementType.FLOAT);
    }

    @Override
    public boolean integer() {
      return type.integer();
    }

    @Override
    public long size() {
      return values.length;
    }

    @Override
    public void read(long first, int count, double[] into) {
      System.arraycopy(values, (int) first, into, 0, count);
    }
  }

  /** The same elements in another type, converted when they are read. */
  record Cast(Storage source, ElementType type) implements Storage {
    @Override
    public int depth() {
      return source.depth() + 1;
    }

    @Override
    public long size() {
      return source.size();
    }

    @Override
    public boolean integer() {
      return type.integer();
    }

    @Override
    public void read(long first, int count, double[] into) throws IOException {
      source.read(first, count, into);
      for (int i = 0; i < count; i++) {
        into[i] = type.fit(into[i]);
      }
    }

    @Override
    public void read(long first, int count, float[] into) throws IOException {
      source.read(first, count, into);
      if (type != ElementType.FLOAT) {
        for (int i = 0; i < count; i++) {
          into[i] = (float) type.fit(into[i]);
        }
      }
    }
  }

  /**
   * Elements times a factor plus a summand, by channels.
   *
   * @param source the elements
   * @param inner how many of a channel lie together
   * @param factors one for each channel
   * @param summands one for each channel
   */
  @SuppressWarnings("ArrayRecordComponent")
  record PerChannel(Storage source, long inner, double[] factors, double[] summands)
      implements Storage {
    @Override
    public int depth() {
      return source.depth() + 1;
    }

    @Override
    public long size() {
      return source.size();
    }

    @Override
    public boolean integer() {
      return false;
    }

    @Override
    public ElementType type() {
      return source.type();
    }

    @Override
    public void read(long first, int count, double[] into) throws IOException {
      source.read(first, count, into);
      for (int i = 0; i < count; i++) {
        int channel = (int) ((first + i) / inner % factors.length);
        into[i] = type().fit(into[i] * factors[channel] + summands[channel]);
      }
    }
  }

  /** The numbers 0, 1, 2 …: laid through a graph's reshapes, they tell where each element went. */
  record Counting(long size) implements Storage {
    @Override
    public boolean integer() {
      return true;
    }

    @Override
    public void read(long first, int count, double[] into) {
      for (int i = 0; i < count; i++) {
        into[i] = first + i;
      }
    }

    @Override
    public void read(long first, int count, float[] into) {
      throw new UnsupportedOperationException("indices are read as doubles");
    }
  }

  /** Elements that are not at hand: those of a graph whose weights are read by name. */
  record Elsewhere(long size) implements Storage {
    @Override
    public boolean integer() {
      return false;
    }

    @Override
    public void read(long first, int count, double[] into) {
      throw new UnsupportedOperationException("the numbers of a weight are not at hand");
    }
  }

  /** The elements of an array from its first on, in the order of its memory; a view too. */
  record InArray(INDArray array) implements Storage {
    @Override
    public long size() {
      return array.data().length();
    }

    @Override
    public boolean integer() {
      return false;
    }

    @Override
    public void read(long first, int count, double[] into) {
      for (int i = 0; i < count; i++) {
        into[i] = array.data().getDouble(first + i);
      }
    }

    @Override
    public void read(long first, int count, float[] into) {
      for (int i = 0; i < count; i++) {
        into[i] = array.data().getFloat(first + i);
      }
    }
  }

  /** Little-endian elements in a file, read when wanted. */
  record InFile(DataFile file, long offset, long size, ElementType type) implements Storage {
    @Override
    public boolean integer() {
      return type.integer();
    }

    @Override
    public void read(long first, int count, double[] into) throws IOException {
      for (int done = 0; done < count; ) {
        int part = Math.min(count - done, BLOCK);
        ByteBuffer bytes = block(first + done, part);
        for (int i = 0; i < part; i++) {
          into[done + i] = type.get(bytes, i * type.bytes());
        }
        done += part;
      }
    }

    @Override
    public void read(long first, int count, float[] into) throws IOException {
      for (int done = 0; done < count; ) {
        int part = Math.min(count - done, BLOCK);
        ByteBuffer bytes = block(first + done, part);
        if (type == ElementType.FLOAT) {
          bytes.asFloatBuffer().get(into, done, part);
        } else {
          for (int i = 0; i < part; i++) {
            into[done + i] = (float) type.get(bytes, i * type.bytes());
          }
        }
        done += part;
      }
    }

    private ByteBuffer block(long first, int count) throws IOException {
      return file.read(offset + first * type.bytes(), count * type.bytes());
    }
  }
}
