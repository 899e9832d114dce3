package org.ttame.eval.render;

import java.awt.geom.AffineTransform;
import java.awt.geom.Path2D;
import java.awt.geom.PathIterator;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Turns outlines into pixels, smoothed at their edges: how much of each pixel is inside, exactly
 * across and at {@value #SLICES} heights down. No graphics library of the system is needed.
 */
final class GlyphRaster {
  private static final int SLICES = 8;
  private static final double FLATNESS = 0.1;

  private final List<Edge> edges = new ArrayList<>();
  private double left = Double.POSITIVE_INFINITY;
  private double right = Double.NEGATIVE_INFINITY;
  private double top = Double.POSITIVE_INFINITY;
  private double bottom = Double.NEGATIVE_INFINITY;

  /** A straight piece of an outline; {@code turn} is 1 downwards and −1 upwards. */
  private record Edge(double x0, double y0, double x1, double y1, int turn) {
    double at(double y) {
      return x0 + (y - y0) / (y1 - y0) * (x1 - x0);
    }
  }

  /** Where an outline crosses a line. */
  private record Crossing(double x, int turn) {}

  /** Takes what pixels are covered. */
  @FunctionalInterface
  interface Ink {
    /** The share of a pixel that is inside, above 0 and at most 1. */
    void cover(int x, int y, double share);
  }

  /**
   * An outline in pixels.
   *
   * @param outline any closed curves; what they wind around is inside
   * @param placed from its units to pixels
   */
  GlyphRaster(Path2D outline, AffineTransform placed) {
    double[] at = new double[6];
    double x = 0;
    double y = 0;
    double startX = 0;
    double startY = 0;
    for (PathIterator i = outline.getPathIterator(placed, FLATNESS); !i.isDone(); i.next()) {
      switch (i.currentSegment(at)) {
        case PathIterator.SEG_MOVETO -> {
          edge(x, y, startX, startY);
          startX = at[0];
          startY = at[1];
        }
        case PathIterator.SEG_LINETO -> edge(x, y, at[0], at[1]);
        default -> {
          edge(x, y, startX, startY);
          at[0] = startX;
          at[1] = startY;
        }
      }
      x = at[0];
      y = at[1];
    }
    edge(x, y, startX, startY);
  }

  private void edge(double x0, double y0, double x1, double y1) {
    if (y0 == y1) {
      return;
    }
    boolean down = y0 < y1;
    edges.add(down ? new Edge(x0, y0, x1, y1, 1) : new Edge(x1, y1, x0, y0, -1));
    left = Math.min(left, Math.min(x0, x1));
    right = Math.max(right, Math.max(x0, x1));
    top = Math.min(top, Math.min(y0, y1));
    bottom = Math.max(bottom, Math.max(y0, y1));
  }

  /** Tells of every pixel that is covered, row by row. */
  void draw(Ink ink) {
    if (edges.isEmpty()) {
      return;
    }
    int first = (int) Math.floor(left);
    double[] row = new double[(int) Math.ceil(right) - first + 1];
    for (int y = (int) Math.floor(top); y < bottom; y++) {
      java.util.Arrays.fill(row, 0);
      for (int slice = 0; slice < SLICES; slice++) {
        slice(y + (slice + 0.5) / SLICES, first, row);
      }
      for (int x = 0; x < row.length; x++) {
        if (row[x] > 0) {
          ink.cover(first + x, y, Math.min(1, row[x] / SLICES));
        }
      }
    }
  }

  private void slice(double y, int first, double[] row) {
    List<Crossing> crossings = new ArrayList<>();
    for (Edge edge : edges) {
      if (edge.y0() <= y && y < edge.y1()) {
        crossings.add(new Crossing(edge.at(y) - first, edge.turn()));
      }
    }
    crossings.sort(Comparator.comparingDouble(Crossing::x));
    int winding = 0;
    for (int i = 0; i + 1 < crossings.size(); i++) {
      winding += crossings.get(i).turn();
      if (winding != 0) {
        span(crossings.get(i).x(), crossings.get(i + 1).x(), row);
      }
    }
  }

  private static void span(double from, double to, double[] row) {
    for (int x = (int) Math.max(0, Math.floor(from)); x < Math.min(row.length, to); x++) {
      row[x] += Math.max(0, Math.min(to, x + 1.0) - Math.max(from, x));
    }
  }
}
