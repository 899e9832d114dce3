package org.ttame.core.image;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;

/**
 * What a classifier expects of an image: H×W pixels of C channels, here always {@code [B, H, W, C]}
 * and float, whatever its file has.
 *
 * <p>An image x in [0,1] is standardised channel by channel, {@code (x − mean) / std}. A classifier
 * that wants [0,255] has the mean 0 and the standard deviation 1/255.
 *
 * @param height H
 * @param width W
 * @param mean of the C channels; of three, red first
 * @param std of the C channels, positive
 * @param resize how pictures are brought to H×W
 * @param stored how the classifier's file has its images
 */
public record InputSpec(
    int height, int width, List<Double> mean, List<Double> std, ResizeRule resize, Stored stored) {
  /** ImageNet's channel means, as torchvision uses them. */
  public static final List<Double> IMAGENET_MEAN = List.of(0.485, 0.456, 0.406);

  /** ImageNet's channel standard deviations, as torchvision uses them. */
  public static final List<Double> IMAGENET_STD = List.of(0.229, 0.224, 0.225);

  private static final int LOOKED_AT = 256;

  /** The largest sample of an 8-bit picture. */
  private static final double BYTE = 255;

  /** Axes of the images in a classifier's file. */
  public enum Layout {
    /** Batch, channels, rows, columns: PyTorch's. */
    NCHW,
    /** Batch, rows, columns, channels: Keras'. */
    NHWC
  }

  /** Type of the images in a classifier's file. */
  public enum Type {
    /** 32 bits. */
    FLOAT32,
    /** 64 bits; computed in 32. */
    FLOAT64,
    /** 16 bits; computed in 32. */
    FLOAT16,
    /** 16 bits, 8 of them the exponent's; computed in 32. */
    BFLOAT16,
    /** Samples from 0 to 255. */
    UINT8;

    /** The name used by files. */
    public String fileName() {
      return name().toLowerCase(Locale.ROOT);
    }

    /**
     * Reads a file's name.
     *
     * @param text e.g. {@code float16}
     * @throws IllegalArgumentException if there is none of that name
     */
    public static Type parse(String text) {
      return valueOf(text.toUpperCase(Locale.ROOT));
    }
  }

  /** How a classifier's file has its images. */
  public record Stored(Layout layout, Type type) {
    /** What most files have. */
    public static final Stored USUAL = new Stored(Layout.NCHW, Type.FLOAT32);

    public Stored {
      Objects.requireNonNull(layout, "layout");
      Objects.requireNonNull(type, "type");
    }
  }

  public InputSpec {
    mean = List.copyOf(mean);
    std = List.copyOf(std);
    Objects.requireNonNull(resize, "resize");
    Objects.requireNonNull(stored, "stored");
    if (height < 1 || width < 1) {
      throw new IllegalArgumentException(
          Text.format("An image cannot have %d×%d pixels", height, width));
    }
    if (mean.isEmpty() || mean.size() != std.size()) {
      throw new IllegalArgumentException(
          Text.format(
              "Mean and std need a value for each channel, as many as each other, got %s and %s",
              mean, std));
    }
    for (double value : std) {
      if (!(value > 0)) {
        throw new IllegalArgumentException("Standard deviations must be positive, got " + std);
      }
    }
    for (double value : mean) {
      if (!Double.isFinite(value)) {
        throw new IllegalArgumentException("Means must be finite, got " + mean);
      }
    }
  }

  /** A square input of pictures that are cropped. */
  public InputSpec(int side, List<Double> mean, List<Double> std) {
    this(side, side, mean, std, ResizeRule.CROP, Stored.USUAL);
  }

  /**
   * ImageNet's standardisation.
   *
   * @param side height and width in pixels
   */
  public static InputSpec imageNet(int side) {
    return new InputSpec(side, IMAGENET_MEAN, IMAGENET_STD);
  }

  /**
   * Catches pixels in [0,1] where standardised ones are expected. Such a batch holds nothing but
   * whole 255ths. Standardised pixels do not, or are odd ones only (mean and std 0.5), so that no
   * batch of theirs is refused.
   *
   * @param images of any shape
   * @throws IllegalArgumentException if these are 8-bit pixels over 255
   */
  public void requireStandardised(INDArray images) {
    if (mean.stream().allMatch(m -> m == 0) && std.stream().allMatch(s -> s == 1)) {
      return;
    }
    // Some first: of standardised pixels one of them tells, zeros of a mask tell nothing.
    long stride = Math.max(1, images.length() / LOOKED_AT);
    if (!wholeLevels(images, stride) || !wholeLevels(images, 1)) {
      return;
    }
    boolean even = false;
    for (long i = 0; i < images.length() && !even; i++) {
      long level = Math.round(images.getDouble(i) * 255);
      even = level > 0 && level % 2 == 0;
    }
    if (even) {
      throw new IllegalArgumentException(
          Text.format(
              "These are pixels from 0 to 1 as they come out of a picture; the classifier takes standardised ones, (x - %s) / %s channel by channel",
              mean, std));
    }
  }

  private static boolean wholeLevels(INDArray images, long stride) {
    for (long i = 0; i < images.length(); i += stride) {
      double level = images.getDouble(i) * 255;
      if (!(Math.abs(level - Math.rint(level)) < 1e-4 && level > -1e-4 && level < 255 + 1e-4)) {
        return false;
      }
    }
    return true;
  }

  /**
   * ImageNet's means for C channels: its own for three, else their average for each.
   *
   * @param channels C
   */
  public static List<Double> imageNetMean(int channels) {
    return channels == IMAGENET_MEAN.size()
        ? IMAGENET_MEAN
        : Collections.nCopies(channels, average(IMAGENET_MEAN));
  }

  /** ImageNet's standard deviations, likewise. */
  public static List<Double> imageNetStd(int channels) {
    return channels == IMAGENET_STD.size()
        ? IMAGENET_STD
        : Collections.nCopies(channels, average(IMAGENET_STD));
  }

  /** Rounded as the constants are. */
  private static double average(List<Double> values) {
    double sum = values.stream().mapToDouble(Double::doubleValue).sum();
    return Math.round(sum / values.size() * 1000) / 1000.0;
  }

  /** The same with another standardisation. */
  public InputSpec withStandardisation(List<Double> means, List<Double> deviations) {
    return new InputSpec(height, width, means, deviations, resize, stored);
  }

  /** The same with another resize rule. */
  public InputSpec withResize(ResizeRule rule) {
    return new InputSpec(height, width, mean, std, rule, stored);
  }

  /** C. */
  public int channels() {
    return mean.size();
  }

  /** H and W. */
  public ImageSize imageSize() {
    return new ImageSize(height, width);
  }

  /** H·W. */
  public int pixels() {
    return Math.multiplyExact(height, width);
  }

  /** H·W·C, the values of an image. */
  public int values() {
    return Math.multiplyExact(pixels(), channels());
  }

  /**
   * The shape of a batch.
   *
   * @param batch B
   * @return {@code [B, H, W, C]}
   */
  public long[] shape(long batch) {
    return new long[] {batch, height, width, channels()};
  }

  /**
   * Refuses images of another shape.
   *
   * @param shape theirs
   * @param whose name of the classifier, for the message
   * @throws IllegalArgumentException giving both shapes
   */
  public void requireShape(long[] shape, String whose) {
    if (shape.length != 4 || !Arrays.equals(shape, shape(shape[0]))) {
      throw new IllegalArgumentException(
          Text.format(
              "%s takes images of shape [B, %d, %d, %d], got %s",
              whose, height, width, channels(), Arrays.toString(shape)));
    }
  }

  /** Whether the classifier wants values from 0 to 255 as they are. */
  public boolean takesBytes() {
    return mean.stream().allMatch(value -> value == 0)
        && std.stream().allMatch(value -> value == 1 / BYTE);
  }

  /** Height and width for people: {@code 224×224}. */
  public String size() {
    return Text.format("%d×%d", height, width);
  }

  /** What a side of the input is enlarged to before cropping: 256 for 224. */
  static int enlarged(int side) {
    return (int) Math.round(side * 256.0 / 224.0);
  }
}
