package org.ttame.eval.render;

import java.util.List;
import org.ttame.eval.metric.Box;

/** The frames of known objects: white for the class that is explained, grey for others. */
public final class BoxOutlines {
  private static final int EXPLAINED = 0xffffff;
  private static final int OTHER = 0xa0a0a0;
  private static final int THICKNESS = 2;

  private BoxOutlines() {}

  /**
   * Draws frames.
   *
   * @param picture drawn on
   * @param boxes objects, in pixels of the image
   * @param explained the class that is explained
   * @param factor by which the picture is larger than the image
   */
  public static void draw(Canvas picture, List<Box> boxes, int explained, int factor) {
    for (Box box : boxes) {
      picture.outline(
          (int) Math.round(box.x0() * factor),
          (int) Math.round(box.y0() * factor),
          (int) Math.round(box.x1() * factor),
          (int) Math.round(box.y1() * factor),
          THICKNESS,
          box.classIndex() == explained ? EXPLAINED : OTHER);
    }
  }
}
