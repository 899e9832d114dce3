package org.ttame.core.image;

import org.ttame.core.Text;
import org.ttame.core.image.ImageException.Kind;

/**
 * Why bytes were refused, before the name of their file is known. {@link ImageReader} turns it into
 * an {@link ImageException}; it never leaves this package.
 */
final class Refusal extends Exception {
  private static final long serialVersionUID = 1L;

  private final Kind kind;

  private Refusal(Kind kind, String what, Throwable cause) {
    super(what, cause);
    this.kind = kind;
  }

  static Refusal corrupt(String what) {
    return new Refusal(Kind.CORRUPT, what, null);
  }

  static Refusal corrupt(String what, Throwable cause) {
    return new Refusal(Kind.CORRUPT, what, cause);
  }

  static Refusal truncated(String format, long bytes) {
    return corrupt(
        Text.format(
            "the %s is cut off: it ends after %d bytes in the middle of its data", format, bytes));
  }

  static Refusal tooLarge(String what) {
    return new Refusal(Kind.TOO_LARGE, what, null);
  }

  static Refusal notAnImage(String what) {
    return new Refusal(Kind.NOT_AN_IMAGE, what, null);
  }

  static Refusal unsupported(String what) {
    return new Refusal(Kind.UNSUPPORTED, what, null);
  }

  Kind kind() {
    return kind;
  }
}
