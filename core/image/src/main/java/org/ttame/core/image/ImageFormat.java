package org.ttame.core.image;

import static org.ttame.core.image.ImageFormat.starts;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
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

  /** Images people have, which are not decoded here, to be told apart from no image at all. */
  private static final class ForeignImage {
    /** So far into a file a word that tells its format is looked for. */
    private static final int FAR = 1024;

    private static final int DICOM = 128;

    private ForeignImage() {}

    /** The name of the format of a file that is none of {@link ImageFormat}, by its start. */
    static Optional<String> nameOf(byte[] bytes) {
      return Optional.ofNullable(name(bytes));
    }

    private static String name(byte[] bytes) {
      if (starts(bytes, 0, 'I', 'I', 42, 0, 16, 0, 0, 0, 'C', 'R')
          || starts(bytes, 0, 'I', 'I', 'U', 0)
          || starts(bytes, 0, 'I', 'I', 'R')
          || starts(bytes, 0, 'F', 'U', 'J', 'I', 'F', 'I', 'L', 'M', 'C', 'C', 'D')
          || starts(bytes, 4, 'f', 't', 'y', 'p', 'c', 'r', 'x')) {
        return "raw camera";
      }
      if (starts(bytes, 0, 'I', 'I', 42, 0) || starts(bytes, 0, 'M', 'M', 0, 42)) {
        return "TIFF";
      }
      if (starts(bytes, 0, 'I', 'I', 43, 0) || starts(bytes, 0, 'M', 'M', 0, 43)) {
        return "BigTIFF";
      }
      if (starts(bytes, 0, 'I', 'I', 0xBC)) {
        return "JPEG XR";
      }
      if (starts(bytes, 0, 0, 0, 0, 12, 'j', 'P') || starts(bytes, 0, 0xFF, 0x4F, 0xFF, 0x51)) {
        return "JPEG 2000";
      }
      if (starts(bytes, 0, 0, 0, 0, 12, 'J', 'X', 'L') || starts(bytes, 0, 0xFF, 0x0A)) {
        return "JPEG XL";
      }
      if (starts(bytes, 4, 'f', 't', 'y', 'p')) {
        return ofBrand(text(bytes, 8, 12));
      }
      if (starts(bytes, 0, 0, 0, 1, 0) || starts(bytes, 0, 0, 0, 2, 0)) {
        return "ICON";
      }
      if (starts(bytes, 0, '8', 'B', 'P', 'S')) {
        return "PHOTOSHOP";
      }
      if (starts(bytes, 0, 0x76, 0x2F, 0x31, 0x01)) {
        return "OpenEXR";
      }
      if (starts(bytes, DICOM, 'D', 'I', 'C', 'M')) {
        return "DICOM";
      }
      return ofWord(text(bytes, 0, FAR));
    }

    /** Films have the same container. */
    private static String ofBrand(String brand) {
      return switch (brand) {
        case "avif", "avis", "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1" ->
            "AVIF or HEIC";
        default -> null;
      };
    }

    private static String ofWord(String text) {
      if (text.startsWith("#?RADIANCE") || text.startsWith("#?RGBE")) {
        return "Radiance HDR";
      }
      if (text.matches("(?s)P[1-7FfHh]\\s.*")) {
        return "PNM";
      }
      if (text.startsWith("%PDF-")) {
        return "PDF";
      }
      if (text.startsWith("%!PS")) {
        return "PostScript";
      }
      if (text.startsWith("gimp xcf")) {
        return "GIMP";
      }
      if (text.startsWith("qoif")) {
        return "QOI";
      }
      if (text.startsWith("DDS ")) {
        return "DDS";
      }
      if (text.startsWith("SIMPLE  =")) {
        return "FITS";
      }
      boolean markup = text.strip().startsWith("<") || text.startsWith("\u00EF\u00BB\u00BF<");
      return markup && text.toLowerCase(Locale.ROOT).contains("<svg") ? "SVG" : null;
    }

    /** A byte a character. */
    private static String text(byte[] bytes, int from, int to) {
      int end = Math.min(to, bytes.length);
      return end <= from ? "" : new String(bytes, from, end - from, StandardCharsets.ISO_8859_1);
    }
  }
}
