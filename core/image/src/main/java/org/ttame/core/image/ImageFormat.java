package org.ttame.core.image;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import org.ttame.core.Text;

/** What a file is by its first bytes; its name counts for nothing. */
enum ImageFormat {
  JPEG("JPEG"),
  PNG("PNG"),
  BMP("BMP"),
  WEBP("WebP"),
  GIF("GIF");

  private final String label;

  ImageFormat(String label) {
    this.label = label;
  }

  /** The format's name for people. */
  String label() {
    return label;
  }

  /**
   * Recognises a file; refuses one that is empty, no image, or an image of a format not decoded
   * here.
   */
  static ImageFormat of(byte[] bytes) throws Refusal {
    if (bytes.length == 0) {
      throw Refusal.notAnImage("the file is empty");
    }
    if (starts(bytes, 0, 0xFF, 0xD8, 0xFF)) {
      return JPEG;
    }
    if (starts(bytes, 0, 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n')) {
      return PNG;
    }
    if (starts(bytes, 0, 'R', 'I', 'F', 'F') && starts(bytes, 8, 'W', 'E', 'B', 'P')) {
      return WEBP;
    }
    if (starts(bytes, 0, 'G', 'I', 'F', '8', '7', 'a')
        || starts(bytes, 0, 'G', 'I', 'F', '8', '9', 'a')) {
      return GIF;
    }
    // Two letters are little: the size of the second header, a small number in four bytes, tells a
    // BMP from a text that starts with BM.
    if (starts(bytes, 0, 'B', 'M') && starts(bytes, 15, 0, 0, 0)) {
      return BMP;
    }
    Optional<String> foreign = ForeignImage.nameOf(bytes);
    if (foreign.isPresent()) {
      throw Refusal.unsupported(
          Text.format("%s images are not read; convert it to PNG or JPEG", foreign.get()));
    }
    throw Refusal.notAnImage(
        Text.format(
            "not an image: it starts with %s, and neither JPEG, PNG, WebP, BMP nor GIF does",
            beginning(bytes)));
  }

  /**
   * The name of the image format, decoded here or not, that a file has by its first KB; empty for
   * anything else.
   */
  static Optional<String> nameOf(byte[] start) {
    try {
      return Optional.of(of(start).label());
    } catch (Refusal e) {
      return ForeignImage.nameOf(start);
    }
  }

  static boolean starts(byte[] bytes, int at, int... signature) {
    if (bytes.length - at < signature.length) {
      return false;
    }
    for (int i = 0; i < signature.length; i++) {
      if ((bytes[at + i] & 0xFF) != signature[i]) {
        return false;
      }
    }
    return true;
  }

  /** The first bytes as text where they are text, otherwise as hexadecimal numbers. */
  private static String beginning(byte[] bytes) {
    byte[] head = Arrays.copyOf(bytes, Math.min(bytes.length, 12));
    for (byte b : head) {
      if (b < 0x20 || b > 0x7E) {
        StringBuilder hex = new StringBuilder("the bytes");
        for (int i = 0; i < Math.min(head.length, 4); i++) {
          hex.append(Text.format(" %02x", head[i]));
        }
        return hex.toString();
      }
    }
    return "\"" + new String(head, StandardCharsets.US_ASCII) + "\"";
  }
}
