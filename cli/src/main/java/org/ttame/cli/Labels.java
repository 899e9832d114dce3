package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.ttame.core.Text;
import org.ttame.core.storage.TextFile;

/**
 * The names of classes: the lines of {@code --labels}, or the run's own; {@link ClassFolders} may
 * know more. Where none are known a class is its index.
 */
final class Labels {
  static final OptionSpec OPTION =
      OptionSpec.of("labels", "FILE", "names of the classes, one a line, in order of their index");

  /** Where a run keeps the names it was trained with. */
  static final String IN_RUN = "labels.txt";

  private Labels() {}

  /**
   * Finds the names.
   *
   * @param file of {@code --labels}
   * @param run of {@code --run}
   * @param classes how many classes there are
   * @return their names, or an empty list
   * @throws IOException if a file cannot be read or has another number of lines
   * @throws UsageException if the file's names are not the run's
   */
  static List<String> find(Optional<Path> file, Optional<Path> run, int classes)
      throws IOException, UsageException {
    List<String> own = List.of();
    if (run.isPresent() && Files.exists(run.get().resolve(IN_RUN))) {
      own = read(run.get().resolve(IN_RUN), classes);
    }
    if (file.isEmpty()) {
      return own;
    }
    List<String> names = read(file.get(), classes);
    if (!own.isEmpty() && !own.equals(names)) {
      throw ClassifierChoice.differs(OPTION, file.get(), run.get(), run.get().resolve(IN_RUN));
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
  static String describe(int index, List<String> labels) {
    return index < labels.size() ? index + " (" + labels.get(index) + ")" : String.valueOf(index);
  }
}
