package org.ttame.eval.figure;

/** How much a mask's outline shows in a picture. */
final class MaskOutline {
  private MaskOutline() {}

  /**
   * The mean absolute difference of neighbours, above or beside each other, of which one is removed
   * and the other is not.
   *
   * @param image [S, S, 3]
   * @param removed S·S, of which some but not all are removed
   * @param side S
   * @return the mean over pairs and channels, in the image's unit
   */
  static double step(float[] image, boolean[] removed, int side) {
    double sum = 0;
    long pairs = 0;
    for (int i = 0; i < removed.length; i++) {
      boolean last = (i + 1) % side == 0;
      if (!last && removed[i] != removed[i + 1]) {
        sum += difference(image, i, i + 1);
        pairs++;
      }
      if (i + side < removed.length && removed[i] != removed[i + side]) {
        sum += difference(image, i, i + side);
        pairs++;
      }
    }
    if (pairs == 0) {
      throw new IllegalArgumentException("A mask of all pixels or of none has no outline");
    }
    return sum / pairs;
  }

  private static double difference(float[] image, int one, int other) {
    double sum = 0;
    for (int c = 0; c < 3; c++) {
      sum += Math.abs(image[3 * one + c] - image[3 * other + c]);
    }
    return sum / 3;
  }
}
