package org.ttame.core.engine;

import org.nd4j.autodiff.functions.DifferentialFunction;
import org.ttame.core.Text;

/** A graph holds something that cannot be planned ahead; the message says what. */
final class UnplannableGraphException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  UnplannableGraphException(String message) {
    super(message);
  }

  static UnplannableGraphException shapeOf(DifferentialFunction op) {
    return new UnplannableGraphException(
        Text.format(
            "the shape of operation \"%s\" (%s) depends on values", op.getOwnName(), op.opName()));
  }
}
