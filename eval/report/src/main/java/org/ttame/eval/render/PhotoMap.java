package org.ttame.eval.render;

import org.ttame.core.image.CropPlan;
import org.ttame.core.image.RgbImage;
import org.ttame.eval.explain.SaliencyMaps;

/**
 * A map at the place of the photograph that it explains.
 *
 * @param photograph as it was decoded
 * @param crop the part of it that the classifier saw, and its size there
 * @param maps maps at the size at which a method made them, in [0,1]
 * @param index which of them
 */
public record PhotoMap(RgbImage photograph, CropPlan crop, SaliencyMaps maps, int index) {
  /**
   * The map at the photograph's size, bilinear with half-pixel centres.
   *
   * @return height·width values in [0,1], row by row; 0 where the crop left the photograph out
   */
  public float[] values() {
    float[] map = maps.read(index, cells(true), cells(false));
    boolean[] rows = inside(true);
    boolean[] columns = inside(false);
    for (int y = 0; y < rows.length; y++) {
      for (int x = 0; x < columns.length; x++) {
        if (!rows[y] || !columns[x]) {
          map[y * columns.length + x] = 0;
        }
      }
    }
    return map;
  }

  /**
   * The photograph under its heatmap, at the photograph's size; what the crop left out stays as it
   * is. Takes the memory of one more photograph.
   *
   * @param style colours and opacity
   */
  public RgbImage overlay(HeatmapOverlay style) {
    int width = photograph.width();
    byte[] samples = photograph.samples().clone();
    double[] down = cells(true);
    double[] across = cells(false);
    boolean[] rows = inside(true);
    boolean[] columns = inside(false);
    for (int y = 0; y < rows.length; y++) {
      float[] map = rows[y] ? maps.read(index, new double[] {down[y]}, across) : new float[width];
      for (int x = 0; x < width; x++) {
        if (rows[y] && columns[x]) {
          int color = style.blend(photograph.rgb(x, y), map[x]);
          int at = 3 * (y * width + x);
          samples[at] = (byte) (color >> 16);
          samples[at + 1] = (byte) (color >> 8);
          samples[at + 2] = (byte) color;
        }
      }
    }
    return RgbImage.wrap(width, photograph.height(), samples);
  }

  /** Where in the map the photograph's rows or columns lie, in cells; the first's centre is 0. */
  private double[] cells(boolean rows) {
    double[] cells = new double[rows ? photograph.height() : photograph.width()];
    for (int i = 0; i < cells.length; i++) {
      cells[i] =
          rows
              ? crop.mapY(i + 0.5) / crop.height() * maps.height() - 0.5
              : crop.mapX(i + 0.5) / crop.width() * maps.width() - 0.5;
    }
    return cells;
  }

  private boolean[] inside(boolean rows) {
    double[] cells = cells(rows);
    double last = (rows ? maps.height() : maps.width()) - 0.5;
    boolean[] inside = new boolean[cells.length];
    for (int i = 0; i < cells.length; i++) {
      inside[i] = cells[i] >= -0.5 && cells[i] <= last;
    }
    return inside;
  }
}
