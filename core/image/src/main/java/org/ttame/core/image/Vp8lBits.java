package org.ttame.core.image;

/** Bits of lossless WebP data, least significant first, never past their end. */
final class Vp8lBits {
  private final byte[] bytes;
  private final int end;
  private int at;
  private long buffer;
  private int held;

  /** A reader of the bytes before {@code end}. */
  Vp8lBits(byte[] bytes, int from, int end) {
    this.bytes = bytes;
    this.at = from;
    this.end = end;
  }

  /** Reads up to 24 bits. */
  int read(int count) throws Refusal {
    int value = peek(count);
    drop(count);
    return value;
  }

  boolean flag() throws Refusal {
    return read(1) != 0;
  }

  /** The next bits, zeros past the end; up to 24. */
  int peek(int count) {
    while (held < count && at < end) {
      buffer |= (bytes[at++] & 0xFFL) << held;
      held += 8;
    }
    return (int) buffer & ((1 << count) - 1);
  }

  /** Moves on behind bits that were peeked at. */
  void drop(int count) throws Refusal {
    if (count > held) {
      throw Refusal.corrupt("the WebP's lossless data end too early");
    }
    buffer >>>= count;
    held -= count;
  }
}
