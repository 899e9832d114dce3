package org.ttame.eval.report;

import org.ttame.core.Text;
import org.ttame.eval.statistics.Interval;

/** Numbers as people read them: percentages with two decimals, a real minus, a dash for none. */
final class Numbers {
  private static final String NONE = "–";

  private Numbers() {}

  /** A mean: {@code 12.34}. */
  static String mean(Interval interval) {
    return Double.isNaN(interval.mean()) ? NONE : plain(interval.mean());
  }

  /** Where a mean would lie: {@code 11.90 to 12.78}; nothing if that is not known. */
  static String range(Interval interval) {
    return Double.isNaN(interval.low())
        ? ""
        : plain(interval.low()) + " to " + plain(interval.high());
  }

  /** A difference: {@code −1.20}. */
  static String difference(Interval interval) {
    return Double.isNaN(interval.mean()) ? NONE : signed(interval.mean());
  }

  /** Where a difference would lie: {@code −1.90 to −0.50}; nothing if that is not known. */
  static String differenceRange(Interval interval) {
    return Double.isNaN(interval.low())
        ? ""
        : signed(interval.low()) + " to " + signed(interval.high());
  }

  /** One image's number: {@code 12.3}. */
  static String ofImage(double value) {
    return Double.isNaN(value) ? NONE : Text.format("%.1f", value);
  }

  private static String plain(double value) {
    return Text.format("%.2f", value);
  }

  private static String signed(double value) {
    String text = plain(Math.abs(value));
    return text.equals("0.00") ? text : (value < 0 ? "−" : "+") + text;
  }
}
