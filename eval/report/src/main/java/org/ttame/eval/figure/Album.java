package org.ttame.eval.figure;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The chosen images as one classifier sees them. Memory: a picture for each image and for each map
 * of it.
 */
public final class Album {
  private final String title;
  private final List<String> methods;
  private final Map<Integer, Scene> scenes = new TreeMap<>();

  /** An empty album of the methods that explain a classifier. */
  Album(String title, List<String> methods) {
    this.title = title;
    this.methods = List.copyOf(methods);
  }

  /** What the classifier is called in figures. */
  public String title() {
    return title;
  }

  /** The methods that explain it, the one that is shown where only one is first. */
  public List<String> methods() {
    return methods;
  }

  /** The images by their places in the list. */
  Map<Integer, Scene> scenes() {
    return scenes;
  }

  /** The places of the images that are in it. */
  public int[] places() {
    return scenes.keySet().stream().mapToInt(place -> place).toArray();
  }
}
