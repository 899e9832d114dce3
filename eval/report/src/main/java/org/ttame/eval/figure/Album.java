package org.ttame.eval.figure;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The chosen images as one classifier sees them. Memory: a picture for each image and for each map
 * of it.
 *
 * @param title what the classifier is called in figures
 * @param methods that explain it, the one that is shown where only one is first
 * @param scenes the images by their places in the list
 */
public record Album(String title, List<String> methods, Map<Integer, Scene> scenes) {
  public Album {
    methods = List.copyOf(methods);
  }

  /** An empty album of the methods that explain a classifier. */
  Album(String title, List<String> methods) {
    this(title, methods, new TreeMap<>());
  }

  /** The places of the images that are in it. */
  public int[] places() {
    return scenes.keySet().stream().mapToInt(place -> place).toArray();
  }
}
