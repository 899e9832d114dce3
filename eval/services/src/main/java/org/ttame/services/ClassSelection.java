package org.ttame.services;

import java.io.IOException;
import java.util.List;
import org.ttame.core.Text;
import org.ttame.core.attention.ClassChoice;
import org.ttame.training.data.ImageList;

/**
 * Whose map is drawn.
 *
 * @param kind which rule
 * @param number the class, or how many; unused by the others
 * @param name the class's name, where that is the rule; else empty
 */
public record ClassSelection(Kind kind, int number, String name) {
  /** The rules. */
  public enum Kind {
    PREDICTED,
    INDEX,
    NAME,
    TOP,
    LABEL
  }

  public ClassSelection {
    if (kind == Kind.TOP ? number < 1 : number < 0) {
      throw new InvalidOptionException("class", number + " is too small");
    }
  }

  /** The most probable class. */
  public static ClassSelection predicted() {
    return new ClassSelection(Kind.PREDICTED, 1, "");
  }

  /** That of the image's label. */
  public static ClassSelection label() {
    return new ClassSelection(Kind.LABEL, 1, "");
  }

  /** The most probable classes, so many of them. */
  public static ClassSelection top(int count) {
    return new ClassSelection(Kind.TOP, count, "");
  }

  /** The same class for every image. */
  public static ClassSelection of(int index) {
    return new ClassSelection(Kind.INDEX, index, "");
  }

  /**
   * The same class for every image.
   *
   * @param name its name, or {@code name:} and its name
   */
  public static ClassSelection of(String name) {
    return new ClassSelection(Kind.NAME, 0, name);
  }

  /** The same by index, where it is a name; refused if there is no such class. */
  ClassSelection resolved(List<String> names, int classes) {
    if (kind != Kind.NAME && kind != Kind.INDEX) {
      return this;
    }
    try {
      String text = kind == Kind.NAME ? name : String.valueOf(number);
      return of(ClassNames.index(text, names, classes));
    } catch (IllegalArgumentException e) {
      throw new InvalidOptionException("class", e.getMessage());
    }
  }

  /** Whether an image has several maps, so that their names must tell them apart. */
  public boolean several() {
    return kind == Kind.TOP && number > 1;
  }

  /**
   * Makes sure that labels are the classifier's, where they are what is asked for.
   *
   * @param classes how many classes there are
   * @throws IOException saying why they are not
   */
  public void require(ClassFolders labelled, int classes) throws IOException {
    if (kind == Kind.LABEL) {
      if (labelled.problem().isPresent()) {
        throw new IOException("option 'class' label: " + labelled.problem().get());
      }
      labelled.requireLabelsOf(classes);
    }
  }

  /**
   * The classes of some images.
   *
   * @param indices their places in it
   * @throws IOException if an image should have a label and has none
   */
  public ClassChoice of(ImageList list, List<Integer> indices) throws IOException {
    return switch (kind) {
      case PREDICTED -> ClassChoice.predicted();
      case INDEX -> ClassChoice.fixed(number);
      case NAME -> throw new IllegalStateException("The name " + name + " is not resolved");
      case TOP -> ClassChoice.top(number);
      case LABEL -> ClassChoice.perImage(labels(list, indices));
    };
  }

  private static int[][] labels(ImageList list, List<Integer> indices) throws IOException {
    int[][] rows = new int[indices.size()][1];
    for (int i = 0; i < rows.length; i++) {
      rows[i][0] = list.label(indices.get(i));
      if (rows[i][0] == ImageList.NO_LABEL) {
        throw new IOException(
            Text.format(
                "option 'class' label: %s has no label; give class folders or a list of 'path"
                    + " label' lines",
                list.name(indices.get(i))));
      }
    }
    return rows;
  }
}
