package org.ttame.core.image;

import static org.ttame.core.image.ImageFormat.starts;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;

/** Images people have, which are not decoded here, to be told apart from no image at all. */
final class ForeignImage {
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
