package org.ttame.core.loss;

import org.nd4j.autodiff.samediff.SDIndex;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.classifier.Sigmoids;

/**
 * The terms of the loss that depend on the maps alone, from maps before the sigmoid.
 *
 * @param area E(Ψ) of Eq. 16, a scalar
 * @param variation V of Eq. 17, a scalar
 */
record MapLoss(SDVariable area, SDVariable variation) {
  private static final double RELEASED_OFFSET = 5e-4;
  private static final double RELEASED_BORDER = 0.3;

  /**
   * Appends both terms.
   *
   * @param maps before the sigmoid, {@code [N, h, w]}, N = B·M
   * @param explanations their sigmoid, {@code [N, h, w]}
   * @param mapsPerImage M
   * @param height h
   * @param width w
   * @param options mode and exponent
   * @return the terms
   */
  static MapLoss append(
      SameDiff graph,
      SDVariable maps,
      SDVariable explanations,
      int batch,
      int mapsPerImage,
      int height,
      int width,
      LossOptions options) {
    SDVariable logarithm =
        switch (options.mode()) {
          case PAPER -> Sigmoids.log(graph, maps);
          case RELEASED -> graph.math().log(explanations.add(RELEASED_OFFSET));
        };
    SDVariable power = graph.math().exp(logarithm.mul(options.lambda4()));
    int pixels = height * width;
    // Summed map by map first: shorter sums lose fewer digits.
    SDVariable area = power.reshape(-1, pixels).mean(1).mean(0);

    SDVariable down = null;
    SDVariable across = null;
    if (height > 1) {
      down =
          squares(
              explanations.get(SDIndex.all(), SDIndex.interval(1, height), SDIndex.all()),
              explanations.get(SDIndex.all(), SDIndex.interval(0, height - 1), SDIndex.all()),
              (height - 1) * width);
    }
    if (width > 1) {
      across =
          squares(
              explanations.get(SDIndex.all(), SDIndex.all(), SDIndex.interval(1, width)),
              explanations.get(SDIndex.all(), SDIndex.all(), SDIndex.interval(0, width - 1)),
              height * (width - 1));
    }
    SDVariable inside = plus(down, across);
    SDVariable variation =
        switch (options.mode()) {
          case PAPER ->
              // Of maps of a single pixel nothing varies; times zero keeps the graph's form.
              (inside == null ? area.mul(0) : inside).div(2.0 * mapsPerImage * pixels * batch);
          case RELEASED ->
              plus(inside, border(graph, explanations, height, width)).div(2.0 * batch);
        };
    return new MapLoss(area, variation);
  }

  private static SDVariable squares(SDVariable a, SDVariable b, int values) {
    SDVariable difference = a.sub(b);
    return difference.mul(difference).reshape(-1, values).sum(1).sum(0);
  }

  private static SDVariable plus(SDVariable a, SDVariable b) {
    return a == null ? b : b == null ? a : a.add(b);
  }

  /** 0.3·Σ E² over the four borders; a corner lies on two of them. */
  private static SDVariable border(SameDiff graph, SDVariable e, int height, int width) {
    double[] counts = new double[height * width];
    for (int i = 0; i < counts.length; i++) {
      int row = i / width;
      int column = i % width;
      counts[i] =
          RELEASED_BORDER
              * ((row == 0 ? 1 : 0)
                  + (row == height - 1 ? 1 : 0)
                  + (column == 0 ? 1 : 0)
                  + (column == width - 1 ? 1 : 0));
    }
    DataType type = e.dataType();
    SDVariable weights =
        graph.constant(Nd4j.create(counts, new long[] {counts.length, 1}, 'c').castTo(type));
    SDVariable rows = e.mul(e).reshape(-1, counts.length);
    return graph.mmul(rows, weights).sum(0).sum(0);
  }
}
