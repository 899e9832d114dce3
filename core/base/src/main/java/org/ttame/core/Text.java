package org.ttame.core;

import com.google.errorprone.annotations.FormatMethod;
import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;

/** Text that reads the same whatever the language of the computer. */
public final class Text {
  private Text() {}

  /**
   * Fills in a format with the digits and signs of {@link Locale#ROOT}. {@link String#formatted}
   * takes the digits of the default locale, which nothing here reads back; the build forbids it.
   *
   * @param format as {@link java.util.Formatter} has it
   * @param values one for each place in it
   */
  @FormatMethod
  public static String format(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }

  /** A number of things: {@code 1 step}, {@code 3 steps}. */
  public static String count(long number, String thing) {
    return format("%d %s%s", number, thing, number == 1 ? "" : "s");
  }

  /**
   * What may have been meant by a word that is not known.
   *
   * @param typed the word
   * @param known those that are
   * @return {@code ; did you mean X?} with the one that differs by two letters at most, or nothing
   */
  public static String didYouMean(String typed, Collection<String> known) {
    return known.stream()
        .min(Comparator.comparingInt(word -> distance(word, typed)))
        .filter(word -> distance(word, typed) <= Math.min(2, typed.length() / 2))
        .map(word -> "; did you mean " + word + "?")
        .orElse("");
  }

  /** Levenshtein's distance. */
  private static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int above = row[j];
        int change = a.charAt(i - 1) == b.charAt(j - 1) ? diagonal : diagonal + 1;
        row[j] = Math.min(change, Math.min(above, row[j - 1]) + 1);
        diagonal = above;
      }
    }
    return row[b.length()];
  }

  /** Seconds for people: {@code 42 s}, {@code 3 min 05 s}, {@code 2 h 10 min}. */
  public static String duration(double seconds) {
    long whole = Math.round(seconds);
    if (whole < 60) {
      return whole + " s";
    }
    if (whole < 3600) {
      return format("%d min %02d s", whole / 60, whole % 60);
    }
    return format("%d h %02d min", whole / 3600, whole / 60 % 60);
  }
}
