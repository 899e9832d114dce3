package org.ttame.eval.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** The texts beside this package: templates, styles and scripts. */
final class Resources {
  private Resources() {}

  /** Reads a text; throws IllegalArgumentException if there is none of that name. */
  static String text(String name) {
    try (InputStream in = Resources.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalArgumentException("The report has no resource " + name);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("The report's resource " + name + " could not be read", e);
    }
  }
}
