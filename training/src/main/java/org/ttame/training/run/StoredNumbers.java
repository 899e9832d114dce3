package org.ttame.training.run;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Set;
import org.ttame.core.Text;

/**
 * Numbers of JSON files that an earlier command wrote and somebody may have changed since. Jackson
 * alone reads a word as 0, and cuts what is too large.
 */
public final class StoredNumbers {
  /** How Jackson writes what JSON has no numbers for. */
  private static final Set<String> NOT_FINITE = Set.of("NaN", "Infinity", "-Infinity");

  private StoredNumbers() {}

  /**
   * Reads how many.
   *
   * @param object what has the field
   * @param field its name
   * @param most the largest number allowed
   * @return 0 to {@code most}
   * @throws IllegalArgumentException in a clause, if it is anything else
   */
  public static long count(JsonNode object, String field, long most) {
    JsonNode node = object.path(field);
    boolean whole = node.isIntegralNumber() && node.canConvertToLong();
    if (!whole || node.longValue() < 0 || node.longValue() > most) {
      throw new IllegalArgumentException(
          Text.format(
              "\"%s\" is %s and should be a whole number from 0 to %d",
              field, node.isMissingNode() ? "missing" : node, most));
    }
    return node.longValue();
  }

  /**
   * Reads a measured value, which need not be finite.
   *
   * @param name what it is called
   * @param node its value: a number, or a word for what JSON has no number for
   * @return any double; NaN and infinities where they were written
   * @throws IllegalArgumentException in a clause, if it is no number
   */
  public static double value(String name, JsonNode node) {
    if (node.isNumber() || NOT_FINITE.contains(node.asText())) {
      return node.asDouble();
    }
    throw new IllegalArgumentException(
        Text.format(
            "\"%s\" is %s and should be a number", name, node.isMissingNode() ? "missing" : node));
  }
}
