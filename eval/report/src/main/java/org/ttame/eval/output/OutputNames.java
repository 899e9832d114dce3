package org.ttame.eval.output;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
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
   * The images of a list whose name is not the usual one, since an earlier one has that.
   *
   * @param count how many there are
   * @param images the path of each inside its source
   * @return image to name; nearly always empty, and then little memory was needed
   */
  public static Map<String, String> unusual(int count, IntFunction<String> images) {
    long[] sums = new long[count];
    for (int i = 0; i < count; i++) {
      sums[i] = sum(usual(images.apply(i)));
    }
    Arrays.sort(sums);
    boolean apart = true;
    for (int i = 1; i < count && apart; i++) {
      apart = sums[i] != sums[i - 1];
    }
    Map<String, String> unusual = new LinkedHashMap<>();
    if (!apart) {
      OutputNames names = of(count, images);
      names.given.forEach(
          (image, name) -> {
            if (!name.equals(usual(image))) {
              unusual.put(image, name);
            }
          });
    }
    return unusual;
  }

  /** FNV-1a over UTF-16. */
  private static long sum(String text) {
    long sum = 0xcbf29ce484222325L;
    for (int i = 0; i < text.length(); i++) {
      sum = (sum ^ text.charAt(i)) * 0x100000001b3L;
    }
    return sum;
  }

  /**
   * Names for some images of a list.
   *
   * @param unusual of {@link #unusual} of the whole list
   * @param count how many there are here
   * @param images the path of each
   */
  public static OutputNames of(Map<String, String> unusual, int count, IntFunction<String> images) {
    OutputNames names = new OutputNames();
    names.given.putAll(unusual);
    names.taken.addAll(unusual.values());
    for (int i = 0; i < count; i++) {
      names.of(images.apply(i));
    }
    return names;
  }

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

  /** The path without its ending. */
  private static String usual(String image) {
    int dot = image.lastIndexOf('.');
    return dot > image.lastIndexOf('/') + 1 ? image.substring(0, dot) : image;
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
    String name = usual(image);
    if (!taken.add(name)) {
      name = image;
      for (int n = 2; !taken.add(name); n++) {
        name = image + "-" + n;
      }
    }
    return name;
  }
}
