package org.ttame.eval.metric;

import java.util.List;
import org.ttame.core.Text;

/**
 * What a metric looks at: images, what the classifier said of them, and a method's maps.
 *
 * @param images the batch of B images
 * @param classes B model truths y = argmax f(I): the classes the maps explain
 * @param confidences B probabilities ψ of those classes on the clean images, from a pass of the
 *     same batch size
 * @param maps B maps upsampled to the images, H·W values each, row by row, all finite
 */
@SuppressWarnings("ArrayRecordComponent") // passed on, never compared
public record ScoringBatch(ImageBatch images, int[] classes, double[] confidences, float[][] maps) {
  public ScoringBatch {
    int size = images.size();
    if (classes.length != size || confidences.length != size || maps.length != size) {
      throw new IllegalArgumentException(
          Text.format(
              "%d images need as many classes, confidences and maps, got %d, %d and %d",
              size, classes.length, confidences.length, maps.length));
    }
  }

  /** The boxes in an image of the class that its map explains. */
  List<Box> boxes(int b) {
    return images.boxes(b).stream().filter(box -> box.classIndex() == classes[b]).toList();
  }
}
