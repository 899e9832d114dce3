package org.ttame.core.classifier;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

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

  /** The file's name, without its folder. */
  public Optional<String> file() {
    return fact("file");
  }

  /** The file's SHA-256. */
  public Optional<String> sha256() {
    return fact("sha256");
  }

  /** The SHA-256 of the file that the file was imported from. */
  public Optional<String> importedSha256() {
    return fact("imported-sha256");
  }

  private Optional<String> fact(String name) {
    return Optional.ofNullable(facts.get(name));
  }
}
