package org.ttame.training;

import org.ttame.core.Text;
import org.ttame.core.classifier.NonFiniteException;

/**
 * The loss of a step, its gradient or the classifier's answer is no finite number. Nothing was
 * changed by it.
 */
public final class DivergenceException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final long step;

  /**
   * Names the step.
   *
   * @param step 1 for the first
   * @param message a sentence
   */
  DivergenceException(long step, String message) {
    super(message);
    this.step = step;
  }

  /**
   * Names the step (1 for the first) at which a classifier gave no answer; its training has no part
   * in that.
   */
  static DivergenceException at(long step, NonFiniteException cause) {
    DivergenceException located =
        new DivergenceException(step, Text.format("At step %d %s", step, cause.getMessage()));
    located.initCause(cause);
    return located;
  }

  /** The same, with where the last good state is. */
  DivergenceException withLastGood(String sentence) {
    DivergenceException more = new DivergenceException(step, getMessage() + "; " + sentence);
    more.initCause(this);
    return more;
  }
}
