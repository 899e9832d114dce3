package org.ttame.core;

import com.google.errorprone.annotations.FormatMethod;
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
