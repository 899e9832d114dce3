package org.ttame.eval.render;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.List;

/**
 * A font of 5×9 pixels for printable ASCII, carried by the program: a headless Java may have no
 * fonts installed, and {@code java.awt} fails without one.
 */
final class BitmapFont {
  /** Pixels from one character to the next. */
  static final int ADVANCE = 6;

  /** Pixels of a character from its top to the end of its descender. */
  static final int HEIGHT = 9;

  private static final int WIDTH = 5;
  private static final int BAND = 16;
  private static final char FIRST = ' ';
  private static final char LAST = '~';

  private static final BitmapFont INSTANCE = read();

  private final boolean[][] ink;

  private BitmapFont(boolean[][] ink) {
    this.ink = ink;
  }

  static BitmapFont get() {
    return INSTANCE;
  }

  /**
   * Brings a text into the font's characters: accents are dropped, anything else that is not
   * printable ASCII becomes a question mark.
   */
  static String printable(String text) {
    StringBuilder result = new StringBuilder();
    Normalizer.normalize(text, Normalizer.Form.NFD)
        .codePoints()
        .filter(c -> Character.getType(c) != Character.NON_SPACING_MARK)
        .forEach(c -> result.append(c >= FIRST && c <= LAST ? (char) c : '?'));
    return result.toString();
  }

  /** Whether a pixel of a printable character is ink; x from 0 to 4, y from 0 to 8. */
  boolean isInk(char character, int x, int y) {
    return ink[character - FIRST][y * WIDTH + x];
  }

  private static BitmapFont read() {
    List<String> rows;
    try (InputStream in = BitmapFont.class.getResourceAsStream("font.txt");
        BufferedReader reader =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII))) {
      rows = reader.lines().filter(line -> !line.startsWith("//")).toList();
    } catch (IOException e) {
      throw new UncheckedIOException("The bitmap font could not be read", e);
    }
    boolean[][] ink = new boolean[LAST - FIRST + 1][WIDTH * HEIGHT];
    for (int c = 0; c < ink.length; c++) {
      for (int y = 0; y < HEIGHT; y++) {
        String row = rows.get(c / BAND * HEIGHT + y);
        for (int x = 0; x < WIDTH; x++) {
          ink[c][y * WIDTH + x] = row.charAt(c % BAND * ADVANCE + x) == '#';
        }
      }
    }
    return new BitmapFont(ink);
  }
}
