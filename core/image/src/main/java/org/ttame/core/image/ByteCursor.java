package org.ttame.core.image;

/** Reads numbers from the bytes of one file and refuses to read past its end. */
final class ByteCursor {
  private final String format;
  private final byte[] bytes;
  private final int end;
  private int at;

  /** A cursor at an offset; messages call the bytes by {@code format}, "PNG". */
  ByteCursor(String format, byte[] bytes, int at) {
    this.format = format;
    this.bytes = bytes;
    this.end = bytes.length;
    this.at = at;
  }

  int position() {
    return at;
  }

  int remaining() {
    return end - at;
  }

  /** Moves on by a number of bytes, which may be a hostile one. */
  void skip(long count) throws Refusal {
    need(count);
    at += (int) count;
  }

  int u8() throws Refusal {
    need(1);
    return bytes[at++] & 0xFF;
  }

  int u16be() throws Refusal {
    int high = u8();
    return high << 8 | u8();
  }

  int u16le() throws Refusal {
    int low = u8();
    return u8() << 8 | low;
  }

  int u24le() throws Refusal {
    int low = u16le();
    return u8() << 16 | low;
  }

  long u32be() throws Refusal {
    long high = u16be();
    return high << 16 | u16be();
  }

  long u32le() throws Refusal {
    long low = u16le();
    return (long) u16le() << 16 | low;
  }

  void need(long count) throws Refusal {
    if (count < 0 || count > remaining()) {
      throw Refusal.truncated(format, end);
    }
  }
}
