package org.ttame.services;

import org.ttame.core.image.CropPlan;
import org.ttame.core.image.RgbImage;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.render.HeatmapOverlay;
import org.ttame.eval.render.PhotoMap;

/**
 * What a method said of a photograph.
 *
 * @param photograph as it was decoded
 * @param crop the part of it that the classifier saw, and its size there
 * @param maps one map at the size at which the method made it, in [0,1]
 * @param method its name, e.g. {@code ttame}
 * @param classIndex the class explained
 * @param label that class's name; its index where names are not known
 * @param probability the classifier's, of that class
 */
public record PhotoExplanation(
    RgbImage photograph,
    CropPlan crop,
    SaliencyMaps maps,
    String method,
    int classIndex,
    String label,
    double probability) {

  /**
   * The map at the photograph's size, bilinear with half-pixel centres.
   *
   * @return height·width values in [0,1], row by row; 0 where the crop left the photograph out
   */
  public float[] map() {
    return placed().values();
  }

  /** The photograph under its heatmap, in viridis at half opacity, at the photograph's size. */
  public RgbImage overlay() {
    return overlay(HeatmapOverlay.defaults());
  }

  /**
   * The photograph under its heatmap, at the photograph's size; what the crop left out stays as it
   * is.
   *
   * @param style colours and opacity
   */
  public RgbImage overlay(HeatmapOverlay style) {
    return placed().overlay(style);
  }

  private PhotoMap placed() {
    return new PhotoMap(photograph, crop, maps, 0);
  }
}
