package org.ttame.core.engine;

/** A graph holds something that cannot be planned ahead; the message says what. */
final class UnplannableGraphException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  UnplannableGraphException(String message) {
    super(message);
  }
}
