package org.ttame.cli;

import java.io.IOException;
import java.util.List;
import org.ttame.core.Text;
import org.ttame.core.attention.ClassChoice;
import org.ttame.training.data.ImageList;

/**
 * {@code --class}: whose map is drawn.
 *
 * @param kind which rule
 * @param number the class, or how many; unused by the others
 */
record ClassOption(Kind kind, int number) {
  static final OptionSpec OPTION =
      OptionSpec.of(
          "class",
          "CLASS",
          "predicted",
          "predicted, an index, top:K for the K most probable, or label for that of the list");

  /** The rules. */
  enum Kind {
    PREDICTED,
    INDEX,
    TOP,
    LABEL
  }

  static ClassOption parse(Arguments arguments) throws UsageException {
    String text = arguments.text(OPTION).orElseThrow();
    if (text.equals("predicted")) {
      return new ClassOption(Kind.PREDICTED, 1);
    }
    if (text.equals("label")) {
      return new ClassOption(Kind.LABEL, 1);
    }
    if (text.startsWith("top:")) {
      return new ClassOption(Kind.TOP, Arguments.toInteger("--class top:", text.substring(4), 1));
    }
    if (!text.matches("\\d+")) {
      throw new UsageException(
          Text.format(
              "--class %s is neither predicted, label, top:K nor the index of a class", text));
    }
    return new ClassOption(Kind.INDEX, Arguments.toInteger("--class", text, 0));
  }

  /** Whether an image has several maps, so that their names must tell them apart. */
  boolean several() {
    return kind == Kind.TOP && number > 1;
  }

  /**
   * Makes sure that labels are the classifier's, where they are what is asked for.
   *
   * @param labelled the images
   * @param classes how many classes there are
   * @throws IOException saying why they are not
   */
  void require(ClassFolders labelled, int classes) throws IOException {
    if (kind == Kind.LABEL) {
      if (labelled.problem().isPresent()) {
        throw new IOException("--class label: " + labelled.problem().get());
      }
      labelled.requireLabelsOf(classes);
    }
  }

  /**
   * The classes of some images.
   *
   * @param list the images
   * @param indices their places in it
   * @throws IOException if an image should have a label and has none
   */
  ClassChoice of(ImageList list, List<Integer> indices) throws IOException {
    return switch (kind) {
      case PREDICTED -> ClassChoice.predicted();
      case INDEX -> ClassChoice.fixed(number);
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
                "--class label: %s has no label; give class folders or a list of 'path label' lines",
                list.name(indices.get(i))));
      }
    }
    return rows;
  }
}
