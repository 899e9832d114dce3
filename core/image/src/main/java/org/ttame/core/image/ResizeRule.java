package org.ttame.core.image;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import org.ttame.core.Text;

/** How a picture of any shape becomes an input of H×W pixels. */
public enum ResizeRule {
  /**
   * The picture is resized, its proportions kept, until it covers the input enlarged by 256/224;
   * the middle is cut out. Of a square input S: the shorter side becomes S·256/224.
   */
  CROP,
  /** The whole picture is resized to H×W, its proportions lost. */
  STRETCH,
  /** The whole picture is resized, its proportions kept, and laid on a grey ground of H×W. */
  LETTERBOX;

  /** The name used by options and files. */
  public String optionName() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Reads an option's value.
   *
   * @param text {@code crop}, {@code stretch} or {@code letterbox}
   * @return the rule
   * @throws IllegalArgumentException if there is none of that name
   */
  public static ResizeRule parse(String text) {
    return Arrays.stream(values())
        .filter(rule -> rule.optionName().equals(text.toLowerCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    Text.format(
                        "\"%s\" is none of %s",
                        text,
                        Arrays.stream(values())
                            .map(ResizeRule::optionName)
                            .collect(Collectors.joining(", ")))));
  }
}
