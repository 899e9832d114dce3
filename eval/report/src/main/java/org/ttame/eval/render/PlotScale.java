package org.ttame.eval.render;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/** What an axis of a plot reaches over, and where it is divided. */
record PlotScale(double low, double high) {
  private static final int MOST_TICKS = 7;

  /** Differences below this share of a value are rounding. */
  private static final double ROUNDING = 1e-9;

  /** Outside of these decades numbers are written as powers of ten. */
  private static final int FIRST_PLAIN_DECADE = -2;

  private static final int LAST_PLAIN_DECADE = 3;

  /** A division of an axis, and what stands there. */
  record Tick(double value, String text) {}

  /** From the smallest of some values to the largest; 1 around them where they are one. */
  static PlotScale of(DoubleStream values) {
    double[] finite = values.filter(Double::isFinite).toArray();
    double low = DoubleStream.of(finite).min().orElse(0);
    double high = DoubleStream.of(finite).max().orElse(1);
    double least = Math.max(1e-300, ROUNDING * Math.abs(low));
    return high - low > least ? new PlotScale(low, high) : new PlotScale(low - 0.5, low + 0.5);
  }

  /** With a share of its length more at both ends. */
  PlotScale widened(double share) {
    double room = share * (high - low);
    return new PlotScale(low - room, high + room);
  }

  /** Where a value lies, from 0 at the lower end to 1 at the upper. */
  double share(double value) {
    return (value - low) / (high - low);
  }

  /** Round numbers. */
  List<Tick> round() {
    double step = step();
    List<Tick> ticks = new ArrayList<>();
    for (long i = (long) Math.ceil(low / step); i * step <= high; i++) {
      ticks.add(new Tick(i * step, number(i * step, step)));
    }
    return ticks;
  }

  /** These very numbers. */
  List<Tick> at(double... points) {
    double step = step();
    return DoubleStream.of(points)
        .mapToObj(point -> new Tick(point, trimmed(number(point, step / 100))))
        .toList();
  }

  /**
   * Powers of ten, and where there are too few of them some digits of each, for a scale of decimal
   * logarithms. All are written in one way.
   */
  List<Tick> decades() {
    double span = high - low;
    int[] digits =
        span >= 2
            ? new int[] {1}
            : span >= 0.7 ? new int[] {1, 2, 5} : IntStream.rangeClosed(1, 9).toArray();
    int first = (int) Math.floor(low);
    boolean plain = first >= FIRST_PLAIN_DECADE && high <= LAST_PLAIN_DECADE;
    List<Tick> ticks = new ArrayList<>();
    for (int decade = first; decade <= high; decade++) {
      for (int digit : digits) {
        double at = decade + Math.log10(digit);
        if (at >= low - ROUNDING && at <= high + ROUNDING) {
          String text =
              plain
                  ? decimal(digit * Math.pow(10, decade), -decade)
                  : (digit + "e" + decade).replace('-', '−');
          ticks.add(new Tick(at, text));
        }
      }
    }
    return ticks;
  }

  /** The next number of 1, 2 or 5 and zeros that divides the scale into few enough parts. */
  private double step() {
    double rough = (high - low) / MOST_TICKS;
    double power = Math.pow(10, Math.floor(Math.log10(rough)));
    double share = rough / power;
    return power * (share <= 1 ? 1 : share <= 2 ? 2 : share <= 5 ? 5 : 10);
  }

  /** As many digits as tell a number from the next. */
  private static String number(double value, double step) {
    if (value == 0) {
      return "0";
    }
    int place = (int) Math.floor(Math.log10(step) + ROUNDING);
    int size = (int) Math.floor(Math.log10(Math.max(Math.abs(value), step)) + ROUNDING);
    String text =
        place < -5 || size > 6
            ? decimal(value / Math.pow(10, size), size - place) + "e" + size
            : decimal(value, -place);
    return text.replace('-', '−');
  }

  private static String decimal(double value, int digits) {
    return BigDecimal.valueOf(value)
        .setScale(Math.max(0, digits), RoundingMode.HALF_EVEN)
        .toPlainString();
  }

  private static String trimmed(String number) {
    return number.contains(".") && !number.contains("e")
        ? number.replaceAll("\\.?0+$", "")
        : number;
  }
}
