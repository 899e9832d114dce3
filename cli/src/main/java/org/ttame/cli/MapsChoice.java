package org.ttame.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.ttame.core.Text;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.explain.MapFolderExplainer;

/**
 * Maps made elsewhere.
 *
 * @param name what they are called in tables and files
 * @param folder where they are
 */
record MapsChoice(String name, Path folder) {
  static final OptionSpec OPTION =
      OptionSpec.of(
          "maps",
          "DIR|NAME=DIR",
          "maps made elsewhere, beside --methods or alone: DIR/NAME.npy for each image, any size;"
              + " NAME= calls them so in tables");

  /** A name that files may have everywhere. */
  private static final Pattern NAMED = Pattern.compile("([A-Za-z0-9][A-Za-z0-9.+_-]*)=(.+)");

  /**
   * Reads the option.
   *
   * @return the choice, if it is given; a folder that there is is never taken for a name
   * @throws UsageException if it is no path, or the name is taken
   */
  static Optional<MapsChoice> parse(Arguments arguments) throws UsageException {
    Optional<Path> whole = arguments.path(OPTION);
    if (whole.isEmpty()) {
      return Optional.empty();
    }
    Matcher named = NAMED.matcher(arguments.text(OPTION).orElseThrow());
    if (!named.matches() || Files.isDirectory(whole.get())) {
      return Optional.of(new MapsChoice(MapFolderExplainer.NAME, whole.get()));
    }
    String name = named.group(1);
    if (ExplanationMethod.optionNames().contains(name)) {
      throw new UsageException(
          Text.format(
              "%s %s: %s is a method's own name; call the maps something else",
              OPTION.dashed(), named.group(), name));
    }
    return Optional.of(new MapsChoice(name, Arguments.toPath(OPTION.dashed(), named.group(2))));
  }
}
