package org.ttame.services;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.ttame.eval.explain.SaliencyMaps;

/**
 * What {@link PhotoService} says of a photograph.
 *
 * @param predicted the most probable class
 * @param probabilities of all K classes
 * @param milliseconds that the pass took which classified it, with all the photographs in it
 * @param map what a method said, if one was asked
 */
public record PhotoAnswer(
    int predicted, List<Double> probabilities, double milliseconds, Optional<Explained> map) {
  /**
   * What a method said of a class.
   *
   * @param method its name, e.g. {@code ttame}
   * @param classIndex the class
   * @param maps one map at the size at which the method made it, in [0,1]
   * @param passes forward passes that it took, beside one that finds the class
   * @param backwardPasses gradient passes that it took
   * @param milliseconds that it took, with all the photographs that were explained together
   */
  public record Explained(
      String method,
      int classIndex,
      SaliencyMaps maps,
      double passes,
      double backwardPasses,
      double milliseconds) {}

  /**
   * The most probable classes, best first; of equal ones the lower index first.
   *
   * @param count how many, or all if there are fewer
   */
  public List<Integer> top(int count) {
    return IntStream.range(0, probabilities.size())
        .boxed()
        .sorted(Comparator.comparing((Integer k) -> -probabilities.get(k)))
        .limit(count)
        .toList();
  }
}
