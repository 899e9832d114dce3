package org.ttame.training.data;

import java.util.Objects;
import org.ttame.core.image.ImageLimits;
import org.ttame.core.image.InputSpec;

/**
 * How images are gone through that a mechanism is trained on.
 *
 * @param augment what is done to each
 * @param shuffle whether every epoch has an order of its own
 * @param decodeThreads how many threads decode images
 * @param strict whether an unreadable image ends the run
 * @param maxPixels images of more pixels, width × height, count as unreadable
 */
public record TrainingImages(
    Augment augment, boolean shuffle, int decodeThreads, boolean strict, long maxPixels) {
  private static final int BATCHES_AHEAD = 2;

  public TrainingImages {
    Objects.requireNonNull(augment, "augment");
    if (decodeThreads < 1) {
      throw new IllegalArgumentException("decode-threads must be at least 1, got " + decodeThreads);
    }
    ImageLimits.DEFAULT.withMaxPixels(maxPixels);
  }

  /** Random crops in an order of each epoch's own; unreadable images are left out. */
  public static TrainingImages defaults() {
    return new TrainingImages(
        Augment.CROP, true, BatchOptions.defaultThreads(), false, ImageLimits.DEFAULT.maxPixels());
  }

  /** How batches of a size are made of them; the seed is that of order and crops. */
  public BatchOptions batches(int size, long seed) {
    return new BatchOptions(size, shuffle, seed, decodeThreads, BATCHES_AHEAD, strict);
  }

  /** Reads them as a classifier expects. */
  public ImageLoader loader(InputSpec spec) {
    return new ImageFileLoader(spec, augment, ImageLimits.DEFAULT.withMaxPixels(maxPixels));
  }
}
