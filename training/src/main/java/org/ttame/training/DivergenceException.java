package org.ttame.training;

/** The loss of a step, or its gradient, is no longer a finite number. Nothing was changed by it. */
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

  /** The same, with where the last good state is. */
  DivergenceException withLastGood(String sentence) {
    DivergenceException more = new DivergenceException(step, getMessage() + "; " + sentence);
    more.initCause(this);
    return more;
  }

  /** The step that failed, 1 for the first. */
  public long step() {
    return step;
  }
}
