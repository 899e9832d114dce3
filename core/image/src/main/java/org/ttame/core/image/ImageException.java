package org.ttame.core.image;

import java.io.IOException;

/**
 * An image that could not be read or written. The message is one sentence that names the file; the
 * kind lets a caller count what went wrong in a batch.
 */
public final class ImageException extends IOException {
  private static final long serialVersionUID = 1L;

  /** What went wrong. */
  public enum Kind {
    /** No such file. */
    MISSING("missing"),
    /** A folder, a device, no permission, or the disk failed. */
    UNREADABLE("unreadable"),
    /** More bytes or pixels than the limits or the memory allow. */
    TOO_LARGE("too large"),
    /** Empty, or bytes of something else. */
    NOT_AN_IMAGE("not an image"),
    /** An image of a kind that is not decoded here, such as TIFF or 12-bit JPEG. */
    UNSUPPORTED("of an unsupported format"),
    /** A supported format whose content is damaged or incomplete. */
    CORRUPT("damaged");

    private final String words;

    Kind(String words) {
      this.words = words;
    }

    /** The kind for people, to follow a number: {@code 2 too large}. */
    public String words() {
      return words;
    }
  }

  private final Kind kind;
  private final String file;

  ImageException(Kind kind, String file, String what, Throwable cause) {
    super(file + ": " + what, cause);
    this.kind = kind;
    this.file = file;
  }

  /** What went wrong. */
  public Kind kind() {
    return kind;
  }

  /** The file as the message names it: safe to print. */
  public String file() {
    return file;
  }
}
