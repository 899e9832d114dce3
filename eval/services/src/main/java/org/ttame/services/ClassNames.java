package org.ttame.services;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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

  private ClassNames() {}

  /**
   * Finds the names.
   *
   * @param file with a name a line, if given
   * @param run the training run, if there is one
   * @param output the classifier's: how many classes there are, and their names in its own file
   * @return their names, or an empty list
   * @throws IOException if a file cannot be read or has another number of lines
   * @throws InvalidOptionException if the file's names are not the run's
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
    if (names.size() != classes) {
      throw new IOException(
          Text.format(
              "%s has %d lines, the classifier %d classes; it should have one name a line",
              file, names.size(), classes));
    }
    return names;
  }

  static List<String> read(Path file) throws IOException {
    return TextFile.lines(file).stream()
        .map(String::strip)
        .filter(line -> !line.isEmpty())
        .toList();
  }

  /** A class for people: {@code 7 (sneaker)}, or {@code 7}. */
  static String describe(int index, List<String> names) {
    return index < names.size() ? index + " (" + names.get(index) + ")" : String.valueOf(index);
  }
}
