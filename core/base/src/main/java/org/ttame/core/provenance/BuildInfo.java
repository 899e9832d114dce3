package org.ttame.core.provenance;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/**
 * Which build of this program made a result.
 *
 * @param version e.g. {@code 0.1.0}
 * @param commit the git commit it was built from, or {@code unknown} outside a repository
 * @param dirty whether the sources had changes that were not committed
 * @param nd4j the version of ND4J it was built with
 */
public record BuildInfo(String version, String commit, boolean dirty, String nd4j) {
  private static final String RESOURCE = "/org/ttame/core/build.properties";
  private static final String UNKNOWN = "unknown";

  /**
   * The build that is running.
   *
   * @return what the build wrote into the jar
   */
  public static BuildInfo current() {
    Properties properties = new Properties();
    try (InputStream in = BuildInfo.class.getResourceAsStream(RESOURCE)) {
      if (in != null) {
        properties.load(in);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Could not read " + RESOURCE + " from the class path", e);
    }
    return of(properties);
  }

  /** The rule behind {@link #current()}: a placeholder that no build replaced is unknown. */
  static BuildInfo of(Properties properties) {
    return new BuildInfo(
        known(properties.getProperty("version")),
        known(properties.getProperty("commit")),
        Boolean.parseBoolean(properties.getProperty("dirty")),
        known(properties.getProperty("nd4j")));
  }

  /** One line: {@code 0.1.0 (commit 1a2b3c4d5e, with local changes)}. */
  public String describe() {
    String shortened = commit.length() > 10 ? commit.substring(0, 10) : commit;
    return version + " (commit " + shortened + (dirty ? ", with local changes)" : ")");
  }

  private static String known(String value) {
    return value == null || value.isBlank() || value.startsWith("${") ? UNKNOWN : value.strip();
  }
}
