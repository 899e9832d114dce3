package org.ttame.backbones.architecture;

/** Preconditions of the records. */
final class Checks {
  private Checks() {}

  static void positive(String what, int value) {
    if (value < 1) {
      throw new IllegalArgumentException("The %s must be positive, got %d".formatted(what, value));
    }
  }
}
