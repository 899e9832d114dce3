package org.ttame.eval.figure;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ttame.core.Text;
import org.ttame.core.image.RgbImage;

/**
 * An image of a figure as one classifier sees it: answer and maps, as pictures.
 *
 * @param name the image's name
 * @param truth its true classes; empty where they are not known
 * @param answer what the classifier says
 * @param photo what the classifier saw
 * @param maps over the image
 */
public record Scene(
    String name,
    List<Integer> truth,
    Prediction answer,
    RgbImage photo,
    Map<Wanted, RgbImage> maps) {
  Scene(String name, List<Integer> truth, Prediction answer, RgbImage photo) {
    this(name, truth, answer, photo, new LinkedHashMap<>());
  }

  /** Whose map. */
  record Wanted(String method, int classIndex) {}

  /** A map over the image. */
  RgbImage map(Wanted wanted) {
    RgbImage map = maps.get(wanted);
    if (map == null) {
      throw new IllegalStateException(Text.format("%s was not explained by %s", name, wanted));
    }
    return map;
  }
}
