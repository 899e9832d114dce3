package org.ttame.backbones.onnx;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Names of classes in a file's metadata: a list, or an object from index to name, as JSON or as
 * Python prints it; or names by comma or line.
 */
final class FileLabels {
  /** Where exporters keep them, Ultralytics and Hugging Face among them. */
  private static final List<String> KEYS =
      List.of("names", "labels", "classes", "class_names", "id2label", "categories");

  /** Reads Python's literals, too: single quotes, and numbers for names. */
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(JsonReadFeature.ALLOW_SINGLE_QUOTES)
          .enable(JsonReadFeature.ALLOW_UNQUOTED_FIELD_NAMES)
          .build();

  private FileLabels() {}

  /**
   * Looks for them.
   *
   * @param metadata of the file
   * @param classes K
   * @return K names; none if there are not as many
   */
  static List<String> of(Map<String, String> metadata, int classes) {
    for (String key : KEYS) {
      List<String> labels = read(metadata.getOrDefault(key, "").strip());
      if (labels.size() == classes) {
        return labels;
      }
    }
    return List.of();
  }

  private static List<String> read(String text) {
    if (!text.startsWith("{") && !text.startsWith("[")) {
      return List.of(text.split("\\s*[,\\n]\\s*"));
    }
    List<String> labels = new ArrayList<>();
    try {
      JsonNode json = MAPPER.readTree(text);
      for (int i = 0; i < json.size(); i++) {
        JsonNode label = json.isArray() ? json.get(i) : json.get(String.valueOf(i));
        if (label == null || !label.isValueNode()) {
          return List.of();
        }
        labels.add(label.asText());
      }
    } catch (JsonProcessingException e) {
      return List.of();
    }
    return labels;
  }
}
