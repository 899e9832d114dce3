package org.ttame.eval.figure;

import java.util.List;
import org.ttame.core.Named;
import org.ttame.core.Text;

/** The figures there are, in the order in which they are shown. */
public enum FigureKind implements Named {
  /** The same images across classifiers (Fig. 14). */
  BACKBONES("The same images, several classifiers"),
  /** One classifier across methods (Fig. 15). */
  METHODS("One classifier, several methods"),
  /** The true class against the most probable false one (Fig. 17). */
  WRONG_CLASS("The true class against a false one"),
  /** All the true classes of an image (Fig. 18a). */
  SEVERAL_CLASSES("Several true classes in one image"),
  /** Mistakes: the true class and the one answered instead (Fig. 18b). */
  MISCLASSIFIED("Mistakes"),
  /** ROAD's imputation against the mean colour, on a synthetic image (Fig. 4). */
  ROAD("Removing pixels: ROAD's imputation against the mean colour");

  private final String title;

  FigureKind(String title) {
    this.title = title;
  }

  /** The heading of its section. */
  public String title() {
    return title;
  }

  /** Whether it is made of what classifiers say of images. */
  public boolean needsRuns() {
    return this != ROAD;
  }

  /**
   * Whether its images are chosen by what the first classifier answers, or by their true classes.
   */
  boolean isChosenByAnswer() {
    return this == WRONG_CLASS || this == SEVERAL_CLASSES || this == MISCLASSIFIED;
  }

  /** All names. */
  public static List<String> optionNames() {
    return Named.names(FigureKind.class);
  }

  /**
   * Reads an option's value.
   *
   * @param text a name
   * @throws IllegalArgumentException if there is none of that name
   */
  public static FigureKind parse(String text) {
    return Named.find(FigureKind.class, text)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    Text.format(
                        "%s is not a figure; choose from %s",
                        text, String.join(", ", optionNames()))));
  }
}
