package org.ttame.cli;

import java.nio.file.Files;
import java.nio.file.Path;

/** Names folders for runs that were given none. */
final class RunFolders {
  private static final Path HOME = Path.of("runs");

  private RunFolders() {}

  /**
   * A folder that does not exist yet: {@code runs/NAME}, or {@code runs/NAME-2} and so on where
   * that is taken.
   *
   * @param name of the classifier, e.g. {@code vgg16}
   */
  static Path unused(String name) {
    Path folder = HOME.resolve(name);
    for (int n = 2; Files.exists(folder); n++) {
      folder = HOME.resolve(name + "-" + n);
    }
    return folder;
  }
}
