package org.ttame.core;

/**
 * Hears how long work goes. Every method does nothing unless overridden; {@link #warn} may be
 * called from any thread, the others from the one that works.
 */
public interface ProgressListener {
  /** Hears nothing. */
  ProgressListener NONE = new ProgressListener() {};

  /**
   * A part of the work begins.
   *
   * @param what is being done, e.g. {@code training}
   * @param total how many units there are; zero where unknown
   * @param before how many of them were done earlier, in work that resumes
   */
  default void begin(String what, long total, long before) {}

  /**
   * Units of the part that began last are done.
   *
   * @param done how many by now, those done earlier included
   * @param detail a phrase such as the loss, or empty
   */
  default void advance(long done, String detail) {}

  /**
   * A unit takes long.
   *
   * @param detail how far it is
   */
  default void linger(String detail) {}

  /** A sentence about the work. */
  default void note(String sentence) {}

  /** A sentence for those who want to know more. */
  default void detail(String sentence) {}

  /** What went wrong, although the work continues: a skipped image. */
  default void warn(String sentence) {}
}
