package org.ttame.core.engine;

import org.ttame.core.Named;
import org.ttame.core.Text;

/** How graphs are run; the system property {@value #PROPERTY} says which. */
public enum EngineChoice implements Named {
  /** Compiled plans, oneDNN called directly where it is there and faster. */
  AUTO,

  /** Compiled plans of ND4J's operations. */
  ND4J,

  /** SameDiff's own session: slow, the reference. */
  SAMEDIFF;

  /** The system property: a name as of {@link #optionName}; without it, AUTO. */
  public static final String PROPERTY = "ttame.engine";

  /**
   * What the property says now.
   *
   * @throws IllegalArgumentException if it names no engine
   */
  public static EngineChoice current() {
    String wish = System.getProperty(PROPERTY, AUTO.optionName());
    return Named.find(EngineChoice.class, wish)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    Text.format(
                        "-D%s=%s names no engine; use %s",
                        PROPERTY, wish, String.join(", ", Named.names(EngineChoice.class)))));
  }
}
