package org.ttame.eval.figure;

/**
 * An image drawn by formula and a map that is known: a hill before a sky whose colours change
 * smoothly, with a sun; the map is largest in the middle of a star, whose outline says nothing
 * about the image. What shows the star after pixels were removed shows the mask.
 */
final class SyntheticScene {
  /** Height and width in pixels. */
  static final int SIDE = 224;

  private static final double CENTRE_X = 0.5;
  private static final double CENTRE_Y = 0.54;
  private static final double POINTS = 5;

  private SyntheticScene() {}

  /** The image, [S, S, 3] in [0,1]. */
  static float[] image() {
    float[] image = new float[SIDE * SIDE * 3];
    for (int y = 0; y < SIDE; y++) {
      for (int x = 0; x < SIDE; x++) {
        double[] color = color((x + 0.5) / SIDE, (y + 0.5) / SIDE);
        for (int c = 0; c < 3; c++) {
          image[3 * (y * SIDE + x) + c] = (float) color[c];
        }
      }
    }
    return image;
  }

  private static double[] color(double x, double y) {
    double[] sky = mix(new double[] {0.23, 0.45, 0.78}, new double[] {0.95, 0.80, 0.62}, y);
    double sun = step(0.115 - Math.hypot(x - 0.74, y - 0.24), 0.01);
    double[] above = mix(sky, new double[] {0.99, 0.93, 0.70}, sun);
    double ridge = 0.68 + 0.07 * Math.sin(5.2 * x + 0.6) + 0.03 * Math.sin(13 * x);
    double[] near =
        mix(new double[] {0.30, 0.50, 0.27}, new double[] {0.13, 0.27, 0.17}, 2.6 * (y - 0.6));
    return mix(above, near, step(y - ridge, 0.012));
  }

  /** The map, S·S values; the larger, the more relevant. */
  static float[] map() {
    float[] map = new float[SIDE * SIDE];
    for (int y = 0; y < SIDE; y++) {
      for (int x = 0; x < SIDE; x++) {
        double dx = (x + 0.5) / SIDE - CENTRE_X;
        double dy = (y + 0.5) / SIDE - CENTRE_Y;
        map[y * SIDE + x] =
            (float) Math.exp(-2.2 * Math.hypot(dx, dy) / reach(Math.atan2(dx, -dy)));
      }
    }
    return map;
  }

  /** How far the star reaches in a direction, its points being 1: straight edges between points. */
  private static double reach(double angle) {
    double sector = 2 * Math.PI / POINTS;
    double fromPoint = Math.abs(angle - sector * Math.rint(angle / sector));
    double notch = 0.382; // of a pentagram, whose edges are straight from point to point
    // The edge from the point, (1, 0), to the notch half a sector on.
    double notchX = notch * Math.cos(sector / 2);
    double notchY = notch * Math.sin(sector / 2);
    return notchY / (notchY * Math.cos(fromPoint) + (1 - notchX) * Math.sin(fromPoint));
  }

  private static double step(double value, double width) {
    double t = Math.max(0, Math.min(1, 0.5 + value / width));
    return t * t * (3 - 2 * t);
  }

  private static double[] mix(double[] from, double[] to, double share) {
    double t = Math.max(0, Math.min(1, share));
    double[] mixed = new double[3];
    for (int c = 0; c < 3; c++) {
      mixed[c] = from[c] + t * (to[c] - from[c]);
    }
    return mixed;
  }
}
