package org.ttame.training;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Objects;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.NonFiniteException;
import org.ttame.training.data.Batch;
import org.ttame.training.data.BatchSource;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.SkippedCount;
import org.ttame.training.optimizer.ExponentialRamp;
import org.ttame.training.run.StepRecord;

/**
 * A learning-rate range test: trains a copy of a mechanism over the training stream, at a learning
 * rate that grows from step to step, and looks at the loss. The mechanism it is given stays as it
 * is.
 *
 * <p>It ends early where the smoothed loss is above four times its lowest, or is no number: what
 * follows would say nothing. The same options, seed, machine and threads give the same curve.
 */
public final class LearningRateFinder {
  /** When a test ends before its last step, for people. */
  public static final String DIVERGENCE =
      "the smoothed loss is above four times its lowest, or not finite";

  private static final double DIVERGED = 4;

  private final FrozenClassifier classifier;
  private final ImageList images;
  private final TrainingOptions options;
  private final ExponentialRamp ramp;
  private volatile boolean stopAsked;

  /** Hears how a test goes. */
  public interface Listener {
    /**
     * A step is done.
     *
     * @param step what it did
     * @param smoothed the smoothed loss
     */
    void stepped(StepRecord step, double smoothed);

    /** An image could not be read and is left out; said once for each image. */
    void skipped(Batch.BadImage image);

    /** As of {@link TrainingListener#leftOut}. */
    default void leftOut(Batch batch) {}
  }

  /**
   * What was found.
   *
   * @param curve the losses
   * @param skipped how many images could not be read, and why
   */
  public record Outcome(LearningRateCurve curve, SkippedCount skipped) {}

  /**
   * A test.
   *
   * @param classifier what is explained; stays the caller's
   * @param images the training images; gone through as often as the steps need
   * @param options as of a training; epochs, most steps and largest learning rate are not used
   * @param ramp the learning rates
   */
  public LearningRateFinder(
      FrozenClassifier classifier,
      ImageList images,
      TrainingOptions options,
      ExponentialRamp ramp) {
    this.classifier = Objects.requireNonNull(classifier, "classifier");
    this.images = Objects.requireNonNull(images, "images");
    this.options = Objects.requireNonNull(options, "options");
    this.ramp = Objects.requireNonNull(ramp, "ramp");
  }

  /** Asks it to end after the present step; from any thread. */
  public void stop() {
    stopAsked = true;
  }

  /**
   * Runs the test.
   *
   * @param from the mechanism whose training is meant; a copy is trained
   * @throws IOException if images cannot be read: one where that is to be fatal, or all
   * @throws IllegalArgumentException if a step would have too few images
   */
  public Outcome run(AttentionMechanism from, Listener listener) throws IOException {
    long perEpoch = BatchSource.stepsPerEpoch(images.size(), options.plan().batchSize());
    new TrainingPlan(images.size(), options.plan().batchSize(), 1, perEpoch, ramp.totalSteps())
        .requireTrainable(from.spec());
    SkippedImages skipped = new SkippedImages(images);
    LearningRateCurve.Recorder recorder = new LearningRateCurve.Recorder();
    ClassDraws draws = ClassDraws.of(options, classifier.classes());
    try (AttentionMechanism copy = copy(from);
        Trainer trainer = new Trainer(classifier, copy, options, ramp, draws);
        BatchSource batches =
            new BatchSource(
                images,
                classifier.inputSpec(),
                options.batches(),
                options.images().loader(classifier.inputSpec()),
                0,
                ramp.totalSteps())) {
      while (batches.hasNext() && !stopAsked) {
        try (Batch batch = batches.next()) {
          skipped.add(batch.bad(), listener::skipped);
          if (batch.size() < from.spec().fewestImages()) {
            if (batch.size() > 0) {
              listener.leftOut(batch);
            }
            continue;
          }
          StepRecord step = step(trainer, batch);
          double smoothed = recorder.add(step.lr(), step.loss());
          listener.stepped(step, smoothed);
          if (smoothed > DIVERGED * recorder.lowest()) {
            return new Outcome(recorder.end(LearningRateCurve.Ending.DIVERGED), skipped.count());
          }
        }
      }
    } catch (DivergenceException e) {
      return new Outcome(recorder.end(LearningRateCurve.Ending.DIVERGED), skipped.count());
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    LearningRateCurve.Ending ending =
        stopAsked ? LearningRateCurve.Ending.STOPPED : LearningRateCurve.Ending.COMPLETE;
    return new Outcome(recorder.end(ending), skipped.count());
  }

  private StepRecord step(Trainer trainer, Batch batch) {
    try {
      return trainer.step(batch.step(), batch.images());
    } catch (NonFiniteException e) {
      throw e.of(classifier.name(), batch.indices().stream().map(images::name).toList());
    }
  }

  private static AttentionMechanism copy(AttentionMechanism from) {
    Map<String, INDArray> arrays = from.toNpz();
    try {
      return AttentionMechanism.fromNpz(from.spec(), arrays);
    } finally {
      arrays.values().forEach(INDArray::close);
    }
  }
}
