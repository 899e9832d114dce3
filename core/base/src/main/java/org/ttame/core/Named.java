package org.ttame.core;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

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
    return Arrays.stream(type.getEnumConstants())
        .filter(constant -> constant.optionName().equals(text.toLowerCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    Text.format(
                        "\"%s\" is not a %s; use one of %s",
                        text,
                        what,
                        Arrays.stream(type.getEnumConstants())
                            .map(Named::optionName)
                            .collect(Collectors.joining(", ")))));
  }
}
