package org.ttame.eval.figure;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ttame.core.Text;
import org.ttame.core.image.RgbImage;

/** An image of a figure as one classifier sees it: answer and maps, as pictures. */
public final class Scene {
  private final String name;
  private final List<Integer> truth;
  private final Prediction answer;
  private final RgbImage photo;
  private final Map<Wanted, RgbImage> maps = new LinkedHashMap<>();

  /** Whose map. */
  record Wanted(String method, int classIndex) {}

  Scene(String name, List<Integer> truth, Prediction answer, RgbImage photo) {
    this.name = name;
    this.truth = truth;
    this.answer = answer;
    this.photo = photo;
  }

  /** The image's name. */
  String name() {
    return name;
  }

  /** Its true classes; empty where they are not known. */
  List<Integer> truth() {
    return truth;
  }

  /** What the classifier says. */
  Prediction answer() {
    return answer;
  }

  /** What the classifier saw. */
  RgbImage photo() {
    return photo;
  }

  /** A map over the image. */
  RgbImage map(Wanted wanted) {
    RgbImage map = maps.get(wanted);
    if (map == null) {
      throw new IllegalStateException(Text.format("%s was not explained by %s", name, wanted));
    }
    return map;
  }

  void keep(Wanted wanted, RgbImage map) {
    maps.put(wanted, map);
  }
}
