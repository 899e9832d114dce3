package org.ttame.backbones.onnx;

import java.nio.ByteBuffer;

/** The element types of ONNX tensors that occur in image classifiers. */
enum ElementType {
  FLOAT(1, 4, false),
  UINT8(2, 1, true),
  INT8(3, 1, true),
  UINT16(4, 2, true),
  INT16(5, 2, true),
  INT32(6, 4, true),
  INT64(7, 8, true),
  BOOL(9, 1, true),
  FLOAT16(10, 2, false),
  DOUBLE(11, 8, false),
  UINT32(12, 4, true),
  UINT64(13, 8, true),
  BFLOAT16(16, 2, false);

  private final int code;
  private final int bytes;
  private final boolean integer;

  ElementType(int code, int bytes, boolean integer) {
    this.code = code;
    this.bytes = bytes;
    this.integer = integer;
  }

  int bytes() {
    return bytes;
  }

  boolean integer() {
    return integer;
  }

  /** The type of that code in {@code TensorProto.DataType}; null where unsupported. */
  static ElementType of(long code) {
    for (ElementType type : values()) {
      if (type.code == code) {
        return type;
      }
    }
    return null;
  }

  /** Reads the element at a byte index of a little-endian buffer. */
  double get(ByteBuffer buffer, int index) {
    return switch (this) {
      case FLOAT -> buffer.getFloat(index);
      case UINT8, BOOL -> buffer.get(index) & 0xFF;
      case INT8 -> buffer.get(index);
      case UINT16 -> buffer.getShort(index) & 0xFFFF;
      case INT16 -> buffer.getShort(index);
      case INT32 -> buffer.getInt(index);
      case UINT32 -> Integer.toUnsignedLong(buffer.getInt(index));
      case INT64 -> buffer.getLong(index);
      case UINT64 -> unsigned(buffer.getLong(index));
      case FLOAT16 -> half(buffer.getShort(index));
      case DOUBLE -> buffer.getDouble(index);
      case BFLOAT16 -> Float.intBitsToFloat(buffer.getShort(index) << 16);
    };
  }

  /** What an element of {@code int32_data} stands for. */
  double fromInt32(int value) {
    return switch (this) {
      case FLOAT16 -> half((short) value);
      case BFLOAT16 -> Float.intBitsToFloat(value << 16);
      default -> value;
    };
  }

  /**
   * What a number becomes in this type: rounded to the nearest float, ties to even, cut off towards
   * zero for an integer, one that is too large wrapped around.
   */
  double fit(double value) {
    return switch (this) {
      case FLOAT -> (float) value;
      case DOUBLE -> value;
      case FLOAT16 -> rounded(value, 10, -14, 0x1.ffcp15);
      case BFLOAT16 -> rounded((float) value, 7, -126, 0x1.fep127);
      case BOOL -> value != 0 ? 1 : 0;
      case UINT8 -> (long) value & 0xFF;
      case INT8 -> (byte) (long) value;
      case UINT16 -> (long) value & 0xFFFF;
      case INT16 -> (short) (long) value;
      case INT32 -> (int) (long) value;
      case UINT32 -> (long) value & 0xFFFF_FFFFL;
      case INT64 -> (double) (long) value;
      case UINT64 -> value < 0 ? unsigned((long) value) : Math.floor(value);
    };
  }

  /** The smallest and the largest integer of this type. */
  double[] range() {
    return switch (this) {
      case UINT8 -> new double[] {0, 255};
      case INT8 -> new double[] {-128, 127};
      case UINT16 -> new double[] {0, 65535};
      case INT16 -> new double[] {-32768, 32767};
      case INT32 -> new double[] {Integer.MIN_VALUE, Integer.MAX_VALUE};
      default -> throw new IllegalArgumentException(this + " is not quantised to");
    };
  }

  private static double rounded(double value, int fraction, int smallest, double largest) {
    if (Double.isNaN(value) || Double.isInfinite(value) || value == 0) {
      return value;
    }
    double unit = Math.scalb(1.0, Math.max(Math.getExponent(value), smallest) - fraction);
    double near = Math.rint(value / unit) * unit;
    return Math.abs(near) > largest ? Math.copySign(Double.POSITIVE_INFINITY, value) : near;
  }

  private static double unsigned(long value) {
    double low = value & Long.MAX_VALUE;
    return value < 0 ? low + 0x1p63 : low;
  }

  private static float half(short bits) {
    int sign = (bits & 0x8000) << 16;
    int exponent = (bits >> 10) & 0x1F;
    int mantissa = bits & 0x3FF;
    if (exponent == 0) {
      float magnitude = mantissa * 0x1p-24f;
      return sign == 0 ? magnitude : -magnitude;
    }
    int biased = exponent == 31 ? 255 : exponent + 112;
    return Float.intBitsToFloat(sign | biased << 23 | mantissa << 13);
  }
}
