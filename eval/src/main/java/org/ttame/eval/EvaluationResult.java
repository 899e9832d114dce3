package org.ttame.eval;

import java.util.List;
import java.util.Map;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.statistics.Bootstrap;
import org.ttame.eval.statistics.EvaluationStatistics;

/**
 * What an evaluation found.
 *
 * @param keys the numbers measured
 * @param parameters what changes their meaning
 * @param methods the methods, in the order given
 * @param images how many images were measured
 * @param cleanPasses passes over clean images, for y and ψ; shared by all methods
 * @param metricPasses passes over masked images, of all methods together
 * @param seconds wall time of it all
 */
public record EvaluationResult(
    List<MetricKey> keys,
    Map<String, String> parameters,
    List<MethodResult> methods,
    long images,
    long cleanPasses,
    long metricPasses,
    double seconds) {
  public EvaluationResult {
    keys = List.copyOf(keys);
    methods = List.copyOf(methods);
  }

  /**
   * Finds a method.
   *
   * @param name its name
   * @return what was found of it
   * @throws IllegalArgumentException if it did not take part
   */
  public MethodResult method(String name) {
    return methods.stream()
        .filter(method -> method.method().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "No method \"%s\" took part; there are %s"
                        .formatted(name, methods.stream().map(MethodResult::method).toList())));
  }

  /**
   * Intervals of all means, and of all differences between methods; computed anew by each call.
   *
   * @return for all methods and keys, by {@link Bootstrap#standard()}
   */
  public EvaluationStatistics statistics() {
    return EvaluationStatistics.of(this, Bootstrap.standard());
  }
}
