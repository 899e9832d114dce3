package org.ttame.eval.output;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.IntFunction;
import org.ttame.core.Text;

/**
 * Names what is written about an image after the image: its path inside its source without the
 * ending, so {@code birds/wren.jpg} becomes {@code birds/wren}. Where two images would share a name
 * ({@code wren.jpg} and {@code wren.png}), the later one keeps its ending, and if that is taken too
 * it is numbered; so nothing overwrites anything. The same image always has the same name.
 */
public final class OutputNames {
  private final Map<String, String> given = new HashMap<>();
  private final Set<String> taken = new HashSet<>();

  /**
   * Names for the images of a list, the earlier first, so that they do not depend on which of them
   * are written about.
   *
   * @param count how many there are
   * @param images the path of each inside its source
   */
  public static OutputNames of(int count, IntFunction<String> images) {
    OutputNames names = new OutputNames();
    for (int i = 0; i < count; i++) {
      names.of(images.apply(i));
    }
    return names;
  }

  /**
   * The name for an image.
   *
   * @param image its path inside its source, with slashes
   * @return the path of what is written about it, inside the output folder, without ending
   * @throws IllegalArgumentException if the path is absolute, climbs out or names nothing
   */
  public String of(String image) {
    return given.computeIfAbsent(image, this::choose);
  }

  private String choose(String image) {
    for (String part : image.split("/", -1)) {
      if (part.isEmpty() || part.equals("..") || part.equals(".")) {
        throw new IllegalArgumentException(
            Text.format(
                "'%s' cannot be the name of an output file; use a path inside the image folder",
                image));
      }
    }
    int dot = image.lastIndexOf('.');
    String name = dot > image.lastIndexOf('/') + 1 ? image.substring(0, dot) : image;
    if (!taken.add(name)) {
      name = image;
      for (int n = 2; !taken.add(name); n++) {
        name = image + "-" + n;
      }
    }
    return name;
  }
}
