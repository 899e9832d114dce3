package org.ttame.eval.output;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.training.run.StoredNumbers;

/** A line of {@code batches.jsonl}: what a batch cost, and where its rows end. */
final class BatchCost {
  private static final ObjectMapper JSON = new ObjectMapper();

  private BatchCost() {}

  /**
   * As a line has it.
   *
   * @param bytes how long {@code per-image.csv} is with the batch's rows
   */
  static ObjectNode toJson(EvaluationResult batch, long bytes) {
    ObjectNode line = JSON.createObjectNode();
    line.put("images", batch.images());
    line.put("bytes", bytes);
    line.put("clean_passes", batch.cleanPasses());
    line.put("metric_passes", batch.metricPasses());
    line.put("seconds", batch.seconds());
    ObjectNode methods = line.putObject("methods");
    for (MethodResult method : batch.methods()) {
      ObjectNode entry = methods.putObject(method.method());
      entry.put("seconds", method.seconds());
      if (!method.warnings().isEmpty()) {
        entry.set("warnings", JSON.valueToTree(method.warnings()));
      }
    }
    return line;
  }

  /**
   * The cost, without records.
   *
   * @param nothing the evaluation's result before any image
   * @throws IllegalArgumentException in a clause, if the line is damaged
   */
  static EvaluationResult of(JsonNode line, EvaluationResult nothing) {
    StoredNumbers.count(line, "bytes", Long.MAX_VALUE);
    List<MethodResult> methods = new ArrayList<>();
    for (MethodResult method : nothing.methods()) {
      JsonNode entry = line.path("methods").path(method.method());
      Map<String, Long> warnings = new LinkedHashMap<>();
      entry
          .path("warnings")
          .properties()
          .forEach(
              field ->
                  warnings.put(
                      field.getKey(),
                      StoredNumbers.count(entry.path("warnings"), field.getKey(), Long.MAX_VALUE)));
      methods.add(
          new MethodResult(
              method.method(),
              method.settings(),
              nothing.keys(),
              List.of(),
              StoredNumbers.value("seconds", entry.path("seconds")),
              warnings));
    }
    return new EvaluationResult(
        nothing.keys(),
        nothing.parameters(),
        methods,
        StoredNumbers.count(line, "images", Integer.MAX_VALUE),
        StoredNumbers.count(line, "clean_passes", Long.MAX_VALUE),
        StoredNumbers.count(line, "metric_passes", Long.MAX_VALUE),
        StoredNumbers.value("seconds", line.path("seconds")));
  }
}
