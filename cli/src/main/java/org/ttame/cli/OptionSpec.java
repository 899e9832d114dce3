package org.ttame.cli;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.regex.Pattern;

/**
 * One option of a command, as the help shows it.
 *
 * @param name the long name without dashes, e.g. {@code batch-size}
 * @param alias another name of the same meaning; null where there is none
 * @param repeats whether it may be given more than once
 * @param value what stands for its value in the help, e.g. {@code N}; null for a switch
 * @param defaultValue the default as it would be typed; null where there is none
 * @param description a phrase
 */
record OptionSpec(
    String name,
    String alias,
    boolean repeats,
    String value,
    String defaultValue,
    String description) {
  private static final Pattern NAMED = Pattern.compile("\\boption '([a-z][a-z0-9-]*)'");

  /** An option that takes a value and has a default. */
  static OptionSpec of(String name, String value, String defaultValue, String description) {
    return new OptionSpec(name, null, false, value, defaultValue, description);
  }

  /** An option that takes a value and has no default. */
  static OptionSpec of(String name, String value, String description) {
    return new OptionSpec(name, null, false, value, null, description);
  }

  /** A switch: present or not. */
  static OptionSpec flag(String name, String description) {
    return new OptionSpec(name, null, false, null, null, description);
  }

  /** All options of some groups, in order. */
  @SafeVarargs
  static List<OptionSpec> all(List<OptionSpec>... groups) {
    List<OptionSpec> all = new ArrayList<>();
    for (List<OptionSpec> group : groups) {
      all.addAll(group);
    }
    return Collections.unmodifiableList(all);
  }

  /** The same under a second name. */
  OptionSpec orCalled(String other) {
    return new OptionSpec(name, other, repeats, value, defaultValue, description);
  }

  /** The same, several times. */
  OptionSpec repeated() {
    return new OptionSpec(name, alias, true, value, defaultValue, description);
  }

  /** What may be typed after the dashes. */
  List<String> names() {
    return alias == null ? List.of(name) : List.of(name, alias);
  }

  boolean isFlag() {
    return value == null;
  }

  /**
   * A sentence of the services as it is said here: they name an option as {@code option 'out'},
   * which a page or a job may show as it is; here it is {@code --out}.
   */
  static String typed(String sentence) {
    return NAMED.matcher(sentence).replaceAll("--$1");
  }

  /** The option as it is typed, e.g. {@code --batch-size}. */
  String dashed() {
    return "--" + name;
  }
}
