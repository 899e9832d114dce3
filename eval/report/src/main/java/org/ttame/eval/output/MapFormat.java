package org.ttame.eval.output;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import org.ttame.core.Named;
import org.ttame.core.Text;

/** The files an explanation can be written to; their ending is the option's name. */
public enum MapFormat implements Named {
  /** The picture: the map in colours over the image. */
  PNG,
  /** The map, float32 {@code [h, w]} in [0,1], at the size its method makes it. */
  NPY,
  /** Class, probability, method, passes and provenance. */
  JSON;

  /**
   * Reads an option's value.
   *
   * @param text endings separated by commas, e.g. {@code png,npy}
   * @return the formats, at least one
   * @throws IllegalArgumentException if one does not exist
   */
  public static Set<MapFormat> parse(String text) {
    Set<MapFormat> formats = EnumSet.noneOf(MapFormat.class);
    for (String part : text.split(",", -1)) {
      formats.add(
          Named.find(MapFormat.class, part.strip().toLowerCase(Locale.ROOT))
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          Text.format(
                              "\"%s\" is not a format; use png, npy and json, separated by commas",
                              part))));
    }
    return formats;
  }
}
