package org.ttame.training.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.random.RandomGenerator;
import org.ttame.core.image.CropPlan;
import org.ttame.core.image.ImageLimits;
import org.ttame.core.image.ImageReader;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.Preprocessing;
import org.ttame.core.image.RgbImage;

/** Reads image files as SPEC's test images (no augmentation) or training images. */
public final class ImageFileLoader implements ImageLoader {
  private final ImageReader reader;
  private final Preprocessing preprocessing;
  private final Augment augment;

  /**
   * A loader.
   *
   * @param spec what the classifier expects
   * @param augment how images are cropped
   * @param limits what an image may ask for; checked before it is decoded
   */
  public ImageFileLoader(InputSpec spec, Augment augment, ImageLimits limits) {
    this.reader = new ImageReader(limits);
    this.preprocessing = new Preprocessing(spec);
    this.augment = Objects.requireNonNull(augment, "augment");
  }

  @Override
  public void load(Path file, RandomGenerator random, float[] target, int offset)
      throws IOException {
    RgbImage image = reader.read(file);
    CropPlan plan =
        switch (augment) {
          case NONE -> preprocessing.testPlan(image);
          case CROP -> preprocessing.trainingPlan(image, false, random);
          case CROP_FLIP -> preprocessing.trainingPlan(image, true, random);
        };
    preprocessing.write(image, plan, target, offset);
  }
}
