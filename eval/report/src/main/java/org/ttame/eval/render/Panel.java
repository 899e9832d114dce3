package org.ttame.eval.render;

import java.util.List;
import java.util.Objects;
import org.ttame.core.image.RgbImage;

/**
 * A picture of a figure and its caption.
 *
 * @param picture the picture
 * @param lines each a line, the first one darker
 */
public record Panel(RgbImage picture, List<String> lines) {
  public Panel {
    Objects.requireNonNull(picture, "picture");
    lines = List.copyOf(lines);
  }
}
