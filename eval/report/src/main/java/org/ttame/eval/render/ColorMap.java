package org.ttame.eval.render;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;
import org.ttame.core.Named;

/**
 * Turns a map's values into colours, in 256 steps.
 *
 * <p>{@link #VIRIDIS} and {@link #INFERNO} are the perceptually uniform tables by Stefan van der
 * Walt, Nathaniel Smith and Eric Firing, in the public domain (CC0). Equal steps of the value are
 * equal steps to the eye and the lightness only ever grows, so that a heatmap invents no edges and
 * survives grey print and colour blindness.
 */
public enum ColorMap implements Named {
  /** Blue over green to yellow: the default. */
  VIRIDIS(read("viridis")),
  /** Black over red to pale yellow. */
  INFERNO(read("inferno")),
  /**
   * Blue over cyan, green and yellow to red, as in the figures of the paper; not perceptually
   * uniform. Each channel is a trapezoid: 1.5 − |4x − c|, cut to [0,1], c = 3, 2, 1 for red, green,
   * blue.
   */
  JET(jet());

  private static final int STEPS = 256;

  @SuppressWarnings("ImmutableEnumChecker") // an unmodifiable copy
  private final List<Integer> table;

  ColorMap(List<Integer> table) {
    this.table = List.copyOf(table);
  }

  /**
   * The colour of a value.
   *
   * @param value from 0 to 1; what lies outside takes the colour of the nearer end, and NaN that of
   *     0
   * @return {@code 0xRRGGBB}
   */
  public int rgb(double value) {
    return table.get(step(value));
  }

  /**
   * The step of a value.
   *
   * @param value as for {@link #rgb}
   * @return its place among {@link #steps}
   */
  public int step(double value) {
    // The cast turns NaN into 0.
    return Math.max(0, Math.min(STEPS - 1, (int) Math.floor(value * STEPS)));
  }

  /** The 256 colours from that of 0 to that of 1, {@code 0xRRGGBB} each. */
  public List<Integer> steps() {
    return table;
  }

  /**
   * Reads an option's value.
   *
   * @param text the name of a colour map, in any case
   * @throws IllegalArgumentException if there is none of that name
   */
  public static ColorMap parse(String text) {
    return Named.parse(ColorMap.class, "colour map", text);
  }

  private static List<Integer> jet() {
    return IntStream.range(0, STEPS)
        .mapToDouble(i -> i / (STEPS - 1.0))
        .mapToObj(x -> trapezoid(x, 3) << 16 | trapezoid(x, 2) << 8 | trapezoid(x, 1))
        .toList();
  }

  private static int trapezoid(double x, int centre) {
    double value = 1.5 - Math.abs(4 * x - centre);
    return (int) Math.round(255 * Math.max(0, Math.min(1, value)));
  }

  private static List<Integer> read(String name) {
    try (InputStream in = ColorMap.class.getResourceAsStream(name + ".txt");
        BufferedReader reader =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII))) {
      return reader
          .lines()
          .filter(line -> !line.startsWith("//"))
          .map(line -> Integer.valueOf(line, 16))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException("The colour table " + name + " could not be read", e);
    }
  }
}
