package org.ttame.backbones.source;

import java.io.IOException;

/**
 * A file that cannot be used as a backbone: damaged, not of a supported family, or in conflict with
 * what was asked for. The message is one sentence or two for the user: what was found, where, and
 * what to do.
 */
public final class BackboneException extends IOException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception.
   *
   * @param message the sentence
   */
  public BackboneException(String message) {
    super(message);
  }

  /**
   * Makes an exception.
   *
   * @param message the sentence
   * @param cause what went wrong underneath
   */
  public BackboneException(String message, Throwable cause) {
    super(message, cause);
  }
}
