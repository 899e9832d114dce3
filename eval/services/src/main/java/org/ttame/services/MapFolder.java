package org.ttame.services;

import java.nio.file.Path;
import java.util.regex.Pattern;
import org.ttame.core.Text;
import org.ttame.eval.explain.ExplanationMethod;

/**
 * Maps made elsewhere.
 *
 * @param name what they are called in tables and files
 * @param folder where they are
 */
public record MapFolder(String name, Path folder) {
  /** What names may be: a name that files may have everywhere. */
  public static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9.+_-]*");

  public MapFolder {
    if (!NAME.matcher(name).matches()) {
      throw new InvalidOptionException(
          "maps", Text.format("\"%s\" is not a valid name: use letters, digits and .+_-", name));
    }
    if (ExplanationMethod.optionNames().contains(name)) {
      throw new InvalidOptionException(
          "maps",
          Text.format(
              "%s=%s: %s is a method's own name; call the maps something else",
              name, folder, name));
    }
  }
}
