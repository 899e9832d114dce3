package org.ttame.services;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.ttame.core.Text;
import org.ttame.core.classifier.OutputSpec;
import org.ttame.core.storage.TextFile;

/**
 * The names of classes: the lines of a file, or the run's own; {@link ClassFolders} may know more.
 * Where none are known a class is its index.
 */
final class ClassNames {
  /** Where a run keeps the names it was trained with. */
  static final String IN_RUN = "labels.txt";

  /** Before what is a name even if an index or a keyword reads the same. */
  private static final String FORCED = "name:";

  private ClassNames() {}

  /**
   * The names in a file with one a line, if given, else those of the run or in the classifier's own
   * file, or an empty list. Refuses a file with another number of lines, or whose names are not the
   * run's.
   */
  static List<String> find(Optional<Path> file, Optional<Path> run, OutputSpec output)
      throws IOException {
    int classes = output.classes();
    List<String> own = List.of();
    if (run.isPresent() && Files.exists(run.get().resolve(IN_RUN))) {
      own = read(run.get().resolve(IN_RUN), classes);
    }
    if (file.isEmpty()) {
      return own.isEmpty() ? output.labels() : own;
    }
    List<String> names = read(file.get(), classes);
    if (!own.isEmpty() && !own.equals(names)) {
      throw InvalidOptionException.differs(
          "labels", file.get(), run.get(), run.get().resolve(IN_RUN));
    }
    return names;
  }

  private static List<String> read(Path file, int classes) throws IOException {
    List<String> names = read(file);
    requireOne(names, classes, file);
    return names;
  }

  /** Makes sure that a file has a name for each class. */
  static void requireOne(List<String> names, int classes, Path file) throws IOException {
    if (names.size() != classes) {
      throw new IOException(
          Text.format(
              "%s has %s, but the classifier has %d classes; give one name per line",
              file, Text.count(names.size(), "line"), classes));
    }
  }

  static List<String> read(Path file) throws IOException {
    return TextFile.lines(file).stream()
        .map(String::strip)
        .filter(line -> !line.isEmpty())
        .toList();
  }

  /**
   * The class that people write as an index, a name, or {@code name:} and a name; throws
   * IllegalArgumentException if there is none.
   */
  static int index(String text, List<String> names, int classes) {
    if (text.matches("\\d{1,9}")) {
      int index = Integer.parseInt(text);
      if (index >= classes) {
        throw new IllegalArgumentException(
            Text.format(
                "%d is not a class: the classifier has %d, counted from 0", index, classes));
      }
      return index;
    }
    String name = text.startsWith(FORCED) ? text.substring(FORCED.length()) : text;
    int first = names.indexOf(name);
    if (first < 0) {
      throw new IllegalArgumentException(
          names.isEmpty()
              ? Text.format(
                  "\"%s\" is not an index from 0 to %d, and the names of the classes are"
                      + " not known; option 'labels' FILE gives them",
                  text, classes - 1)
              : Text.format(
                  "\"%s\" is neither an index from 0 to %d nor the name of a class%s",
                  text, classes - 1, like(name, names)));
    }
    if (names.lastIndexOf(name) != first) {
      throw new IllegalArgumentException(
          Text.format("several classes are called \"%s\"; give an index", name));
    }
    return first;
  }

  /** What may have been meant: a name with the same letters, or that has them among others. */
  private static String like(String name, List<String> names) {
    String lower = name.strip().toLowerCase(Locale.ROOT);
    return names.stream()
        .filter(known -> !lower.isEmpty() && known.toLowerCase(Locale.ROOT).contains(lower))
        .findFirst()
        .map(known -> Text.format("; did you mean %s?", known))
        .orElseGet(() -> Text.didYouMean(name, names));
  }

  /** A class for people: {@code 7 (sneaker)}, or {@code 7}. */
  static String describe(int index, List<String> names) {
    return index < names.size() ? index + " (" + names.get(index) + ")" : String.valueOf(index);
  }
}
