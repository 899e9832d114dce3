package org.ttame.eval.render;

import java.util.Arrays;
import java.util.List;
import org.ttame.core.image.RgbImage;
import org.ttame.eval.metric.Box;

/** The frames of known objects: white for the class that is explained, grey for others. */
public final class BoxOutlines {
  private static final byte EXPLAINED = (byte) 0xff;
  private static final byte OTHER = (byte) 0xa0;
  private static final int THICKNESS = 2;

  private BoxOutlines() {}

  /**
   * Draws frames.
   *
   * @param boxes objects, in pixels of the image
   * @param explained the class that is explained
   * @param factor by which the picture is larger than the image
   * @return the picture with frames
   */
  public static RgbImage draw(RgbImage picture, List<Box> boxes, int explained, int factor) {
    byte[] samples = picture.samples().clone();
    for (Box box : boxes) {
      int x0 = (int) Math.round(box.x0() * factor);
      int y0 = (int) Math.round(box.y0() * factor);
      int x1 = (int) Math.round(box.x1() * factor);
      int y1 = (int) Math.round(box.y1() * factor);
      byte level = box.classIndex() == explained ? EXPLAINED : OTHER;
      for (int y = Math.max(0, y0); y < Math.min(picture.height(), y1); y++) {
        for (int x = Math.max(0, x0); x < Math.min(picture.width(), x1); x++) {
          int inwards = Math.min(Math.min(x - x0, x1 - 1 - x), Math.min(y - y0, y1 - 1 - y));
          if (inwards < THICKNESS) {
            int at = 3 * (y * picture.width() + x);
            Arrays.fill(samples, at, at + 3, level);
          }
        }
      }
    }
    return RgbImage.wrap(picture.width(), picture.height(), samples);
  }
}
