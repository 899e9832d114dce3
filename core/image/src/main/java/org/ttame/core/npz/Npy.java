package org.ttame.core.npz;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.InputFile;

/**
 * numpy's npy files.
 *
 * <p>Written: float32, C order, byte for byte what {@code numpy.save} writes. Read: {@code <f4 <f8
 * <f2 <i4 <i8 |u1 |b1} in C or Fortran order, as float32 in C order. A header is not trusted: what
 * it claims is compared with the bytes that are there before memory is taken.
 *
 * <p>The reader is our own because the file may come from anywhere and because ND4J's wants a
 * native pointer to the whole file.
 */
public final class Npy {
  private static final int CHUNK = 1 << 16;

  private Npy() {}

  /**
   * Reads a file.
   *
   * @param file an npy file
   * @return the array, float32, C order; the caller closes it
   * @throws IOException naming the file, if it is missing, truncated, too long or of a kind that is
   *     not read
   */
  public static INDArray read(Path file) throws IOException {
    String name = "'" + file + "'";
    try (InputStream in = new BufferedInputStream(InputFile.open(file))) {
      return read(in, Files.size(file), name);
    }
  }

  /**
   * Reads an array that fills a stream.
   *
   * @param in the stream
   * @param length how many bytes it has, header included
   * @param name how messages call the array
   * @return the array, float32, C order; the caller closes it
   * @throws IOException if the stream is no npy array of that length
   */
  public static INDArray read(InputStream in, long length, String name) throws IOException {
    return read(in, length, name, Long.MAX_VALUE);
  }

  /** As above; refuses to take more than {@code limit} bytes for the float32 elements. */
  static INDArray read(InputStream in, long length, String name, long limit) throws IOException {
    NpyHeader header = NpyHeader.read(in, name);
    if (4L * header.count() > limit) {
      throw new IOException(
          Text.format(
              "%s has shape %s; as float32 that is more than the limit of %d bytes for the whole"
                  + " file",
              name, header.shape(), limit));
    }
    long there = length - header.bytes();
    if (there != header.dataBytes()) {
      throw new IOException(
          Text.format(
              "%s claims shape %s of %s, %d bytes, but %d bytes follow its header",
              name, header.shape(), header.type(), header.dataBytes(), there));
    }
    float[] values = values(in, header, name);
    return array(values, header);
  }

  /**
   * Writes a file, whole or not at all.
   *
   * @param array float32, any strides
   */
  public static void write(Path file, INDArray array) throws IOException {
    byte[] header = header(array);
    float[] values = values(array);
    AtomicFile.write(
        file,
        out -> {
          out.write(header);
          writeValues(values, out);
        });
  }

  /**
   * A file's bytes.
   *
   * @param array float32, any strides
   */
  public static byte[] encode(INDArray array) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(header(array));
    try {
      writeValues(values(array), out);
    } catch (IOException e) {
      throw new IllegalStateException(e); // an array takes everything
    }
    return out.toByteArray();
  }

  /** The header of an array to write. */
  static byte[] header(INDArray array) {
    if (array.dataType() != DataType.FLOAT) {
      throw new IllegalArgumentException(
          Text.format(
              "Arrays are written as float32, this one is %s; cast it first", array.dataType()));
    }
    if (array.isEmpty()) {
      throw new IllegalArgumentException("An array without elements cannot be written");
    }
    return NpyHeader.float32(array.shape());
  }

  /** The elements of an array in C order. */
  static float[] values(INDArray array) {
    INDArray dense = array.dup('c');
    try {
      return dense.data().asFloat();
    } finally {
      dense.close();
    }
  }

  static void writeValues(float[] values, OutputStream out) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(CHUNK).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      if (!bytes.hasRemaining()) {
        out.write(bytes.array(), 0, bytes.position());
        bytes.clear();
      }
      bytes.putFloat(value);
    }
    out.write(bytes.array(), 0, bytes.position());
  }

  private static float[] values(InputStream in, NpyHeader header, String name) throws IOException {
    NpyType type = header.type();
    float[] values = new float[header.count()];
    ByteBuffer bytes = ByteBuffer.allocate(CHUNK).order(ByteOrder.LITTLE_ENDIAN);
    int perChunk = CHUNK / type.size();
    for (int done = 0; done < values.length; ) {
      int now = Math.min(perChunk, values.length - done);
      if (in.readNBytes(bytes.array(), 0, now * type.size()) < now * type.size()) {
        throw new EOFException(name + " ends before its last element");
      }
      bytes.clear();
      for (int i = 0; i < now; i++) {
        values[done + i] = type.next(bytes);
      }
      done += now;
    }
    return values;
  }

  private static INDArray array(float[] values, NpyHeader header) {
    if (header.shape().isEmpty()) {
      return Nd4j.scalar(values[0]);
    }
    return Nd4j.create(
        header.fortran() ? toC(values, header.lengths()) : values, header.lengths(), 'c');
  }

  /** Reorders elements whose first index runs fastest so that the last one does. */
  private static float[] toC(float[] fortran, long[] shape) {
    int rank = shape.length;
    long[] stride = new long[rank];
    long step = 1;
    for (int d = 0; d < rank; d++) {
      stride[d] = step;
      step *= shape[d];
    }
    long[] index = new long[rank];
    float[] c = new float[fortran.length];
    long from = 0;
    for (int to = 0; to < c.length; to++) {
      c[to] = fortran[(int) from];
      for (int d = rank - 1; d >= 0; d--) {
        from += stride[d];
        if (++index[d] < shape[d]) {
          break;
        }
        from -= stride[d] * shape[d];
        index[d] = 0;
      }
    }
    return c;
  }
}
