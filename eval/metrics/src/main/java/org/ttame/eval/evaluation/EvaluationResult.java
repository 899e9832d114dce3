package org.ttame.eval.evaluation;

import java.util.ArrayList;
import java.util.IntSummaryStatistics;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ttame.core.Text;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.statistics.Bootstrap;

/**
 * What an evaluation found.
 *
 * @param keys the numbers measured
 * @param parameters what changes their meaning
 * @param methods the methods, in the order given
 * @param images how many images were measured
 * @param cleanPasses passes over clean images, for y and ψ; shared by all methods
 * @param metricPasses passes over masked images, of all methods together
 * @param seconds wall time of classifying, explaining and measuring
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
   * Puts the parts of one evaluation together.
   *
   * @param parts one at least, of the same methods and numbers in the same order
   * @return all records, in the order of the parts, and what they cost together
   * @throws IllegalArgumentException if methods or numbers differ
   */
  public static EvaluationResult join(List<EvaluationResult> parts) {
    EvaluationResult last = parts.get(parts.size() - 1);
    List<MethodResult> joined = new ArrayList<>();
    for (int m = 0; m < last.methods.size(); m++) {
      String name = last.methods.get(m).method();
      List<ImageRecord> records = new ArrayList<>();
      Map<String, Long> warnings = new LinkedHashMap<>();
      double seconds = 0;
      for (EvaluationResult part : parts) {
        if (part.methods.size() != last.methods.size()
            || !part.methods.get(m).method().equals(name)
            || !part.keys.equals(last.keys)) {
          throw new IllegalArgumentException("Parts of different evaluations cannot be joined");
        }
        MethodResult method = part.methods.get(m);
        records.addAll(method.records());
        seconds += method.seconds();
        method.warnings().forEach((warning, count) -> warnings.merge(warning, count, Long::sum));
      }
      joined.add(
          new MethodResult(
              name, last.methods.get(m).settings(), last.keys, records, seconds, warnings));
    }
    return new EvaluationResult(
        last.keys,
        last.parameters,
        joined,
        parts.stream().mapToLong(EvaluationResult::images).sum(),
        parts.stream().mapToLong(EvaluationResult::cleanPasses).sum(),
        parts.stream().mapToLong(EvaluationResult::metricPasses).sum(),
        parts.stream().mapToDouble(EvaluationResult::seconds).sum());
  }

  /** Every record, methods in order. */
  public List<ImageRecord> records() {
    return methods.stream().flatMap(method -> method.records().stream()).toList();
  }

  /**
   * Finds a method.
   *
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
                    Text.format(
                        "No method \"%s\" took part; there are %s",
                        name, methods.stream().map(MethodResult::method).toList())));
  }

  /**
   * Over how many images a number's means are: fewer than {@link #images} where it does not apply
   * to all.
   *
   * @param key one of {@link #keys}
   * @return e.g. {@code 60}, or {@code 31 to 60} where methods differ
   */
  public String images(MetricKey key) {
    IntSummaryStatistics images =
        methods.stream().mapToInt(method -> method.summary(key).images()).summaryStatistics();
    return images.getMin() == images.getMax()
        ? String.valueOf(images.getMin())
        : images.getMin() + " to " + images.getMax();
  }

  /**
   * Intervals of all means, and of all differences between methods; computed again by each call.
   *
   * @return for all methods and keys, by {@link Bootstrap#standard()}
   */
  public EvaluationStatistics statistics() {
    return EvaluationStatistics.of(this, Bootstrap.standard());
  }
}
