package org.ttame.core.image;

import java.util.Objects;
import java.util.random.RandomGenerator;
import org.ttame.core.Text;

/**
 * From a picture to the floats a classifier takes, before they are standardised.
 *
 * <p>The picture is brought to the input's size by its {@link ResizeRule}, bilinear with
 * antialiasing as Pillow does it; samples are divided by 255. The result is a <em>unit</em> image:
 * H·W·C floats in [0,1], row by row, pixel by pixel, channels last: red, green, blue, or one grey
 * value, Pillow's {@code convert("L")}. {@link Standardizer} turns it into what the classifier is
 * fed.
 *
 * <p>Instances are immutable and hold no native memory: one serves any number of threads.
 */
public final class Preprocessing {
  /** sample / 255 in single precision, as torchvision's ToTensor has it. */
  private static final float[] UNIT = new float[256];

  private static final int RGB = 3;

  static {
    for (int sample = 0; sample < 256; sample++) {
      UNIT[sample] = sample / 255f;
    }
  }

  private final InputSpec spec;

  /**
   * Preprocessing for a classifier.
   *
   * @param spec what the classifier takes
   * @throws IllegalArgumentException if that cannot be made of a photograph
   */
  public Preprocessing(InputSpec spec) {
    this.spec = Objects.requireNonNull(spec);
    requirePictures(spec);
  }

  /**
   * Makes sure that a classifier's images can be made of pictures.
   *
   * @throws IllegalArgumentException if it takes images of other channels than RGB or grey
   */
  public static void requirePictures(InputSpec spec) {
    if (!takesPictures(spec)) {
      throw new IllegalArgumentException(
          Text.format(
              "The classifier takes images of %d channels, but pictures have three, or one: give"
                  + " it arrays through the Java API",
              spec.channels()));
    }
  }

  /** Whether a classifier's images can be made of pictures: they are RGB or grey. */
  public static boolean takesPictures(InputSpec spec) {
    return spec.channels() == RGB || spec.channels() == 1;
  }

  /** Floats of one image: H·W·C. */
  public int length() {
    return spec.values();
  }

  /**
   * The window used at test time, in the middle.
   *
   * @return the plan, also good for moving boxes into the window
   */
  public CropPlan testPlan(RgbImage image) {
    return CropPlan.centre(image.width(), image.height(), spec);
  }

  /**
   * A window used in training, at random.
   *
   * @param mirror whether half of the windows are mirrored
   * @param random source of the draws, see {@link CropPlan#random}
   */
  public CropPlan trainingPlan(RgbImage image, boolean mirror, RandomGenerator random) {
    return CropPlan.random(image.width(), image.height(), spec, mirror, random);
  }

  /**
   * Resizes, cuts and scales to [0,1].
   *
   * @param plan how to cut it
   * @param target where to write {@link #length()} floats, unit, {@code [H, W, C]}
   * @param offset of the first float written
   */
  public void write(RgbImage image, CropPlan plan, float[] target, int offset) {
    if (plan.width() != spec.width() || plan.height() != spec.height()) {
      throw new IllegalArgumentException(
          Text.format(
              "The classifier takes %s pixels, the crop has %d×%d",
              spec.size(), plan.height(), plan.width()));
    }
    Objects.checkFromIndexSize(offset, length(), target.length);
    byte[] samples = plan.apply(image).samples();
    if (spec.channels() == 1) {
      for (int i = 0; i < spec.pixels(); i++) {
        target[offset + i] = UNIT[grey(samples, RGB * i)];
      }
      return;
    }
    for (int i = 0; i < samples.length; i++) {
      target[offset + i] = UNIT[samples[i] & 0xFF];
    }
  }

  /** ITU-R 601-2 luma in 16 binary places, as Pillow rounds it. */
  private static int grey(byte[] samples, int at) {
    int red = samples[at] & 0xFF;
    int green = samples[at + 1] & 0xFF;
    int blue = samples[at + 2] & 0xFF;
    return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
  }
}
