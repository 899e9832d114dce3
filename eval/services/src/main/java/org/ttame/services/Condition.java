package org.ttame.services;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.ttame.core.Text;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.metric.MetricKey;

/**
 * A number that makes a pipeline fail, as it is typed: {@code AD(50)>20}, {@code ttame:IC(15)<=5},
 * {@code MoRF>=30}.
 *
 * @param text as typed
 * @param method whose number; empty for the first method's
 * @param key which number
 * @param operator {@code <}, {@code <=}, {@code >} or {@code >=}
 * @param bound what it is held against
 */
public record Condition(
    String text, Optional<String> method, MetricKey key, String operator, double bound) {
  private static final String OPTION = "fail-if";
  private static final Pattern FORM =
      Pattern.compile(
          "\\s*(?:([^:<>=()\\s]+)\\s*:)?\\s*([A-Za-z]+)\\s*(?:\\(\\s*([0-9.]+)\\s*%?\\s*\\))?"
              + "\\s*(<=|>=|<|>)\\s*([-+0-9.eE]+)\\s*");

  /** The number of one method, where it is known. */
  @FunctionalInterface
  public interface Numbers {
    /** A number; NaN where it applies to no image. */
    double of(String method, MetricKey key);
  }

  /**
   * Reads a condition.
   *
   * @throws InvalidOptionException if it is none
   */
  public static Condition parse(String text) {
    Matcher form = FORM.matcher(text);
    try {
      if (form.matches()) {
        String metric = form.group(2).toLowerCase(Locale.ROOT);
        MetricKey key =
            form.group(3) == null
                ? MetricKey.of(metric)
                : MetricKey.at(metric, Double.parseDouble(form.group(3)));
        return new Condition(
            text,
            Optional.ofNullable(form.group(1)),
            key,
            form.group(4),
            Double.parseDouble(form.group(5)));
      }
    } catch (NumberFormatException e) {
      // Said below, in one place.
    }
    throw new InvalidOptionException(
        OPTION,
        Text.format(
            "\"%s\" is not a condition; write for example \"AD(50)>20\" or \"gradcam:IC(15)<=5\"",
            text));
  }

  /**
   * Makes sure that the number will be known.
   *
   * @param methods the names of those that take part
   * @param keys the numbers measured
   * @throws InvalidOptionException naming those there are
   */
  public void require(List<String> methods, List<MetricKey> keys) {
    if (method.isPresent() && !methods.contains(method.get())) {
      throw unknown(method.get(), "method", methods.stream());
    }
    if (!keys.contains(key)) {
      throw unknown(named(key), "metric", keys.stream().map(Condition::named));
    }
  }

  private InvalidOptionException unknown(String name, String what, Stream<String> known) {
    return new InvalidOptionException(
        OPTION,
        Text.format(
            "\"%s\": the %s %s is not measured here; available: %s",
            text, what, name, known.collect(Collectors.joining(", "))));
  }

  private static String named(MetricKey key) {
    return key.title().replace("%", "");
  }

  /**
   * Whether it is met.
   *
   * @param methods the names of those that take part
   * @param numbers of theirs
   * @return a sentence if it is, or if there is no such number; empty if all is well
   */
  public Optional<String> met(List<String> methods, Numbers numbers) {
    String whose = method.orElse(methods.get(0));
    double value = numbers.of(whose, key);
    boolean met =
        switch (operator) {
          case "<" -> value < bound;
          case "<=" -> value <= bound;
          case ">" -> value > bound;
          default -> value >= bound;
        };
    if (Double.isNaN(value)) {
      return Optional.of(
          Text.format(
              "%s of %s applies to no image, so \"%s\" cannot be judged",
              key.title(), ExplanationMethod.title(whose), text));
    }
    return met
        ? Optional.of(
            Text.format(
                "%s of %s is %.4g: \"%s\" is met",
                key.title(), ExplanationMethod.title(whose), value, text))
        : Optional.empty();
  }

  /** The sentences of all conditions that are met. */
  static List<String> met(List<Condition> conditions, List<String> methods, Numbers numbers) {
    return conditions.stream()
        .flatMap(condition -> condition.met(methods, numbers).stream())
        .toList();
  }
}
