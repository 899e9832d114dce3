package org.ttame.eval.road;

/**
 * A row of coefficients that join points with themselves and their eight neighbours. Point x is at
 * index x + 1; in the margins all are zero.
 */
final class StencilRow {
  final float[] centre;
  final float[] left;
  final float[] right;
  final float[] aboveLeft;
  final float[] aboveRight;
  final float[] belowLeft;
  final float[] below;
  final float[] belowRight;

  StencilRow(int width) {
    centre = new float[width + 3];
    left = new float[width + 3];
    right = new float[width + 3];
    aboveLeft = new float[width + 3];
    aboveRight = new float[width + 3];
    belowLeft = new float[width + 3];
    below = new float[width + 3];
    belowRight = new float[width + 3];
  }

  /** Coefficients are symmetric: those to the left and above are their neighbours' own. */
  void mirror(StencilRow previous) {
    int end = centre.length - 1;
    System.arraycopy(right, 0, left, 1, end);
    System.arraycopy(previous.belowRight, 0, aboveLeft, 1, end);
    System.arraycopy(previous.belowLeft, 1, aboveRight, 0, end);
  }
}
