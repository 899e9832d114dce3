package org.ttame.core;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Constants of an enum that options and files name. */
public interface Named {
  /** The constant's own name, which every enum has. */
  String name();

  /** The name in options and files: {@code NO_SKIP} is {@code no-skip}. */
  default String optionName() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * Finds a constant by its {@link #optionName}.
   *
   * @param type of the constants
   * @param what they are, for the message: {@code colour map}
   * @param text the name, in any case
   * @throws IllegalArgumentException listing the names, if there is none of that name
   */
  static <E extends Enum<E> & Named> E parse(Class<E> type, String what, String text) {
    return find(type, text.toLowerCase(Locale.ROOT))
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    Text.format(
                        "\"%s\" is not a %s; use one of %s",
                        text, what, String.join(", ", names(type)))));
  }

  /** The constant whose {@link #optionName} is just that. */
  static <E extends Enum<E> & Named> Optional<E> find(Class<E> type, String name) {
    return Arrays.stream(type.getEnumConstants())
        .filter(constant -> constant.optionName().equals(name))
        .findFirst();
  }

  /** The names of all constants, in order. */
  static <E extends Enum<E> & Named> List<String> names(Class<E> type) {
    return Arrays.stream(type.getEnumConstants()).map(Named::optionName).toList();
  }
}
