package org.ttame.cli;

import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Commands to be copied from what is printed into a shell. */
final class Shell {
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_@%+=:,./-]+");
  private static final boolean WINDOWS =
      System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("windows");

  private Shell() {}

  /**
   * What follows {@code ttame} as it is typed, words with spaces or other signs of the shell's
   * quoted.
   */
  static String line(String... words) {
    return "ttame " + Arrays.stream(words).map(Shell::quoted).collect(Collectors.joining(" "));
  }

  private static String quoted(String word) {
    if (WINDOWS) {
      // No file's name has a double quote there; the backslash is plain.
      return PLAIN.matcher(word.replace('\\', '/')).matches() ? word : '"' + word + '"';
    }
    return PLAIN.matcher(word).matches() ? word : "'" + word.replace("'", "'\\''") + "'";
  }
}
