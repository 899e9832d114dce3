package org.ttame.backbones.architecture;

import org.ttame.core.Text;

/** Preconditions of the records. */
final class Checks {
  private Checks() {}

  static void positive(String what, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(
          Text.format("The %s must be positive, got %d", what, value));
    }
  }
}
