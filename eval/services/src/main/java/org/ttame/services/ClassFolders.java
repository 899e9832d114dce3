package org.ttame.services;

import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.ttame.core.Text;
import org.ttame.training.data.ImageList;

/**
 * Images whose labels are the classifier's classes, or none where that cannot be known.
 *
 * @param images with labels of the classifier
 * @param names of its classes, or an empty list
 * @param problem why class folders give no labels, if they do not
 */
record ClassFolders(ImageList images, List<String> names, Optional<String> problem) {
  private static final int UNKNOWN = -1;

  /**
   * Finds out which class each folder stands for: the one of its name, if the classes' names are
   * known; or of its number, if all are numbers; or else of its place, if there are as many folders
   * as classes and no name speaks against it. The labels of lists are taken as they are.
   */
  static ClassFolders of(ImageList list, List<String> known, int classes) {
    List<String> folders = list.classNames();
    if (folders.isEmpty()) {
      return new ClassFolders(list, known, Optional.empty());
    }
    int[] named = byName(folders, known);
    if (all(named, classes)) {
      return new ClassFolders(list.relabelled(place -> named[place]), known, Optional.empty());
    }
    Optional<int[]> numbers = byNumber(folders);
    if (numbers.isPresent()) {
      int[] numbered = numbers.get();
      return all(numbered, classes)
          ? new ClassFolders(list.relabelled(place -> numbered[place]), known, Optional.empty())
          : unknown(list, known, classes);
    }
    // ImageNet's folders have other names than its classes, but one for each and in their order.
    boolean inOrder =
        IntStream.range(0, named.length).allMatch(i -> named[i] == UNKNOWN || named[i] == i);
    return folders.size() == classes && inOrder
        ? new ClassFolders(list, known.isEmpty() ? folders : known, Optional.empty())
        : unknown(list, known, classes);
  }

  /** The numbers that folders are named by, if all are and each differs. */
  static Optional<int[]> byNumber(List<String> folders) {
    if (!folders.stream().allMatch(name -> name.matches("[0-9]{1,9}"))) {
      return Optional.empty();
    }
    int[] numbers = folders.stream().mapToInt(Integer::parseInt).toArray();
    return IntStream.of(numbers).distinct().count() == numbers.length
        ? Optional.of(numbers)
        : Optional.empty();
  }

  /** Makes sure that there is no label that the classifier has no class for. */
  void requireLabelsOf(int classes) throws IOException {
    for (int i = 0; i < images.size(); i++) {
      if (images.label(i) >= classes) {
        throw new IOException(
            Text.format(
                "'%s' gives %s the label %d, but the classifier's classes are 0 to %d; correct the"
                    + " list or give the classifier it was made for",
                images.source(), images.name(i), images.label(i), classes - 1));
      }
    }
  }

  private static int[] byName(List<String> folders, List<String> known) {
    Map<String, Integer> places = new HashMap<>();
    for (int i = 0; i < known.size(); i++) {
      // ImageNet has two classes "crane": such a name says nothing
      places.merge(known.get(i), i, (one, other) -> UNKNOWN);
    }
    return folders.stream().mapToInt(name -> places.getOrDefault(name, UNKNOWN)).toArray();
  }

  private static boolean all(int[] labels, int classes) {
    return IntStream.of(labels).allMatch(label -> label >= 0 && label < classes);
  }

  private static ClassFolders unknown(ImageList list, List<String> known, int classes) {
    return new ClassFolders(
        list.relabelled(place -> ImageList.NO_LABEL),
        known,
        Optional.of(
            Text.format(
                "which of the classifier's %d classes the %d class folders of '%s' stand for is not"
                    + " known; name them as the lines of option 'labels' FILE or by the classes'"
                    + " indices, or give a list of 'path label' lines instead",
                classes, list.classNames().size(), list.source())));
  }
}
