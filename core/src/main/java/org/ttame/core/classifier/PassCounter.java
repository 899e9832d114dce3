package org.ttame.core.classifier;

/** Counts the images that have gone through a classifier, forwards and backwards. */
public final class PassCounter {
  private long forward;
  private long backward;

  void countForward(long images) {
    forward += images;
  }

  void countBackward(long images) {
    backward += images;
  }

  /** Images that went forwards since the classifier was made. */
  public long forward() {
    return forward;
  }

  /** Images whose gradients went backwards since the classifier was made. */
  public long backward() {
    return backward;
  }
}
