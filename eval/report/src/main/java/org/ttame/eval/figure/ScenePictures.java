package org.ttame.eval.figure;

import java.util.ArrayList;
import java.util.List;
import org.ttame.core.image.RgbImage;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.eval.render.BoxOutlines;
import org.ttame.eval.render.HeatmapOverlay;

/** What the classifier saw of images, and maps over it, as pictures. */
final class ScenePictures {
  /** Smaller pictures are enlarged by a whole factor, so that something can be seen. */
  private static final int READABLE_SIDE = 224;

  private ScenePictures() {}

  /** An image of a batch. */
  static RgbImage photo(ImageBatch images, int b) {
    return images.picture(b).enlarged(images.factor(READABLE_SIDE));
  }

  /** A map over each image of a batch, with the frames of known objects. */
  static List<RgbImage> maps(
      ImageBatch images, SaliencyMaps maps, int[] classes, HeatmapOverlay overlay) {
    int factor = images.factor(READABLE_SIDE);
    float[][] large = maps.upsampled(images.height() * factor, images.width() * factor);
    List<RgbImage> pictures = new ArrayList<>();
    for (int b = 0; b < images.size(); b++) {
      RgbImage picture = overlay.draw(photo(images, b), large[b]);
      pictures.add(BoxOutlines.draw(picture, images.boxes(b), classes[b], factor));
    }
    return pictures;
  }
}
