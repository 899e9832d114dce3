package org.ttame.core.npz;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
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

  /**
   * The dictionary literal of an npy header, e.g. {@code {'descr': '<f4', 'fortran_order': False,
   * 'shape': (3, 4), }}.
   *
   * @param descr the element type as numpy writes it
   * @param fortran whether the first index runs fastest
   * @param shape the lengths
   */
  private record NpyDictionary(String descr, boolean fortran, List<Long> shape) {

    /**
     * Reads the literal: exactly the three keys, in any order, and padding after it. Messages call
     * the array by {@code name}.
     */
    static NpyDictionary parse(String text, String name) throws IOException {
      return new Parser(text, name).dictionary();
    }

    private static final class Parser {
      private final String text;
      private final String name;
      private int at;

      Parser(String text, String name) {
        this.text = text;
        this.name = name;
      }

      NpyDictionary dictionary() throws IOException {
        String descr = null;
        Boolean fortran = null;
        List<Long> shape = null;
        expect('{');
        while (peek() != '}') {
          String key = string();
          expect(':');
          switch (key) {
            case "descr" -> descr = descr();
            case "fortran_order" -> fortran = bool();
            case "shape" -> shape = tuple();
            default -> throw broken("key '" + key + "'");
          }
          if (peek() != '}') {
            expect(',');
          }
        }
        expect('}');
        if (!text.substring(at).isBlank()) {
          throw broken("text after the dictionary");
        }
        if (descr == null || fortran == null || shape == null) {
          throw broken("no descr, fortran_order or shape");
        }
        return new NpyDictionary(descr, fortran, shape);
      }

      private String descr() throws IOException {
        if (peek() == '[') {
          throw new IOException(
              Text.format(
                  "%s holds records (a structured numpy type); plain numbers are read", name));
        }
        return string();
      }

      private String string() throws IOException {
        char quote = peek();
        if (quote != '\'' && quote != '"') {
          throw broken("no quoted string");
        }
        int end = text.indexOf(quote, at + 1);
        if (end < 0) {
          throw broken("a string without end");
        }
        String value = text.substring(at + 1, end);
        at = end + 1;
        return value;
      }

      private boolean bool() throws IOException {
        peek();
        for (String word : List.of("True", "False")) {
          if (text.startsWith(word, at)) {
            at += word.length();
            return word.equals("True");
          }
        }
        throw broken("neither True nor False");
      }

      private List<Long> tuple() throws IOException {
        List<Long> lengths = new ArrayList<>();
        expect('(');
        while (peek() != ')') {
          lengths.add(number());
          if (peek() != ')') {
            expect(',');
          }
        }
        expect(')');
        return List.copyOf(lengths);
      }

      private long number() throws IOException {
        int start = at;
        while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
          at++;
        }
        if (at == start || at - start > 18) {
          throw broken("a length that is no number of elements");
        }
        long value = Long.parseLong(text.substring(start, at));
        if (at < text.length() && text.charAt(at) == 'L') { // Python 2 wrote long integers so
          at++;
        }
        return value;
      }

      private char peek() throws IOException {
        while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
          at++;
        }
        if (at == text.length()) {
          throw broken("an early end");
        }
        return text.charAt(at);
      }

      private void expect(char wanted) throws IOException {
        if (peek() != wanted) {
          throw broken(Text.format("'%c' where '%c' belongs", text.charAt(at), wanted));
        }
        at++;
      }

      private IOException broken(String found) {
        return new IOException(
            Text.format("%s has a broken npy header: %s at character %d", name, found, at));
      }
    }
  }
}
