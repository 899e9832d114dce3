package org.ttame.eval.sanity;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.ttame.core.Named;
import org.ttame.core.Text;
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.TextFile;
import org.ttame.training.run.StoredNumbers;

/**
 * Similarity of maps at a stage, image by image.
 *
 * @param columns values by method, class and measure, one of an image
 * @param answersKept percent of images whose answer is still the original one
 */
public record StageResult(Map<Column, List<Double>> columns, double answersKept) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Which class is explained. */
  public enum ExplainedClass implements Named {
    /** The original classifier's. */
    FIXED,
    /** That of the classifier at this stage. */
    PREDICTED
  }

  /**
   * What a column holds.
   *
   * @param method its name
   * @param answer whose class was explained
   * @param measure of similarity
   */
  public record Column(String method, ExplainedClass answer, MapSimilarity measure) {
    String key() {
      return method + "/" + answer.optionName() + "/" + measure.optionName();
    }

    static Column of(String key) {
      int last = key.lastIndexOf('/');
      int first = key.lastIndexOf('/', last - 1);
      return new Column(
          key.substring(0, first),
          ExplainedClass.valueOf(key.substring(first + 1, last).toUpperCase(java.util.Locale.ROOT)),
          MapSimilarity.valueOf(key.substring(last + 1).toUpperCase(java.util.Locale.ROOT)));
    }
  }

  double[] column(Column column) {
    return columns.get(column).stream().mapToDouble(Double::doubleValue).toArray();
  }

  /** Writes it, with what it depends on. */
  void write(Path file, Map<String, String> depends) throws IOException {
    ObjectNode json = JSON.createObjectNode();
    json.set("depends_on", JSON.valueToTree(depends));
    json.put("answers_kept", answersKept);
    ObjectNode values = json.putObject("values");
    columns.forEach((column, list) -> list.forEach(values.withArray("/" + escaped(column))::add));
    AtomicFile.writeText(file, json + "\n");
  }

  /** A JSON pointer has slashes of its own. */
  private static String escaped(Column column) {
    return column.key().replace("~", "~0").replace("/", "~1");
  }

  /**
   * Reads one that an earlier part of the job wrote; refuses one that is damaged or depends on
   * something else.
   */
  static StageResult read(Path file, Map<String, String> depends) throws IOException {
    JsonNode json;
    try {
      json = JSON.readTree(TextFile.text(file));
    } catch (JsonProcessingException e) {
      throw new IOException(Text.format("'%s' is damaged: it is not JSON; remove it", file), e);
    }
    JsonNode was = json.path("depends_on");
    Set<String> keys = new TreeSet<>(depends.keySet());
    was.fieldNames().forEachRemaining(keys::add);
    for (String key : keys) {
      String before = was.path(key).asText("not given");
      String now = depends.getOrDefault(key, "not given");
      if (!before.equals(now)) {
        throw new IOException(
            Text.format(
                "'%s' was measured with other settings: %s was %s and is %s; give"
                    + " another folder (option 'out')",
                file, key, before, now));
      }
    }
    try {
      return of(json);
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      throw new IOException(Text.format("'%s' is damaged: %s; remove it", file, e.getMessage()), e);
    }
  }

  private static StageResult of(JsonNode json) {
    Map<Column, List<Double>> columns = new LinkedHashMap<>();
    json.path("values")
        .properties()
        .forEach(
            field -> {
              List<Double> list = new ArrayList<>();
              field
                  .getValue()
                  .forEach(value -> list.add(StoredNumbers.value(field.getKey(), value)));
              columns.put(Column.of(field.getKey()), list);
            });
    return new StageResult(columns, StoredNumbers.value("answers_kept", json.path("answers_kept")));
  }
}
