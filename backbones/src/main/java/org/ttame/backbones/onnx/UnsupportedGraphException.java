package org.ttame.backbones.onnx;

/** A graph that is read correctly but is of no supported form; the message is a clause. */
final class UnsupportedGraphException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  UnsupportedGraphException(String message) {
    super(message);
  }
}
