package org.ttame.core.npz;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.ttame.core.Text;

/** The element types that are read; all become float32. */
enum NpyType {
  FLOAT32("<f4", 4),
  FLOAT64("<f8", 8),
  FLOAT16("<f2", 2),
  INT32("<i4", 4),
  INT64("<i8", 8),
  UINT8("|u1", 1),
  BOOL("|b1", 1);

  private final String descr;
  private final int size;

  NpyType(String descr, int size) {
    this.descr = descr;
    this.size = size;
  }

  /** Bytes per element. */
  int size() {
    return size;
  }

  /** The type of a numpy description such as {@code <f4}; refused if it is not read. */
  static NpyType of(String descr, String name) throws IOException {
    for (NpyType type : values()) {
      if (type.is(descr)) {
        return type;
      }
    }
    throw new IOException(
        Text.format(
            "%s holds elements of type '%s'; those read are %s",
            name,
            descr,
            Arrays.stream(values()).map(t -> t.descr).collect(Collectors.joining(", "))));
  }

  private boolean is(String other) {
    if (!other.endsWith(descr.substring(1)) || other.length() != descr.length()) {
      return false;
    }
    // '=' is the native order of the little-endian machines numpy runs on; a byte has no order.
    char order = other.charAt(0);
    return order == '<' || order == '=' || (size == 1 && order == '|');
  }

  /** Takes the next element of a little-endian buffer, rounded to float32. */
  float next(ByteBuffer bytes) {
    return switch (this) {
      case FLOAT32 -> bytes.getFloat();
      case FLOAT64 -> (float) bytes.getDouble();
      case FLOAT16 -> half(bytes.getShort());
      case INT32 -> bytes.getInt();
      case INT64 -> bytes.getLong();
      case UINT8 -> bytes.get() & 0xFF;
      case BOOL -> bytes.get() == 0 ? 0f : 1f;
    };
  }

  /** IEEE 754 binary16: sign, 5 bits of exponent (bias 15), 10 of fraction. */
  private static float half(short bits) {
    int sign = (bits & 0x8000) << 16;
    int exponent = (bits >> 10) & 0x1F;
    int fraction = bits & 0x3FF;
    if (exponent == 0x1F) {
      return Float.intBitsToFloat(sign | 0x7F80_0000 | (fraction << 13));
    }
    if (exponent == 0) {
      float magnitude = fraction * 0x1p-24f;
      return sign == 0 ? magnitude : -magnitude;
    }
    return Float.intBitsToFloat(sign | ((exponent + 112) << 23) | (fraction << 13));
  }
}
