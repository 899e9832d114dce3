package org.ttame.eval.output;

import java.io.IOException;
import java.io.Reader;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** Rows of comma-separated values as RFC 4180 has them, in UTF-8, lines ended by LF. */
public final class Csv {
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
  static void read(Reader reader, Consumer<List<String>> rows) throws IOException {
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
        cells.add(cell.toString());
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

  private static String quoted(String cell) {
    boolean plain = cell.chars().noneMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
    return plain ? cell : '"' + cell.replace("\"", "\"\"") + '"';
  }
}
