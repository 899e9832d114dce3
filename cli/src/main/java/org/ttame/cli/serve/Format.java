package org.ttame.cli.serve;

import java.util.List;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.ttame.core.Text;

/** The forms an explanation can be sent in, the usual one first. */
enum Format {
  JSON("application/json"),
  PNG("image/png"),
  NPY("application/x-npy", "application/npy", "application/octet-stream"),
  EVENTS("text/event-stream");

  @SuppressWarnings("ImmutableEnumChecker") // an unmodifiable copy
  private final List<String> types;

  Format(String... types) {
    this.types = List.of(types);
  }

  /** What an answer of this form is called. */
  String type() {
    return types.get(0);
  }

  /**
   * The form that a client likes best of those offered, the usual one first; a {@link Problem} if
   * it likes none.
   */
  static Format of(HttpFields headers, List<Format> offered) {
    List<String> accepted = headers.getQualityCSV(HttpHeader.ACCEPT);
    if (accepted.isEmpty() && !headers.contains(HttpHeader.ACCEPT)) {
      return offered.get(0);
    }
    for (String range : accepted) {
      String type = range.split(";", 2)[0].strip().toLowerCase(java.util.Locale.ROOT);
      for (Format format : offered) {
        if (format.types.stream().anyMatch(own -> matches(type, own))) {
          return format;
        }
      }
    }
    throw new Problem(
        406,
        Text.format(
            "There is no answer as %s; there are %s",
            String.join(", ", accepted),
            String.join(", ", offered.stream().map(Format::type).toList())));
  }

  private static boolean matches(String range, String type) {
    return range.equals("*/*")
        || range.equals(type)
        || (range.endsWith("/*") && type.startsWith(range.substring(0, range.length() - 1)));
  }
}
