package org.ttame.services;

import java.nio.file.Path;
import org.ttame.core.Text;

/**
 * An option makes no sense, or contradicts a run. The message begins with the option's name, as it
 * stands in records and configurations; a front end may put before it what it types there.
 */
public final class InvalidOptionException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  /**
   * A problem.
   *
   * @param option the option's name, e.g. {@code batch-size}
   * @param problem how the sentence continues after the name
   */
  public InvalidOptionException(String option, String problem) {
    super(option + " " + problem);
  }

  /** An option that contradicts what a run was trained with. */
  public static InvalidOptionException differs(
      String option, Object again, Path run, Object recorded) {
    return new InvalidOptionException(
        option,
        Text.format(
            "%s is not what the run in %s was trained with, %s; leave the option out, or train another run",
            again, run, recorded));
  }
}
