package org.ttame.eval.figure;

import java.util.List;
import java.util.stream.IntStream;

/** What a classifier predicts for an image. */
public final class Prediction {
  private final double[] probabilities;

  /**
   * A prediction.
   *
   * @param probabilities of each class, by softmax; not copied
   */
  public Prediction(double[] probabilities) {
    this.probabilities = probabilities;
  }

  /** The most probable class; of equal ones the lowest index. */
  public int predicted() {
    return most(IntStream.range(0, probabilities.length));
  }

  /** The probability of a class. */
  public double probability(int classIndex) {
    return probabilities[classIndex];
  }

  /** The most probable of some classes. */
  int mostProbable(List<Integer> among) {
    return most(among.stream().mapToInt(c -> c));
  }

  /** The most probable class that is none of some; there must be one. */
  int mostProbableBeside(List<Integer> these) {
    return most(IntStream.range(0, probabilities.length).filter(c -> !these.contains(c)));
  }

  private int most(IntStream classes) {
    return classes
        .reduce((best, next) -> probabilities[next] > probabilities[best] ? next : best)
        .orElseThrow();
  }
}
