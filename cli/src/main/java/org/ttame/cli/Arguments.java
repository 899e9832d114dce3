package org.ttame.cli;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.ttame.core.Text;
import org.ttame.core.storage.FileNames;

/**
 * The options of one call, from the command line and, where it is silent, from {@code --config};
 * read by type, with the default of the {@link OptionSpec} where neither names the option.
 */
final class Arguments {
  /** Parts the values of an option that is given several times. */
  static final char NEXT = '\n';

  private final Map<String, String> values;
  private final List<String> operands;
  private final Set<String> configured;

  /**
   * What was typed: option name without dashes to value, {@code "true"} for a switch that is on,
   * and what stood without a dash.
   */
  Arguments(Map<String, String> values, List<String> operands) {
    this(values, operands, Set.of());
  }

  /** As above; {@code configured} names the options that {@code --config} set. */
  Arguments(Map<String, String> values, List<String> operands, Set<String> configured) {
    this.values = Map.copyOf(values);
    this.operands = List.copyOf(operands);
    this.configured = Set.copyOf(configured);
  }

  /** Whether the option's value is that of the configuration file. */
  boolean isConfigured(OptionSpec option) {
    return configured.contains(option.name());
  }

  /** What stood without a dash. */
  List<String> operands() {
    return operands;
  }

  /** Whether the user named this option; for a switch, whether it is on. */
  boolean has(OptionSpec option) {
    String value = values.get(option.name());
    return option.isFlag() ? "true".equals(value) : value != null;
  }

  /** The value as typed, or the default; empty where there is neither. */
  Optional<String> text(OptionSpec option) {
    return Optional.ofNullable(values.getOrDefault(option.name(), option.defaultValue()));
  }

  /** The values of an option that may be given several times, in order; possibly none. */
  List<String> texts(OptionSpec option) {
    return text(option).map(text -> List.of(text.split("\n", -1))).orElse(List.of());
  }

  /** A path, or empty. */
  Optional<Path> path(OptionSpec option) throws UsageException {
    Optional<String> text = text(option);
    return text.isPresent() ? Optional.of(toPath(option.dashed(), text.get())) : Optional.empty();
  }

  /** A path that must be given. */
  Path requiredPath(OptionSpec option) throws UsageException {
    return path(option)
        .orElseThrow(
            () ->
                new UsageException(
                    Text.format(
                        "%s %s is missing: %s",
                        option.dashed(), option.value(), option.description())));
  }

  /** Reads a path, naming where it was typed when it is none. */
  static Path toPath(String where, String text) throws UsageException {
    if (text.isBlank()) {
      throw new UsageException(Text.format("%s is empty; it takes a path", where));
    }
    try {
      return FileNames.resolve(Path.of(""), text);
    } catch (InvalidPathException e) {
      throw new UsageException(Text.format("%s %s is not a path", where, text));
    }
  }

  /** A whole number of at least {@code least}, or empty. */
  Optional<Integer> integer(OptionSpec option, int least) throws UsageException {
    Optional<String> text = text(option);
    return text.isPresent()
        ? Optional.of(toInteger(option.dashed(), text.get(), least))
        : Optional.empty();
  }

  /** A whole number of at least {@code least}; the option has a default. */
  int requiredInteger(OptionSpec option, int least) throws UsageException {
    return integer(option, least).orElseThrow();
  }

  static int toInteger(String where, String text, int least) throws UsageException {
    try {
      int number = Integer.parseInt(text.trim());
      if (number >= least) {
        return number;
      }
    } catch (NumberFormatException e) {
      if (text.trim().matches("\\+?\\d+")) {
        throw new UsageException(
            Text.format(
                "%s %s is more than the largest number, %d", where, text, Integer.MAX_VALUE));
      }
    }
    throw new UsageException(
        Text.format("%s %s is not a whole number of at least %d", where, text, least));
  }

  /** Any whole number of 64 bits; the option has a default. */
  long requiredLong(OptionSpec option) throws UsageException {
    String text = text(option).orElseThrow();
    try {
      return Long.parseLong(text.trim());
    } catch (NumberFormatException e) {
      throw new UsageException(Text.format("%s %s is not a whole number", option.dashed(), text));
    }
  }

  /** A finite number above zero; the option has a default. */
  double positive(OptionSpec option) throws UsageException {
    String text = text(option).orElseThrow();
    double number = toNumber(option.dashed(), text);
    if (number > 0) {
      return number;
    }
    throw new UsageException(Text.format("%s %s is not above zero", option.dashed(), text));
  }

  static double toNumber(String where, String text) throws UsageException {
    try {
      double number = Double.parseDouble(text.trim());
      if (Double.isFinite(number)) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Said below, in one place.
    }
    throw new UsageException(Text.format("%s %s is not a number", where, text));
  }

  /** Comma-separated words without repeats; empty where the option is neither given nor set. */
  List<String> list(OptionSpec option) throws UsageException {
    Optional<String> text = text(option);
    if (text.isEmpty()) {
      return List.of();
    }
    List<String> words = new ArrayList<>();
    for (String word : text.get().split(",", -1)) {
      String trimmed = word.trim();
      if (trimmed.isEmpty()) {
        throw new UsageException(
            Text.format(
                "%s %s has an empty entry; separate the entries by single commas",
                option.dashed(), text.get()));
      }
      if (words.contains(trimmed)) {
        throw new UsageException(
            Text.format("%s %s names %s twice", option.dashed(), text.get(), trimmed));
      }
      words.add(trimmed);
    }
    return Collections.unmodifiableList(words);
  }

  /** Comma-separated numbers, or empty. */
  List<Double> numbers(OptionSpec option) throws UsageException {
    List<Double> numbers = new ArrayList<>();
    String text = text(option).orElse("");
    if (text.isEmpty()) {
      return numbers;
    }
    for (String word : text.split(",", -1)) {
      numbers.add(toNumber(option.dashed(), word));
    }
    return numbers;
  }

  /** One of the words allowed. */
  String oneOf(OptionSpec option, String... allowed) throws UsageException {
    return oneOf(option, text(option).orElseThrow(), Arrays.asList(allowed));
  }

  /** A word that must be among those allowed; case does not matter. */
  static String oneOf(OptionSpec option, String word, List<String> allowed) throws UsageException {
    String lower = word.trim().toLowerCase(Locale.ROOT);
    if (allowed.contains(lower)) {
      return lower;
    }
    throw new UsageException(
        Text.format("%s %s is none of %s", option.dashed(), word, String.join(", ", allowed)));
  }

  /** Refuses two options that contradict each other. */
  void exclusive(OptionSpec one, OptionSpec other) throws UsageException {
    if (has(one) && has(other)) {
      throw new UsageException(
          Text.format("%s and %s are mutually exclusive; give one", one.dashed(), other.dashed()));
    }
  }

  /** What the user set, for the record of a run: name to value. */
  Map<String, String> given() {
    return new LinkedHashMap<>(values);
  }
}
