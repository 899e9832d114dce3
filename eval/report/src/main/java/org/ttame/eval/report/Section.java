package org.ttame.eval.report;

import java.util.List;
import java.util.Objects;

/**
 * A part of a page.
 *
 * @param id where links lead to; lower-case letters and hyphens, different for each section of a
 *     page
 * @param title its heading
 * @param body its markup
 * @param styles the style sheets it needs beside the page's own, by name
 * @param scripts the scripts it needs, by name; a page must be readable without them
 */
public record Section(
    String id, String title, Html body, List<String> styles, List<String> scripts) {
  public Section {
    Objects.requireNonNull(title, "title");
    Objects.requireNonNull(body, "body");
    styles = List.copyOf(styles);
    scripts = List.copyOf(scripts);
    if (!id.matches("[a-z][a-z-]*")) {
      throw new IllegalArgumentException(
          "A section's id is of lower-case letters and hyphens, got \"" + id + "\"");
    }
  }

  /** A section that the page's own style sheet is enough for. */
  public static Section of(String id, String title, Html body) {
    return new Section(id, title, body, List.of(), List.of());
  }
}
