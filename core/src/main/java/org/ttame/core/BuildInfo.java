package org.ttame.core;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/**
 * Which build of this program runs, for the provenance of results.
 *
 * @param version e.g. {@code 0.1.0}
 * @param commit the 40 digits of the git commit, with {@code -dirty} behind them where the working
 *     copy differed; {@code unknown} for a build outside a git repository
 * @param nd4j the version of ND4J
 */
public record BuildInfo(String version, String commit, String nd4j) {
  private static final String RESOURCE = "build.properties";

  /**
   * Reads what the build wrote down.
   *
   * @return this build
   */
  public static BuildInfo current() {
    Properties properties = new Properties();
    try (InputStream in = BuildInfo.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new IllegalStateException("the build left out " + RESOURCE);
      }
      properties.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return of(
        properties.getProperty("version"),
        properties.getProperty("commit"),
        properties.getProperty("dirty"),
        properties.getProperty("nd4j"));
  }

  /** Outside a git repository the placeholders of the build stay unfilled. */
  static BuildInfo of(String version, String commit, String dirty, String nd4j) {
    if (commit == null || commit.isBlank() || commit.startsWith("${")) {
      return new BuildInfo(version, "unknown", nd4j);
    }
    return new BuildInfo(version, "true".equals(dirty) ? commit + "-dirty" : commit, nd4j);
  }
}
