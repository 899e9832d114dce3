package org.ttame.training;

import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.training.data.BatchSource;

/**
 * The size of a run.
 *
 * @param images how many images an epoch has
 * @param batchSize images a step and worker
 * @param workers among whom each step's images are shared
 * @param stepsPerEpoch steps an epoch, the last smaller one included
 * @param totalSteps steps of the run: all epochs, or {@code --max-steps} if that is less
 */
public record TrainingPlan(
    int images, int batchSize, int workers, long stepsPerEpoch, long totalSteps) {
  /**
   * What decides the size of a run, beside its images.
   *
   * @param epochs how often each image is seen
   * @param batchSize images a step and worker
   * @param maxSteps the most steps of the run; 0 for as many as the epochs have
   * @param workers among whom each step's images are shared, as in data-parallel training; 1 for
   *     ordinary training
   */
  public record Options(int epochs, int batchSize, long maxSteps, int workers) {
    public Options {
      atLeast(1, epochs, "epochs");
      atLeast(1, batchSize, "batch-size");
      atLeast(0, maxSteps, "max-steps");
      atLeast(1, workers, "accumulate");
      Math.multiplyExact(batchSize, workers);
    }

    /** Four epochs in batches of 32. */
    public static Options defaults() {
      return new Options(4, 32, 0, 1);
    }

    private static void atLeast(long least, long value, String name) {
      if (value < least) {
        throw new IllegalArgumentException(
            Text.format("%s must be at least %d, got %d", name, least, value));
      }
    }
  }

  /**
   * Plans a run.
   *
   * @param images how many images there are
   * @param options epochs, batch size, most steps
   */
  public static TrainingPlan of(int images, Options options) {
    long perEpoch = BatchSource.stepsPerEpoch(images, options.batchSize() * options.workers());
    long all = Math.multiplyExact(perEpoch, (long) options.epochs());
    long total = options.maxSteps() == 0 ? all : Math.min(all, options.maxSteps());
    return new TrainingPlan(images, options.batchSize(), options.workers(), perEpoch, total);
  }

  /**
   * Makes sure that each step has as many images as the mechanism needs, if all can be read.
   *
   * @throws IllegalArgumentException saying which batch sizes work, if one has not
   */
  public TrainingPlan requireTrainable(AttentionSpec spec) {
    int fewest = spec.fewestImages();
    boolean wholeEpoch = totalSteps >= stepsPerEpoch;
    int step = batchSize * workers;
    int smallestStep = wholeEpoch ? smallestStep(images, step) : step;
    int smallest = smallestStep / workers;
    if (workers > 1 && smallest < fewest) {
      throw new IllegalArgumentException(
          Text.format(
              "Each of %d workers needs %d image%s per step, but %d images in steps of %d × %d leave a"
                  + " step of %d: choose another batch size (option 'batch-size'), fewer workers"
                  + " (option 'accumulate') or another number of images",
              workers, fewest, fewest == 1 ? "" : "s", images, workers, batchSize, smallestStep));
    }
    if (smallest >= fewest) {
      return this;
    }
    String advice =
        images < fewest
            ? "give more images"
            : "take a batch size of %s, or another number of images";
    throw new IllegalArgumentException(
        Text.format(
            "Batch normalisation over maps of 1×1 needs %d images per step, and %d"
                + " in batches of %d make a step of %d: %s",
            fewest, images, batchSize, smallest, advice.replace("%s", near(fewest))));
  }

  /**
   * The largest batch size whose every step has as many images as the mechanism needs.
   *
   * @param images how many there are
   * @param most the largest batch size that can be had
   * @return that size, or {@code most} where none works
   */
  public static int workable(int images, int most, AttentionSpec spec) {
    return IntStream.iterate(most, size -> size >= 1, size -> size - 1)
        .filter(size -> smallestStep(images, size) >= spec.fewestImages())
        .findFirst()
        .orElse(most);
  }

  /** The next batch sizes below and above that work. */
  private String near(int fewest) {
    return Stream.of(
            IntStream.iterate(batchSize - 1, size -> size >= 1, size -> size - 1),
            IntStream.iterate(batchSize + 1, size -> size <= images, size -> size + 1))
        .map(sizes -> sizes.filter(size -> smallestStep(images, size) >= fewest).findFirst())
        .flatMapToInt(OptionalInt::stream)
        .mapToObj(String::valueOf)
        .collect(Collectors.joining(" or "));
  }

  /** The images of an epoch's smallest step. */
  private static int smallestStep(int images, int batchSize) {
    return images % batchSize == 0 ? batchSize : images % batchSize;
  }

  /** The epoch that a count of done steps has come to the end of or is in, 1 for the first. */
  public int epoch(long done) {
    return Math.toIntExact((Math.max(done, 1) - 1) / stepsPerEpoch + 1);
  }

  /** Whether an epoch, or the run, ends with that many steps done. */
  public boolean endsEpoch(long done) {
    return done > 0 && (done % stepsPerEpoch == 0 || done == totalSteps);
  }
}
