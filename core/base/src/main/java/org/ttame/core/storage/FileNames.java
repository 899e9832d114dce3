package org.ttame.core.storage;

import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/**
 * Names of files as text, whatever the locale. Where that is not UTF-8 ({@code LC_ALL=C}, a
 * container without a locale) Java can neither tell nor express a name such as {@code crème.jpg};
 * the system can.
 *
 * <p>Names are read as UTF-8. A byte that is none, as in names of older systems, stands for itself
 * as the lone surrogate U+DC00 + byte, so that every name can be told and found again.
 */
public final class FileNames {
  private static final char ESCAPE = '\uDC00';
  private static final char REPLACEMENT = '\uFFFD';

  private FileNames() {}

  /**
   * The text of a path.
   *
   * @param path of a folder's entry, or any other
   * @return what {@link #resolve} finds it by
   */
  public static String text(Path path) {
    String text = path.toString();
    if (text.indexOf(REPLACEMENT) < 0 || !path.getFileSystem().equals(FileSystems.getDefault())) {
      return text;
    }
    String names =
        StreamSupport.stream(path.spliterator(), false)
            .map(FileNames::name)
            .collect(Collectors.joining("/"));
    return path.isAbsolute() ? path.getRoot() + names : names;
  }

  /**
   * Finds a file by its text.
   *
   * @param folder what a relative text starts from
   * @param text as {@link #text} gives it, or somebody wrote it
   * @return the path
   * @throws InvalidPathException if no file of the platform can have that name
   */
  public static Path resolve(Path folder, String text) {
    boolean plain = text.chars().noneMatch(FileNames::isEscape);
    try {
      if (plain) {
        return folder.resolve(text);
      }
    } catch (InvalidPathException e) {
      if (text.indexOf('\0') >= 0 || !FileSystems.getDefault().getSeparator().equals("/")) {
        throw e;
      }
    }
    String start = text.startsWith("/") ? "" : folder.toAbsolutePath().toUri().getRawPath();
    List<String> names =
        Arrays.stream(text.split("/", -1)).filter(name -> !name.isEmpty()).toList();
    String relative = names.stream().map(FileNames::percents).collect(Collectors.joining("/"));
    return Path.of(URI.create("file://" + start.replaceFirst("/+$", "") + "/" + relative));
  }

  /** A path as people read it: bytes that are not UTF-8 as {@code %E9}. */
  public static String shown(Path path) {
    return shown(text(path));
  }

  /** The same of its text. */
  public static String shown(String text) {
    if (text.chars().noneMatch(FileNames::isEscape)) {
      return text;
    }
    StringBuilder shown = new StringBuilder();
    text.codePoints()
        .forEach(
            c -> {
              if (isEscape(c)) {
                shown.append(percent(c - ESCAPE));
              } else {
                shown.appendCodePoint(c);
              }
            });
    return shown.toString();
  }

  /**
   * The bytes of a text.
   *
   * @param text as {@link #decode} gives it, or any other
   * @return UTF-8, and the bytes that were none
   */
  public static byte[] encode(String text) {
    if (text.codePoints().noneMatch(FileNames::isEscape)) {
      return text.getBytes(StandardCharsets.UTF_8);
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    text.codePoints()
        .forEach(
            c -> {
              if (isEscape(c)) {
                bytes.write(c - ESCAPE);
              } else {
                bytes.writeBytes(Character.toString(c).getBytes(StandardCharsets.UTF_8));
              }
            });
    return bytes.toByteArray();
  }

  /**
   * The text of bytes.
   *
   * @param bytes of a name
   */
  public static String decode(byte[] bytes) {
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(bytes.length);
    while (true) {
      CoderResult result = decoder.decode(in, out, true);
      if (!result.isMalformed()) {
        return out.flip().toString();
      }
      for (int i = 0; i < result.length(); i++) {
        out.put((char) (ESCAPE + (in.get() & 0xFF)));
      }
      decoder.reset();
    }
  }

  /** The text of one name, whose bytes a URI keeps. */
  private static String name(Path name) {
    String uri = name.toUri().getRawPath().replaceFirst("/$", "");
    String last = uri.substring(uri.lastIndexOf('/') + 1);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int i = 0; i < last.length(); i++) {
      boolean percent = last.charAt(i) == '%';
      bytes.write(percent ? Integer.parseInt(last.substring(i + 1, i + 3), 16) : last.charAt(i));
      i += percent ? 2 : 0;
    }
    return decode(bytes.toByteArray());
  }

  private static String percents(String name) {
    StringBuilder percents = new StringBuilder();
    for (byte b : encode(name)) {
      percents.append(percent(b & 0xFF));
    }
    return percents.toString();
  }

  private static String percent(int b) {
    return "%"
        + Character.toUpperCase(Character.forDigit(b >> 4, 16))
        + Character.toUpperCase(Character.forDigit(b & 15, 16));
  }

  private static boolean isEscape(int c) {
    return c >= ESCAPE + 0x80 && c <= ESCAPE + 0xFF;
  }
}
