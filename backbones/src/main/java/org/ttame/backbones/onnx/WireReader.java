package org.ttame.backbones.onnx;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import org.ttame.backbones.source.BackboneException;
import org.ttame.core.Text;

/**
 * Walks the wire format of protocol buffers over a file, through one small window: what is not
 * asked for is skipped and never read, so that a model of any size costs no memory until its
 * weights are wanted.
 */
public final class WireReader {
  /** Wire type of numbers of any size. */
  public static final int VARINT = 0;

  /** Wire type of eight bytes. */
  public static final int FIXED64 = 1;

  /** Wire type of messages, texts and packed lists: a length and as many bytes. */
  public static final int BYTES = 2;

  /** Wire type of four bytes. */
  public static final int FIXED32 = 5;

  private static final int WINDOW = 1 << 16;

  /** Names and operator types; anything longer is no model. */
  private static final long LONGEST_STRING = 1 << 24;

  private final FileChannel channel;
  private final String file;
  private final long size;
  private final ByteBuffer window = ByteBuffer.allocate(WINDOW).order(ByteOrder.LITTLE_ENDIAN);
  private long windowStart;
  private int windowLength;
  private long position;

  /**
   * Reads a file from its beginning.
   *
   * @param channel the file; stays the caller's
   * @param file what messages call it
   */
  public WireReader(FileChannel channel, String file) throws IOException {
    this.channel = channel;
    this.file = file;
    this.size = channel.size();
  }

  /** Where the next byte is read. */
  public long position() {
    return position;
  }

  /** Bytes of the file. */
  public long size() {
    return size;
  }

  /** Field number and wire type of the next field, as read from its tag. */
  public record Tag(int field, int wireType) {}

  /** Reads a tag. */
  public Tag tag() throws IOException {
    long value = varint();
    int field = (int) (value >>> 3);
    if (field <= 0 || value >>> 3 > 0x1FFFFFFF) {
      throw malformed();
    }
    return new Tag(field, (int) (value & 7));
  }

  /** Reads a number of any size. */
  public long varint() throws IOException {
    long result = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      int next = nextByte();
      result |= (long) (next & 0x7F) << shift;
      if (next >= 0) {
        return result;
      }
    }
    throw malformed();
  }

  int fixed32() throws IOException {
    int result = 0;
    for (int shift = 0; shift < 32; shift += 8) {
      result |= (nextByte() & 0xFF) << shift;
    }
    return result;
  }

  long fixed64() throws IOException {
    return (fixed32() & 0xFFFFFFFFL) | (long) fixed32() << 32;
  }

  /**
   * Reads the length of a length-delimited field and checks that it fits.
   *
   * @param end where the enclosing message ends
   * @return where the field ends
   */
  public long enter(long end) throws IOException {
    long length = varint();
    if (length < 0 || length > end - position) {
      if (length > 0 && end == size && length < 1L << 40) {
        throw new BackboneException(
            Text.format(
                "%s is cut short: at byte %,d it announces %,d more bytes, but has only %,d; copy or export it again",
                file, position, length, size - position));
      }
      throw malformed();
    }
    return position + length;
  }

  /**
   * Reads a text.
   *
   * @param end where the enclosing message ends
   */
  public String string(long end) throws IOException {
    return new String(bytes(end), StandardCharsets.UTF_8);
  }

  byte[] bytes(long end) throws IOException {
    long stop = enter(end);
    long length = stop - position;
    if (length > LONGEST_STRING) {
      throw malformed();
    }
    byte[] result = new byte[(int) length];
    for (int i = 0; i < result.length; i++) {
      result[i] = nextByte();
    }
    return result;
  }

  /** Goes on at another place. */
  public void seek(long target) {
    position = target;
  }

  /**
   * Passes over a field whose tag has been read.
   *
   * @param wireType of the tag
   * @param end where the enclosing message ends
   */
  public void skip(int wireType, long end) throws IOException {
    switch (wireType) {
      case VARINT -> varint();
      case FIXED64 -> advance(8, end);
      case BYTES -> seek(enter(end));
      case FIXED32 -> advance(4, end);
      default -> throw malformed();
    }
  }

  BackboneException malformed() {
    return new BackboneException(
        Text.format(
            "%s is not an ONNX model: byte %,d cannot be parsed; give an .onnx file, or one written by import",
            file, position));
  }

  private void advance(int count, long end) throws IOException {
    if (count > end - position) {
      throw malformed();
    }
    position += count;
  }

  private byte nextByte() throws IOException {
    if (position < windowStart || position >= windowStart + windowLength) {
      fill();
    }
    return window.get((int) (position++ - windowStart));
  }

  private void fill() throws IOException {
    if (position >= size) {
      throw new BackboneException(
          Text.format(
              "%s is cut short: it ends after %,d bytes in the middle of a field; copy or export it again",
              file, size));
    }
    window.clear();
    int read = 0;
    while (read >= 0 && window.position() < 1) {
      read = channel.read(window, position);
    }
    if (read < 0) {
      throw new BackboneException(file + " became shorter while it was read");
    }
    windowStart = position;
    windowLength = window.position();
  }
}
