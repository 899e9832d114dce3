package org.ttame.training;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.ttame.training.run.StoredNumbers;

/**
 * How well the maps of an epoch explain, on the validation images.
 *
 * @param ad15 Average Drop at 15 %, in percent; lower is better
 * @param ic15 Increase in Confidence at 15 %, in percent; higher is better
 * @param images how many images it was measured on
 * @param metrics everything that was measured, by name, for the record
 */
public record Validation(double ad15, double ic15, int images, Map<String, Double> metrics) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** How epochs are compared, for people. */
  public static final String RULE = "smallest AD(15) − IC(15) on the validation images";

  public Validation {
    metrics = Collections.unmodifiableMap(new LinkedHashMap<>(metrics));
    if (images < 1) {
      throw new IllegalArgumentException("A validation needs images, got " + images);
    }
  }

  /** AD(15) − IC(15): the smaller, the better. */
  public double score() {
    return ad15 - ic15;
  }

  /** As {@code validation.json} has it. */
  ObjectNode toJson() {
    ObjectNode json = JSON.createObjectNode();
    json.put("score", score());
    json.put("ad15", ad15);
    json.put("ic15", ic15);
    json.put("images", images);
    ObjectNode all = json.putObject("metrics");
    metrics.forEach(all::put);
    return json;
  }

  /**
   * Reads what {@link #toJson()} wrote.
   *
   * @throws IllegalArgumentException in a clause, if it is something else
   */
  static Validation of(JsonNode json) {
    Map<String, Double> metrics = new LinkedHashMap<>();
    json.path("metrics")
        .properties()
        .forEach(
            field ->
                metrics.put(field.getKey(), StoredNumbers.value(field.getKey(), field.getValue())));
    return new Validation(
        StoredNumbers.value("ad15", json.path("ad15")),
        StoredNumbers.value("ic15", json.path("ic15")),
        (int) StoredNumbers.count(json, "images", Integer.MAX_VALUE),
        metrics);
  }

  /**
   * Whether this epoch is better than another. Of equal ones the earlier stays; what is not a
   * number is never better.
   *
   * @param other an earlier one, or null
   */
  public boolean betterThan(Validation other) {
    return other == null ? !Double.isNaN(score()) : score() < other.score();
  }
}
