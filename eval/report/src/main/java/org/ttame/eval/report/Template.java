package org.ttame.eval.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.ttame.core.Text;

/**
 * A piece of markup with places to fill, written {@code {{name}}}. It lives in a file beside this
 * package; a file may hold several, each after a line {@code <!-- template: NAME -->}.
 *
 * <p>Repetition and choice are Java's affair: a template only says what markup looks like.
 */
public final class Template {
  private static final Pattern PLACE = Pattern.compile("\\{\\{([a-z]+)}}");
  private static final Pattern HEAD =
      Pattern.compile("^<!-- template: ([a-z-]+) -->\\n", Pattern.MULTILINE);

  private final String name;
  private final String text;
  private final Set<String> places = new LinkedHashSet<>();

  private Template(String name, String text) {
    this.name = name;
    this.text = text;
    PLACE.matcher(text).results().forEach(place -> places.add(place.group(1)));
  }

  /**
   * Reads one of a file's templates.
   *
   * @param file the file, e.g. {@code gallery.html}
   * @param name the template in it
   * @return the template
   * @throws IllegalArgumentException if there is none of that name
   */
  public static Template read(String file, String name) {
    String all = resource(file);
    Matcher head = HEAD.matcher(all);
    while (head.find()) {
      if (head.group(1).equals(name)) {
        int start = head.end();
        int end = head.find() ? head.start() : all.length();
        return of(name, all.substring(start, end));
      }
    }
    throw new IllegalArgumentException(Text.format("%s has no template %s", file, name));
  }

  /** Reads a text beside this package: templates, styles and scripts. */
  static String resource(String name) {
    try (InputStream in = Template.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalArgumentException("The report has no resource " + name);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("The report's resource " + name + " could not be read", e);
    }
  }

  /** A template of a text. */
  static Template of(String name, String text) {
    return new Template(name, text.strip());
  }

  /**
   * Fills every place.
   *
   * @param values for each place its content: {@link Html} stands as it is, all else is text
   * @return the markup
   * @throws IllegalArgumentException if a place has no value, or a value no place
   */
  public Html fill(Map<String, ?> values) {
    if (!places.equals(values.keySet())) {
      Set<String> different = new HashSet<>(places);
      different.addAll(values.keySet());
      different.removeIf(place -> places.contains(place) && values.containsKey(place));
      throw new IllegalArgumentException(
          Text.format(
              "The template %s has the places %s, got values for %s: %s do not match",
              name, places, values.keySet(), List.copyOf(different)));
    }
    StringBuilder filled = new StringBuilder();
    Matcher place = PLACE.matcher(text);
    int at = 0;
    while (place.find()) {
      filled.append(text, at, place.start());
      Object value = values.get(place.group(1));
      Html html = value instanceof Html markup ? markup : Html.text(String.valueOf(value));
      filled.append(html.markup());
      at = place.end();
    }
    return new Html(filled.append(text, at, text.length()).toString());
  }
}
