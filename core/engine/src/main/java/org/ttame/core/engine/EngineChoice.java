package org.ttame.core.engine;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import org.ttame.core.Text;

/** How graphs are run; the system property {@value #PROPERTY} says which. */
public enum EngineChoice {
  /** Compiled plans, oneDNN called directly where it is there and faster. */
  AUTO,

  /** Compiled plans of ND4J's operations. */
  ND4J,

  /** SameDiff's own session: slow, the reference. */
  SAMEDIFF;

  /** The system property: a name as of {@link #optionName}; without it, AUTO. */
  public static final String PROPERTY = "ttame.engine";

  /** Its name on the command line and in the property. */
  public String optionName() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * What the property says now.
   *
   * @throws IllegalArgumentException if it names no engine
   */
  public static EngineChoice current() {
    String wish = System.getProperty(PROPERTY, AUTO.optionName());
    return Arrays.stream(values())
        .filter(choice -> choice.optionName().equals(wish))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    Text.format(
                        "-D%s=%s names no engine; use %s",
                        PROPERTY,
                        wish,
                        Arrays.stream(values())
                            .map(EngineChoice::optionName)
                            .collect(Collectors.joining(", ")))));
  }
}
