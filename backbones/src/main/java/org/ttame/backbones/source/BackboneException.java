package org.ttame.backbones.source;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * A file that cannot be used as a backbone: damaged, not of a supported family, or in conflict with
 * what was asked for. The message is one sentence or two for the user: what was found, where, and
 * what to do.
 */
public final class BackboneException extends IOException {
  private static final long serialVersionUID = 1L;

  private final ArrayList<String> unsupported;

  /**
   * Makes an exception.
   *
   * @param message the sentence
   */
  public BackboneException(String message) {
    super(message);
    unsupported = new ArrayList<>();
  }

  /**
   * Makes an exception.
   *
   * @param message the sentence
   * @param cause what went wrong underneath
   */
  public BackboneException(String message, Throwable cause) {
    this(message, cause, List.of());
  }

  /**
   * Makes an exception about a graph that is not supported.
   *
   * @param message the sentence
   * @param cause what went wrong underneath
   * @param unsupported everything that is not supported, each by itself
   */
  public BackboneException(String message, Throwable cause, List<String> unsupported) {
    super(message, cause);
    this.unsupported = new ArrayList<>(unsupported);
  }

  /**
   * Everything in a graph that is not supported, operators first; empty if it is not about that.
   */
  public List<String> unsupported() {
    return List.copyOf(unsupported);
  }
}
