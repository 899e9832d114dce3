package org.ttame.eval.experiment;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeSet;
import org.ttame.core.Text;
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.TextFile;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.statistics.Bootstrap;
import org.ttame.eval.statistics.Interval;
import org.ttame.training.TrainingOptions;
import org.ttame.training.run.StoredNumbers;

/**
 * {@code trial.json} in a trial's folder: what the trial depends on and what was measured, image by
 * image. A trial that has one with the same dependencies is done.
 */
final class TrialFile {
  static final String NAME = "trial.json";

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private final ObjectNode fingerprint;

  /** A trial's file; its numbers depend on classifier, images and thresholds, too. */
  TrialFile(Path folder, Trial trial, Map<String, String> depends) {
    file = folder.resolve(NAME);
    fingerprint = JSON.createObjectNode();
    ObjectNode settings = fingerprint.putObject("settings");
    Properties properties = trial.options().toProperties();
    for (String name : new TreeSet<>(properties.stringPropertyNames())) {
      if (!TrainingOptions.harmless().contains(name)) {
        settings.put(name, properties.getProperty(name));
      }
    }
    depends.forEach(fingerprint::put);
  }

  boolean exists() {
    return Files.exists(file);
  }

  /**
   * Reads what an earlier part of the job found; refuses a file that is damaged, or of a trial with
   * other settings.
   */
  TrialResult read(Trial trial) throws IOException {
    JsonNode json;
    try {
      json = JSON.readTree(TextFile.text(file));
    } catch (JsonProcessingException e) {
      throw new IOException(
          Text.format("'%s' is damaged: it is not JSON; remove it to measure again", file), e);
    }
    requireSame(json.path("depends_on"));
    try {
      return result(trial, json);
    } catch (IllegalArgumentException e) {
      throw new IOException(
          Text.format("'%s' is damaged: %s; remove it to measure again", file, e.getMessage()), e);
    }
  }

  private static TrialResult result(Trial trial, JsonNode json) {
    List<String> images = new ArrayList<>();
    json.path("images").forEach(image -> images.add(image.asText()));
    Map<MetricKey, List<Double>> values = new LinkedHashMap<>();
    for (JsonNode metric : json.path("metrics")) {
      String name = metric.path("metric").asText();
      MetricKey key =
          metric.has("threshold")
              ? MetricKey.at(name, StoredNumbers.value("threshold", metric.path("threshold")))
              : MetricKey.of(name);
      List<Double> column = new ArrayList<>();
      metric.path("values").forEach(value -> column.add(StoredNumbers.value(key.column(), value)));
      if (column.size() != images.size()) {
        throw new IllegalArgumentException(
            Text.format(
                "%d images have %d values of %s", images.size(), column.size(), key.column()));
      }
      values.put(key, column);
    }
    return new TrialResult(
        trial,
        json.path("checkpoint").asText(),
        images,
        values,
        json.path("failure").asText(),
        StoredNumbers.value("seconds", json.path("seconds")));
  }

  private void requireSame(JsonNode was) throws IOException {
    List<String> differences = new ArrayList<>();
    compare("", was, fingerprint, differences);
    if (!differences.isEmpty()) {
      throw new IOException(
          Text.format(
              "'%s' was measured with other settings: %s; give another folder"
                  + " (option 'out'), or the original settings",
              file, String.join("; ", differences)));
    }
  }

  private static void compare(String name, JsonNode was, JsonNode is, List<String> differences) {
    TreeSet<String> names = new TreeSet<>();
    was.fieldNames().forEachRemaining(names::add);
    is.fieldNames().forEachRemaining(names::add);
    if (!names.isEmpty()) {
      for (String inner : names) {
        compare(inner, was.path(inner), is.path(inner), differences);
      }
    } else if (!was.equals(is)) {
      differences.add(
          Text.format(
              "%s was %s and is %s", name, was.asText("not given"), is.asText("not given")));
    }
  }

  /** Writes what was found. */
  void write(TrialResult result, Provenance provenance) throws IOException {
    ObjectNode json = JSON.createObjectNode();
    json.put("format", 1);
    json.put("trial", result.trial().name());
    json.put("checkpoint", result.checkpoint());
    json.put("failure", result.failure());
    json.put("seconds", result.seconds());
    ArrayNode metrics = json.putArray("metrics");
    Bootstrap bootstrap = Bootstrap.standard();
    for (MetricKey key : result.values().keySet()) {
      Interval interval = bootstrap.mean(result.column(key));
      ObjectNode metric = metrics.addObject().put("metric", key.metric());
      key.threshold().ifPresent(threshold -> metric.put("threshold", threshold));
      metric.put("mean", interval.mean()).put("n", interval.n());
      if (interval.n() > 1) {
        metric.put("low", interval.low()).put("high", interval.high());
      }
      result.values().get(key).forEach(metric.withArray("values")::add);
    }
    result.images().forEach(json.putArray("images")::add);
    json.set("depends_on", fingerprint);
    json.set("provenance", JSON.valueToTree(provenance.toMap()));
    AtomicFile.writeText(file, json + "\n");
  }
}
