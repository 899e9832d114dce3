package org.ttame.core.storage;

/**
 * Text that is safe to print. Names of files, and what files say, come from others: line breaks
 * forge lines of a log, escape sequences drive a terminal, and characters that turn the direction
 * of writing show another name than the one that is there.
 */
public final class Printable {
  /** In names of several scripts and in emoji these two join letters, and do nothing else. */
  private static final String JOINERS = "\u200C\u200D";

  private Printable() {}

  /**
   * Makes a text safe for one line of a terminal or a log.
   *
   * @param text any
   * @return the text, in which control characters and those that are not seen or turn the direction
   *     of writing are written as in Java: {@code \n}, {@code \}{@code u001b}
   */
  public static String of(String text) {
    if (text.chars().allMatch(c -> c >= ' ' && c < 0x7F)) {
      return text;
    }
    StringBuilder safe = new StringBuilder(text.length());
    text.codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '\n' -> safe.append("\\n");
                case '\r' -> safe.append("\\r");
                case '\t' -> safe.append("\\t");
                default -> {
                  if (isHarmful(c)) {
                    for (char unit : Character.toChars(c)) {
                      safe.append(escape(unit));
                    }
                  } else {
                    safe.appendCodePoint(c);
                  }
                }
              }
            });
    return safe.toString();
  }

  private static boolean isHarmful(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
              Character.LINE_SEPARATOR,
              Character.PARAGRAPH_SEPARATOR,
              Character.SURROGATE ->
          true;
      case Character.FORMAT -> JOINERS.indexOf(c) < 0;
      default -> false;
    };
  }

  private static String escape(char unit) {
    String digits = Integer.toHexString(unit);
    return "\\u" + "0".repeat(4 - digits.length()) + digits;
  }
}
