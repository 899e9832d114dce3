package org.ttame.training;

import java.util.ArrayList;
import java.util.List;
import org.ttame.training.data.Batch;

/**
 * What a worker's share of a step's images gave: sums over images, so that those of several workers
 * add up to the step's.
 *
 * @param images how many images there were; 0 where so few could be read that the share is left out
 * @param shares how many shares that had images are in it
 * @param terms sums over the images of loss, cross-entropy, area and variation
 * @param passes images that went forwards and backwards
 * @param bad images that could not be read
 * @param gradients of the mechanism's parameters, one after the other, each times the images; empty
 *     without images
 * @param statistics sums over the shares of the batch statistics, one after the other; likewise
 */
@SuppressWarnings("ArrayRecordComponent") // passed on, never compared
public record StepShare(
    int images,
    int shares,
    Terms terms,
    Passes passes,
    List<Batch.BadImage> bad,
    float[] gradients,
    float[] statistics) {
  public StepShare {
    bad = List.copyOf(bad);
  }

  /** The loss and what it is made of. */
  public record Terms(double loss, double crossEntropy, double area, double variation) {
    static final Terms NONE = new Terms(0, 0, 0, 0);

    Terms plus(Terms other) {
      return new Terms(
          loss + other.loss,
          crossEntropy + other.crossEntropy,
          area + other.area,
          variation + other.variation);
    }

    Terms times(double factor) {
      return new Terms(loss * factor, crossEntropy * factor, area * factor, variation * factor);
    }
  }

  /** Images that went through the classifier. */
  public record Passes(long forward, long backward) {
    static final Passes NONE = new Passes(0, 0);
  }

  /** A share of which only the arrays are of interest. */
  public static StepShare of(int images, float[] gradients, float[] statistics) {
    return new StepShare(images, 1, Terms.NONE, Passes.NONE, List.of(), gradients, statistics);
  }

  /** A share that is left out. */
  static StepShare none(List<Batch.BadImage> bad) {
    return new StepShare(0, 0, Terms.NONE, Passes.NONE, bad, new float[0], new float[0]);
  }

  /**
   * Adds the share of the worker that comes next. The order of workers is that of the additions, so
   * it decides the last bits.
   *
   * @param next its arrays are not changed
   * @return the sum; of this one's arrays, which are written to
   */
  public StepShare plus(StepShare next) {
    return new StepShare(
        images + next.images,
        shares + next.shares,
        terms.plus(next.terms),
        new Passes(passes.forward + next.passes.forward, passes.backward + next.passes.backward),
        joined(bad, next.bad),
        sum(gradients, next.gradients),
        sum(statistics, next.statistics));
  }

  private static <T> List<T> joined(List<T> one, List<T> other) {
    List<T> all = new ArrayList<>(one);
    all.addAll(other);
    return all;
  }

  /** Shares without images have no arrays. */
  public static float[] sum(float[] to, float[] more) {
    if (to.length == 0) {
      return more.clone();
    }
    for (int i = 0; i < more.length; i++) {
      to[i] += more[i];
    }
    return to;
  }
}
