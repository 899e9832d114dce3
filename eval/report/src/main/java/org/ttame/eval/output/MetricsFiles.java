package org.ttame.eval.output;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ttame.core.storage.AtomicFile;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.EvaluationStatistics;
import org.ttame.eval.evaluation.EvaluationStatistics.Difference;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.statistics.Bootstrap;
import org.ttame.eval.statistics.Interval;
import org.ttame.training.data.SkippedCount;

/**
 * {@code metrics.csv} and {@code metrics.json}: method × metric × threshold with intervals, images,
 * passes counted, seconds; the JSON has the parameters, the paired differences between methods and
 * the provenance too. Both are written whole or not at all.
 */
public final class MetricsFiles {
  /** The table's name. */
  public static final String CSV = "metrics.csv";

  /** Of the JSON files of this package; {@code cli/docs/schemas.md} describes them. */
  static final int FORMAT = 1;

  /** The record's name. */
  public static final String JSON = "metrics.json";

  private MetricsFiles() {}

  /**
   * Writes both files.
   *
   * @param folder where to; made if missing
   * @param skipped the images that were left out
   */
  public static void write(
      Path folder, EvaluationResult result, SkippedCount skipped, Provenance provenance)
      throws IOException {
    write(folder, result, result.statistics(), skipped, provenance);
  }

  /** As above, with intervals that are known already. */
  public static void write(
      Path folder,
      EvaluationResult result,
      EvaluationStatistics statistics,
      SkippedCount skipped,
      Provenance provenance)
      throws IOException {
    AtomicFile.writeText(folder.resolve(CSV), csv(result, statistics));
    AtomicFile.writeText(folder.resolve(JSON), text(json(result, statistics, skipped, provenance)));
  }

  /** A record as all files have it: indented JSON, ended by LF. */
  public static String text(Map<String, Object> json) throws IOException {
    ObjectMapper mapper = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
    return mapper.writeValueAsString(json) + "\n";
  }

  static String csv(EvaluationResult result, EvaluationStatistics statistics) {
    StringBuilder text =
        new StringBuilder(
            "method,metric,threshold,value,n,forward_passes,backward_passes,seconds,low,high\n");
    for (MethodResult method : result.methods()) {
      String forwardPasses = Csv.number(method.forwardPasses());
      String backwardPasses = Csv.number(method.backwardPasses());
      for (MetricKey key : result.keys()) {
        Interval interval = statistics.mean(method.method(), key);
        text.append(
            Csv.row(
                List.of(
                    method.method(),
                    key.metric(),
                    key.thresholdText(),
                    Csv.number(interval.mean()),
                    Integer.toString(interval.n()),
                    forwardPasses,
                    backwardPasses,
                    Csv.number(method.seconds()),
                    Csv.number(interval.low()),
                    Csv.number(interval.high()))));
      }
    }
    return text.toString();
  }

  static Map<String, Object> json(
      EvaluationResult result,
      EvaluationStatistics statistics,
      SkippedCount skipped,
      Provenance provenance) {
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("format", FORMAT);
    root.put("images", result.images());
    root.putAll(skipped.toMap());
    root.put("seconds", result.seconds());
    root.put("clean_passes", result.cleanPasses());
    root.put("metric_passes", result.metricPasses());
    root.put("parameters", result.parameters());
    root.put("intervals", intervals(statistics.bootstrap()));
    List<Object> methods = new ArrayList<>();
    for (MethodResult method : result.methods()) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("method", method.method());
      entry.put("settings", method.settings());
      entry.put("forward_passes", finite(method.forwardPasses()));
      entry.put("backward_passes", finite(method.backwardPasses()));
      entry.put("seconds", method.seconds());
      entry.put("warnings", method.warnings());
      List<Object> metrics = new ArrayList<>();
      for (MetricKey key : result.keys()) {
        metrics.add(number(key, statistics.mean(method.method(), key)));
      }
      entry.put("metrics", metrics);
      methods.add(entry);
    }
    root.put("methods", methods);
    List<Object> differences = new ArrayList<>();
    for (Difference difference : statistics.differences()) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("method", difference.method());
      entry.put("less", difference.other());
      entry.putAll(number(difference.key(), difference.interval()));
      differences.add(entry);
    }
    root.put("differences", differences);
    root.put("provenance", provenance.toMap());
    return root;
  }

  /** How intervals were made. */
  static Map<String, Object> intervals(Bootstrap bootstrap) {
    Map<String, Object> intervals = new LinkedHashMap<>();
    intervals.put("level", Bootstrap.LEVEL);
    intervals.put("by", "percentiles of means over images drawn with replacement");
    intervals.put("resamples", bootstrap.resamples());
    intervals.put("seed", bootstrap.seed());
    return intervals;
  }

  static Map<String, Object> number(MetricKey key, Interval interval) {
    Map<String, Object> metric = new LinkedHashMap<>();
    metric.put("metric", key.metric());
    key.threshold().ifPresent(threshold -> metric.put("threshold", threshold));
    metric.put("value", finite(interval.mean()));
    metric.put("n", interval.n());
    metric.put("low", finite(interval.low()));
    metric.put("high", finite(interval.high()));
    return metric;
  }

  /** JSON has no NaN: a metric that applies to no image has the value null. */
  static Double finite(double value) {
    return Double.isFinite(value) ? value : null;
  }
}
