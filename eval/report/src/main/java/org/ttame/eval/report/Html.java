package org.ttame.eval.report;

import java.util.List;
import java.util.stream.Collectors;

/**
 * Markup that may stand in a page as it is. Templates put {@code Html} in unchanged and escape
 * every other value, so a name that a stranger chose can only become text.
 *
 * @param markup trusted markup
 */
public record Html(String markup) {
  /** Nothing. */
  public static final Html NONE = new Html("");

  /**
   * Text, escaped for element content and quoted attributes alike. Control characters and halves of
   * surrogate pairs, which no page may contain, become replacement characters.
   *
   * @param text any characters
   * @return markup that shows them
   */
  public static Html text(String text) {
    StringBuilder escaped = new StringBuilder(text.length() + 16);
    text.codePoints()
        .forEach(
            point -> {
              switch (point) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                case '"' -> escaped.append("&quot;");
                case '\'' -> escaped.append("&#39;");
                default -> escaped.appendCodePoint(isAllowed(point) ? point : 0xFFFD);
              }
            });
    return new Html(escaped.toString());
  }

  /**
   * A name that somebody else chose: as {@link #text}, in an element of its own whose writing
   * direction cannot reach what stands around it.
   *
   * @param name any characters
   * @return markup that shows them
   */
  public static Html name(String name) {
    return new Html("<bdi>" + text(name).markup + "</bdi>");
  }

  /** Pieces one after the other. */
  public static Html join(List<Html> pieces) {
    return new Html(pieces.stream().map(Html::markup).collect(Collectors.joining()));
  }

  private static boolean isAllowed(int point) {
    boolean control = Character.isISOControl(point) && point != '\n' && point != '\t';
    boolean half = point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE;
    return !control && !half;
  }
}
