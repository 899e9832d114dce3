package org.ttame.core.npz;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.ttame.core.Text;

/**
 * The header of an npy array: magic, version, and a Python dictionary literal with {@code descr},
 * {@code fortran_order} and {@code shape}.
 *
 * @param type how an element is stored
 * @param fortran whether the first index runs fastest
 * @param shape the lengths, outermost first; empty for a scalar
 * @param bytes how many bytes the header takes in the file, magic included
 */
record NpyHeader(NpyType type, boolean fortran, List<Long> shape, long bytes) {
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};

  /** numpy itself refuses longer headers unless told otherwise. */
  private static final int MAX_HEADER = 10_000;

  private static final int MAX_RANK = 32;
  private static final int ALIGNMENT = 64;

  /** One more than the most elements a Java array holds. */
  private static final long TOO_MANY = Integer.MAX_VALUE - 7L;

  /**
   * Reads a header, its element count checked to fit a Java array; the stream then stands at the
   * first element. Messages call the array by {@code name}.
   */
  static NpyHeader read(InputStream in, String name) throws IOException {
    DataInputStream data = new DataInputStream(in);
    try {
      byte[] magic = new byte[MAGIC.length];
      data.readFully(magic);
      if (!Arrays.equals(magic, MAGIC)) {
        throw new IOException(
            Text.format("%s is not an npy array: its first bytes are not \\x93NUMPY", name));
      }
      int major = data.readUnsignedByte();
      int minor = data.readUnsignedByte();
      if (major < 1 || major > 3) {
        throw new IOException(
            Text.format(
                "%s is of npy version %d.%d; versions 1 to 3 are read", name, major, minor));
      }
      int lengthBytes = major == 1 ? 2 : 4;
      long length = 0;
      for (int i = 0; i < lengthBytes; i++) {
        length |= (long) data.readUnsignedByte() << (8 * i);
      }
      if (length > MAX_HEADER) {
        throw new IOException(
            Text.format(
                "%s claims an npy header of %d bytes; at most %d are read",
                name, length, MAX_HEADER));
      }
      byte[] text = new byte[(int) length];
      data.readFully(text);
      NpyDictionary fields =
          NpyDictionary.parse(
              new String(text, major == 3 ? StandardCharsets.UTF_8 : StandardCharsets.ISO_8859_1),
              name);
      NpyHeader header =
          new NpyHeader(
              NpyType.of(fields.descr(), name),
              fields.fortran(),
              fields.shape(),
              MAGIC.length + 2L + lengthBytes + length);
      header.checkedCount(name);
      return header;
    } catch (EOFException e) {
      throw new IOException(Text.format("%s ends inside its npy header", name), e);
    }
  }

  /**
   * The header numpy writes for a C-ordered float32 array: version 1.0, padded with blanks so that
   * the elements start at a multiple of 64.
   */
  static byte[] float32(long[] shape) {
    String lengths =
        Arrays.stream(shape).mapToObj(Long::toString).collect(Collectors.joining(", "));
    if (shape.length == 1) {
      lengths += ",";
    }
    String dictionary =
        Text.format("{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }", lengths);
    int unpadded = MAGIC.length + 2 + 2 + dictionary.length() + 1;
    int padding = (ALIGNMENT - unpadded % ALIGNMENT) % ALIGNMENT;
    byte[] bytes = new byte[unpadded + padding];
    Arrays.fill(bytes, (byte) ' ');
    System.arraycopy(MAGIC, 0, bytes, 0, MAGIC.length);
    bytes[6] = 1;
    bytes[7] = 0;
    int length = bytes.length - 10;
    bytes[8] = (byte) length;
    bytes[9] = (byte) (length >> 8);
    byte[] text = dictionary.getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(text, 0, bytes, 10, text.length);
    bytes[bytes.length - 1] = '\n';
    return bytes;
  }

  /** The lengths as ND4J takes them. */
  long[] lengths() {
    return shape.stream().mapToLong(Long::longValue).toArray();
  }

  /** The number of elements. */
  int count() {
    long count = 1;
    for (long length : shape) {
      count *= length;
    }
    return (int) count;
  }

  /** The bytes of all elements. */
  long dataBytes() {
    return (long) count() * type.size();
  }

  private void checkedCount(String name) throws IOException {
    if (shape.size() > MAX_RANK) {
      throw new IOException(
          Text.format("%s has %d dimensions; at most %d are read", name, shape.size(), MAX_RANK));
    }
    long count = 1;
    for (long length : shape) {
      if (length == 0) {
        throw new IOException(Text.format("%s has shape %s, which holds no element", name, shape));
      }
      if (length >= TOO_MANY || count * length >= TOO_MANY) {
        throw new IOException(
            Text.format(
                "%s has shape %s, which is more elements than an array can hold", name, shape));
      }
      count *= length;
    }
  }
}
