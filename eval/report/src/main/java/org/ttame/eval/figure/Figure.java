package org.ttame.eval.figure;

import java.util.Objects;
import org.ttame.eval.render.FigureSheet;

/**
 * A figure: what is drawn, and the words that belong to it.
 *
 * @param section what it belongs to, see {@link FigureKind#optionName}
 * @param name of its files: letters, digits, dots, hyphens and underscores
 * @param title its heading
 * @param caption what it shows and how its images were chosen, in sentences
 * @param sheet the pictures
 */
public record Figure(String section, String name, String title, String caption, FigureSheet sheet) {
  public Figure {
    Objects.requireNonNull(section, "section");
    Objects.requireNonNull(title, "title");
    Objects.requireNonNull(caption, "caption");
    Objects.requireNonNull(sheet, "sheet");
  }
}
