package org.ttame.core.storage;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.ttame.core.Text;

/**
 * Text files that people write: UTF-8 with or without a byte-order mark, or UTF-16 with one; lines
 * ended as any system does. Measured before they are read.
 */
public final class TextFile {
  /** The most bytes of a file that is kept in memory. */
  public static final long LIMIT = 64L << 20;

  private static final int BUFFER = 1 << 16;
  private static final int MARK = 3;

  private TextFile() {}

  /** What a file that is no text is answered with; names file and line. */
  public static final class NoTextException extends IOException {
    private static final long serialVersionUID = 1L;

    private final int line;

    NoTextException(Path file, int line, Throwable cause) {
      super(
          Text.format("'%s' is not text in UTF-8 (line %d); save it as UTF-8", file, line), cause);
      this.line = line;
    }

    /** The first line that is no text, 1 or more. */
    public int line() {
      return line;
    }
  }

  /** Takes lines. */
  @FunctionalInterface
  public interface Lines {
    /**
     * Takes a line.
     *
     * @param line without its end
     * @param number 1 for the first
     * @throws IOException if it makes no sense to the reader
     */
    void take(String line, int number) throws IOException;
  }

  /**
   * Reads a file line by line.
   *
   * @param limit the most bytes it may have
   * @param to takes the lines
   * @throws NoTextException naming file and line, if it is not text
   * @throws IOException naming the file, if it is no regular file or longer than the limit; or what
   *     the taker threw
   */
  public static void forEach(Path file, long limit, Lines to) throws IOException {
    InputFile.require(file);
    if (Files.size(file) > limit) {
      throw tooLong(file, limit);
    }
    try (InputStream in = new BufferedInputStream(InputFile.open(file), BUFFER)) {
      in.mark(MARK);
      byte[] start = in.readNBytes(MARK);
      in.reset();
      int first = start.length < 2 ? 0 : (start[0] & 0xFF) << 8 | (start[1] & 0xFF);
      if (first == 0xFEFF || first == 0xFFFE) {
        wide(file, in, first == 0xFEFF ? StandardCharsets.UTF_16BE : StandardCharsets.UTF_16LE, to);
        return;
      }
      if (first == 0xEFBB && start.length == MARK && start[2] == (byte) 0xBF) {
        in.skipNBytes(MARK);
      }
      utf8(file, in, limit, to);
    }
  }

  /**
   * Reads a file of at most {@link #LIMIT} bytes.
   *
   * @return its lines
   * @throws IOException as {@link #forEach} does
   */
  public static List<String> lines(Path file) throws IOException {
    List<String> lines = new ArrayList<>();
    forEach(file, LIMIT, (line, number) -> lines.add(line));
    return lines;
  }

  /**
   * Reads a file of at most {@link #LIMIT} bytes.
   *
   * @return its text, every line ended by LF
   * @throws IOException as {@link #forEach} does
   */
  public static String text(Path file) throws IOException {
    StringBuilder text = new StringBuilder();
    forEach(file, LIMIT, (line, number) -> text.append(line).append('\n'));
    return text.toString();
  }

  /** Line ends are bytes of their own in UTF-8, so that a line that is not text can be named. */
  private static void utf8(Path file, InputStream in, long limit, Lines to) throws IOException {
    Line line = new Line();
    long read = 0;
    int number = 1;
    boolean afterReturn = false;
    for (int b = in.read(); b >= 0; b = in.read()) {
      if (++read > limit) {
        throw tooLong(file, limit);
      }
      if (b == '\r' || (b == '\n' && !afterReturn)) {
        to.take(decoded(file, line.take(), StandardCharsets.UTF_8, number), number);
        number++;
      } else if (b != '\n') {
        line.write(b);
      }
      afterReturn = b == '\r';
    }
    if (line.size() > 0) {
      to.take(decoded(file, line.take(), StandardCharsets.UTF_8, number), number);
    }
  }

  private static void wide(Path file, InputStream in, Charset charset, Lines to)
      throws IOException {
    in.skipNBytes(2);
    byte[] bytes = in.readNBytes((int) LIMIT + 1);
    if (bytes.length > LIMIT) {
      throw tooLong(file, LIMIT);
    }
    int number = 1;
    for (String line : decoded(file, bytes, charset, 1).lines().toList()) {
      to.take(line, number++);
    }
  }

  private static String decoded(Path file, byte[] bytes, Charset charset, int line)
      throws IOException {
    String text;
    try {
      text = charset.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new NoTextException(file, line, e);
    }
    if (text.indexOf('\0') >= 0) {
      throw new NoTextException(file, line, null);
    }
    return text;
  }

  private static IOException tooLong(Path file, long limit) {
    return new IOException(
        Text.format(
            "'%s' is longer than a text file of its kind may be, %d MB", file, limit >> 20));
  }

  /** The bytes of a line so far. */
  private static final class Line extends ByteArrayOutputStream {
    byte[] take() {
      byte[] bytes = toByteArray();
      reset();
      return bytes;
    }
  }
}
