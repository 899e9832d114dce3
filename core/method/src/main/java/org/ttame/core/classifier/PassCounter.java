package org.ttame.core.classifier;

/**
 * Counts the images that have gone through a classifier, forwards and backwards. Any thread may
 * ask.
 */
public final class PassCounter {
  private long forward;
  private long backward;

  synchronized void countForward(long images) {
    forward += images;
  }

  synchronized void countBackward(long images) {
    backward += images;
  }

  /** Images that went forwards since the classifier was made. */
  public synchronized long forward() {
    return forward;
  }

  /** Images whose gradients went backwards since the classifier was made. */
  public synchronized long backward() {
    return backward;
  }
}
