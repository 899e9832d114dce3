package org.ttame.services;

import org.ttame.core.image.CropPlan;
import org.ttame.core.image.RgbImage;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.render.Canvas;
import org.ttame.eval.render.HeatmapOverlay;

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
    double[] rows = cells(true);
    double[] columns = cells(false);
    float[] map = maps.read(0, rows, columns);
    for (int y = 0; y < rows.length; y++) {
      for (int x = 0; x < columns.length; x++) {
        if (!inside(rows[y], maps.height()) || !inside(columns[x], maps.width())) {
          map[y * columns.length + x] = 0;
        }
      }
    }
    return map;
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
    Canvas picture = Canvas.of(photograph);
    Canvas drawn = style.draw(picture, map());
    double[] rows = cells(true);
    double[] columns = cells(false);
    for (int y = 0; y < rows.length; y++) {
      for (int x = 0; x < columns.length; x++) {
        if (!inside(rows[y], maps.height()) || !inside(columns[x], maps.width())) {
          drawn.set(x, y, picture.rgb(x, y));
        }
      }
    }
    return drawn.toImage();
  }

  /** Where in the map the photograph's rows or columns lie, in cells; the first's centre is 0. */
  private double[] cells(boolean rows) {
    int length = rows ? photograph.height() : photograph.width();
    int count = rows ? maps.height() : maps.width();
    double[] cells = new double[length];
    for (int i = 0; i < length; i++) {
      double place = rows ? crop.mapY(i + 0.5) : crop.mapX(i + 0.5);
      cells[i] = place / (rows ? crop.height() : crop.width()) * count - 0.5;
    }
    return cells;
  }

  private static boolean inside(double cell, int count) {
    return cell >= -0.5 && cell <= count - 0.5;
  }
}
