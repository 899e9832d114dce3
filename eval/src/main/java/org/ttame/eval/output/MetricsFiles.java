package org.ttame.eval.output;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ttame.core.storage.WholeFile;
import org.ttame.eval.EvaluationResult;
import org.ttame.eval.MethodResult;
import org.ttame.eval.MethodResult.Summary;
import org.ttame.eval.metric.MetricKey;
import org.ttame.training.data.SkippedCount;

/**
 * {@code metrics.csv} and {@code metrics.json}: method × metric × threshold, images, passes
 * counted, seconds; the JSON has the parameters and the provenance too. Both are written whole or
 * not at all.
 */
public final class MetricsFiles {
  /** The table's name. */
  public static final String CSV = "metrics.csv";

  /** The record's name. */
  public static final String JSON = "metrics.json";

  private MetricsFiles() {}

  /**
   * Writes both files.
   *
   * @param folder where to; made if missing
   * @param result what was found
   * @param skipped the images that were left out
   * @param provenance who made it, from what
   * @throws IOException naming the file, if one cannot be written
   */
  public static void write(
      Path folder, EvaluationResult result, SkippedCount skipped, Provenance provenance)
      throws IOException {
    WholeFile.writeText(folder.resolve(CSV), csv(result));
    ObjectMapper mapper = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
    WholeFile.writeText(
        folder.resolve(JSON), mapper.writeValueAsString(json(result, skipped, provenance)) + "\n");
  }

  static String csv(EvaluationResult result) {
    StringBuilder text = new StringBuilder();
    text.append(
        Csv.row(
            List.of(
                "method",
                "metric",
                "threshold",
                "value",
                "n",
                "forward_passes",
                "backward_passes",
                "seconds")));
    for (MethodResult method : result.methods()) {
      for (MetricKey key : result.keys()) {
        Summary summary = method.summary(key);
        text.append(
            Csv.row(
                List.of(
                    method.method(),
                    key.metric(),
                    key.thresholdText(),
                    Csv.number(summary.mean()),
                    Integer.toString(summary.images()),
                    Csv.number(method.forwardPasses()),
                    Csv.number(method.backwardPasses()),
                    Csv.number(method.seconds()))));
      }
    }
    return text.toString();
  }

  static Map<String, Object> json(
      EvaluationResult result, SkippedCount skipped, Provenance provenance) {
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("images", result.images());
    root.putAll(skipped.toMap());
    root.put("seconds", result.seconds());
    root.put("clean_passes", result.cleanPasses());
    root.put("metric_passes", result.metricPasses());
    root.put("parameters", result.parameters());
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
        Summary summary = method.summary(key);
        Map<String, Object> metric = new LinkedHashMap<>();
        metric.put("metric", key.metric());
        key.threshold().ifPresent(threshold -> metric.put("threshold", threshold));
        metric.put("value", finite(summary.mean()));
        metric.put("n", summary.images());
        metrics.add(metric);
      }
      entry.put("metrics", metrics);
      methods.add(entry);
    }
    root.put("methods", methods);
    root.put("provenance", provenance.toMap());
    return root;
  }

  /** JSON has no NaN: a metric that applies to no image has the value null. */
  private static Double finite(double value) {
    return Double.isFinite(value) ? value : null;
  }
}
