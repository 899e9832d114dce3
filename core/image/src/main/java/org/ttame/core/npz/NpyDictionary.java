package org.ttame.core.npz;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.ttame.core.Text;

/**
 * The dictionary literal of an npy header, e.g. {@code {'descr': '<f4', 'fortran_order': False,
 * 'shape': (3, 4), }}.
 *
 * @param descr the element type as numpy writes it
 * @param fortran whether the first index runs fastest
 * @param shape the lengths
 */
record NpyDictionary(String descr, boolean fortran, List<Long> shape) {

  /**
   * Reads the literal: exactly the three keys, in any order, and padding after it. Messages call
   * the array by {@code name}.
   */
  static NpyDictionary parse(String text, String name) throws IOException {
    return new Parser(text, name).dictionary();
  }

  private static final class Parser {
    private final String text;
    private final String name;
    private int at;

    Parser(String text, String name) {
      this.text = text;
      this.name = name;
    }

    NpyDictionary dictionary() throws IOException {
      String descr = null;
      Boolean fortran = null;
      List<Long> shape = null;
      expect('{');
      while (peek() != '}') {
        String key = string();
        expect(':');
        switch (key) {
          case "descr" -> descr = descr();
          case "fortran_order" -> fortran = bool();
          case "shape" -> shape = tuple();
          default -> throw broken("key '" + key + "'");
        }
        if (peek() != '}') {
          expect(',');
        }
      }
      expect('}');
      if (!text.substring(at).isBlank()) {
        throw broken("text after the dictionary");
      }
      if (descr == null || fortran == null || shape == null) {
        throw broken("no descr, fortran_order or shape");
      }
      return new NpyDictionary(descr, fortran, shape);
    }

    private String descr() throws IOException {
      if (peek() == '[') {
        throw new IOException(
            Text.format(
                "%s holds records (a structured numpy type); plain numbers are read", name));
      }
      return string();
    }

    private String string() throws IOException {
      char quote = peek();
      if (quote != '\'' && quote != '"') {
        throw broken("no quoted string");
      }
      int end = text.indexOf(quote, at + 1);
      if (end < 0) {
        throw broken("a string without end");
      }
      String value = text.substring(at + 1, end);
      at = end + 1;
      return value;
    }

    private boolean bool() throws IOException {
      peek();
      for (String word : List.of("True", "False")) {
        if (text.startsWith(word, at)) {
          at += word.length();
          return word.equals("True");
        }
      }
      throw broken("neither True nor False");
    }

    private List<Long> tuple() throws IOException {
      List<Long> lengths = new ArrayList<>();
      expect('(');
      while (peek() != ')') {
        lengths.add(number());
        if (peek() != ')') {
          expect(',');
        }
      }
      expect(')');
      return List.copyOf(lengths);
    }

    private long number() throws IOException {
      int start = at;
      while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
        at++;
      }
      if (at == start || at - start > 18) {
        throw broken("a length that is no number of elements");
      }
      long value = Long.parseLong(text.substring(start, at));
      if (at < text.length() && text.charAt(at) == 'L') { // Python 2 wrote long integers so
        at++;
      }
      return value;
    }

    private char peek() throws IOException {
      while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
        at++;
      }
      if (at == text.length()) {
        throw broken("an early end");
      }
      return text.charAt(at);
    }

    private void expect(char wanted) throws IOException {
      if (peek() != wanted) {
        throw broken(Text.format("'%c' where '%c' belongs", text.charAt(at), wanted));
      }
      at++;
    }

    private IOException broken(String found) {
      return new IOException(
          Text.format("%s has a broken npy header: %s at character %d", name, found, at));
    }
  }
}
