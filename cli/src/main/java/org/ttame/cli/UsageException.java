package org.ttame.cli;

/** The command line makes no sense; the message says what was typed and what is expected. */
final class UsageException extends Exception {
  private static final long serialVersionUID = 1L;

  UsageException(String message) {
    super(message);
  }
}
