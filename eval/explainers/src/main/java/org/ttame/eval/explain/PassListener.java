package org.ttame.eval.explain;

/** Hears how far a method of many passes has come with an image. */
@FunctionalInterface
public interface PassListener {
  /** Hears nothing. */
  PassListener NONE = (done, total) -> {};

  /**
   * Some passes are done.
   *
   * @param done network passes over this image so far
   * @param total how many there will be
   */
  void passed(long done, long total);
}
