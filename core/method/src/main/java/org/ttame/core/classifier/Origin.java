package org.ttame.core.classifier;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Where a classifier comes from.
 *
 * @param facts by name, in order, for records and people: file, sha256, architecture and the like
 */
public record Origin(Map<String, String> facts) {
  /** A classifier that comes from no file. */
  public static final Origin UNKNOWN = new Origin(Map.of());

  public Origin {
    facts = Collections.unmodifiableMap(new LinkedHashMap<>(facts));
  }
}
