package org.ttame.core.image;

import java.util.List;
import java.util.Objects;
import java.util.random.RandomGenerator;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;

/**
 * From a picture to the floats a classifier takes.
 *
 * <p>The shorter side is resized to {@link InputSpec#resizeSide()} (256 for an input of 224), the
 * longer to int(resizeSide·long/short), bilinear with antialiasing as Pillow does it; a square of
 * the input's side is cut out, in the middle for tests or at random for training; samples are
 * divided by 255. The result is a <em>unit</em> image: side·side·3 floats in [0,1], row by row,
 * pixel by pixel, red, green, blue (NHWC). {@link #standardise} turns it into (unit − mean)/std.
 *
 * <p>Instances are immutable and hold no native memory: one serves any number of threads.
 */
public final class Preprocessing {
  /** sample / 255 in single precision, as torchvision's ToTensor has it. */
  private static final float[] UNIT = new float[256];

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
   */
  public Preprocessing(InputSpec spec) {
    this.spec = Objects.requireNonNull(spec);
  }

  /** What the classifier takes. */
  public InputSpec spec() {
    return spec;
  }

  /** Floats of one image: side·side·3. */
  public int length() {
    return Math.multiplyExact(Math.multiplyExact(spec.side(), spec.side()), 3);
  }

  /**
   * The crop used at test time, in the middle.
   *
   * @param image the picture
   * @return the plan, also good for moving boxes into the crop
   */
  public CropPlan testPlan(RgbImage image) {
    return CropPlan.centre(image.width(), image.height(), spec.resizeSide(), spec.side());
  }

  /**
   * A crop used in training, at random.
   *
   * @param image the picture
   * @param mirror whether half of the crops are mirrored
   * @param random source of the draws, see {@link CropPlan#random}
   * @return the plan
   */
  public CropPlan trainingPlan(RgbImage image, boolean mirror, RandomGenerator random) {
    return CropPlan.random(
        image.width(), image.height(), spec.resizeSide(), spec.side(), mirror, random);
  }

  /**
   * Resizes, cuts and scales to [0,1].
   *
   * @param image the picture
   * @param plan how to cut it
   * @param target where to write {@link #length()} floats, unit NHWC
   * @param offset of the first float written
   */
  public void write(RgbImage image, CropPlan plan, float[] target, int offset) {
    if (plan.side() != spec.side()) {
      throw new IllegalArgumentException(
          Text.format(
              "The classifier takes %d×%d pixels, the crop has %d×%d",
              spec.side(), spec.side(), plan.side(), plan.side()));
    }
    Objects.checkFromIndexSize(offset, length(), target.length);
    byte[] samples = plan.apply(image).samples();
    for (int i = 0; i < samples.length; i++) {
      target[offset + i] = UNIT[samples[i] & 0xFF];
    }
  }

  /**
   * Turns unit images into standardised ones, in place.
   *
   * @param unit whole pixels, red first
   */
  public void standardise(float[] unit) {
    if (unit.length % 3 != 0) {
      throw new IllegalArgumentException(
          "Pixels have three samples, got an array of " + unit.length);
    }
    for (int channel = 0; channel < 3; channel++) {
      float mean = spec.mean().get(channel).floatValue();
      float std = spec.std().get(channel).floatValue();
      for (int i = channel; i < unit.length; i += 3) {
        unit[i] = (unit[i] - mean) / std;
      }
    }
  }

  /**
   * Wraps up images for a classifier.
   *
   * @param images B·side·side·3 floats, unit or standardised
   * @return a new array [B, side, side, 3] with a copy of them, to be closed by the caller
   * @throws IllegalArgumentException if the floats are no whole number of images
   */
  public INDArray batch(float[] images) {
    if (images.length == 0 || images.length % length() != 0) {
      throw new IllegalArgumentException(
          Text.format("An image has %d floats, got %d", length(), images.length));
    }
    long count = images.length / length();
    return Nd4j.create(images, new long[] {count, spec.side(), spec.side(), 3}, 'c');
  }

  /**
   * The middle crops of some pictures.
   *
   * @param images one or more
   * @return a new array [B, side, side, 3] of unit images, to be closed by the caller
   */
  public INDArray testBatch(List<RgbImage> images) {
    float[] data = new float[Math.multiplyExact(images.size(), length())];
    for (int i = 0; i < images.size(); i++) {
      write(images.get(i), testPlan(images.get(i)), data, i * length());
    }
    return batch(data);
  }
}
