package org.ttame.backbones.onnx;

import java.util.ArrayList;
import java.util.List;

/** A graph that is read correctly but is of no supported form; the message is a clause. */
final class UnsupportedGraphException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final ArrayList<String> reasons;

  UnsupportedGraphException(String message) {
    this(message, List.of(message));
  }

  /**
   * For several reasons.
   *
   * @param message all of them as one clause
   * @param reasons each by itself
   */
  UnsupportedGraphException(String message, List<String> reasons) {
    super(message);
    this.reasons = new ArrayList<>(reasons);
  }

  /** Each reason by itself. */
  List<String> reasons() {
    return List.copyOf(reasons);
  }
}
