package org.ttame.eval.output;

import java.io.IOException;
import java.io.Reader;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Rows of comma-separated values as RFC 4180 has them, in UTF-8, lines ended by LF.
 *
 * <p>A spreadsheet computes a cell that begins with {@code =}, {@code +}, {@code -} or {@code @},
 * and an image may be called {@code =cmd}. Such a text, unless it is a number, is written behind an
 * apostrophe, as OWASP advises; so is one of apostrophes before such a sign, that {@link #read} can
 * take away just the one that was added.
 */
public final class Csv {
  private static final Pattern FORMULA = Pattern.compile("(?s)'*[=+\\-@\t\r\n＝＋－＠].*");
  private static final Pattern GUARDED = Pattern.compile("(?s)'" + FORMULA.pattern());
  private static final Pattern NUMBER =
      Pattern.compile("[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?|[+-]?Infinity");

  private Csv() {}

  /** A row, ended by LF. */
  public static String row(List<String> cells) {
    return cells.stream().map(Csv::quoted).collect(Collectors.joining(",", "", "\n"));
  }

  /** The shortest decimals that read back as the same double; nothing for NaN. */
  public static String number(double value) {
    if (Double.isNaN(value)) {
      return "";
    }
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? Long.toString((long) value)
        : Double.toString(value);
  }

  /** What {@link #number} wrote. */
  static double toNumber(String cell) {
    return cell.isEmpty() ? Double.NaN : Double.parseDouble(cell);
  }

  /**
   * Reads rows as {@link #row} writes them.
   *
   * @param reader the text, from where a row begins
   * @param rows receives the cells of each row
   * @throws IOException if it cannot be read, or ends within a row
   */
  public static void read(Reader reader, Consumer<List<String>> rows) throws IOException {
    List<String> cells = new ArrayList<>();
    StringBuilder cell = new StringBuilder();
    boolean quoted = false;
    int before = ',';
    for (int c = reader.read(); c >= 0; c = reader.read()) {
      if (c == '"') {
        // A quote inside quotes is doubled: it closes, and opens again right behind itself.
        if (!quoted && before == '"') {
          cell.append('"');
        }
        quoted = !quoted;
      } else if (quoted || (c != ',' && c != '\n')) {
        cell.append((char) c);
      } else {
        String text = cell.toString();
        cells.add(GUARDED.matcher(text).matches() ? text.substring(1) : text);
        cell.setLength(0);
        if (c == '\n') {
          rows.accept(List.copyOf(cells));
          cells.clear();
        }
      }
      before = c;
    }
    if (quoted || !cell.isEmpty() || !cells.isEmpty()) {
      throw new IOException("it ends within a row");
    }
  }

  private static String quoted(String text) {
    boolean formula = FORMULA.matcher(text).matches() && !NUMBER.matcher(text).matches();
    String cell = formula ? "'" + text : text;
    boolean plain = cell.chars().noneMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
    return plain ? cell : '"' + cell.replace("\"", "\"\"") + '"';
  }
}
