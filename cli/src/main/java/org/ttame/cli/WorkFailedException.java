package org.ttame.cli;

/** The work cannot be done; the message says what, where and what to do. */
final class WorkFailedException extends Exception {
  private static final long serialVersionUID = 1L;

  WorkFailedException(String message) {
    super(message);
  }
}
