package org.ttame.backbones.onnx;

import java.nio.ByteBuffer;

/** The element types of ONNX tensors that occur in image classifiers. */
enum ElementType {
  FLOAT(1, 4, false),
  UINT8(2, 1, true),
  INT8(3, 1, true),
  INT32(6, 4, true),
  INT64(7, 8, true),
  BOOL(9, 1, true),
  FLOAT16(10, 2, false),
  DOUBLE(11, 8, false),
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
      case INT32 -> buffer.getInt(index);
      case INT64 -> buffer.getLong(index);
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
