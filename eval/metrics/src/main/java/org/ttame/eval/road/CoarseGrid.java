package org.ttame.eval.road;

import java.util.Arrays;

/**
 * A grid whose operator comes from a finer one, PᵀAP: first along columns, then along rows.
 *
 * <p>At the region's edge points share what little they stand for: if four have one pixel between
 * them, dividing by the diagonal would take off four times its error, and so make it three times as
 * large. So a sweep divides by {@value #SHARE} of the sum of the row's coefficients, each without
 * its sign: that takes off at most twice any error. Away from edges it is the diagonal.
 */
final class CoarseGrid extends GridLevel {
  private static final float SHARE = 0.5f;

  private final StencilRow[] stencil;

  /** What a sweep multiplies by; 0 where there is no point. */
  private final float[][] weight;

  /** The points' own coefficients, less what a sweep divides by. */
  private final float[][] excess;

  /** Shifted values, scratch. */
  private final float[][] left;

  private final float[][] right;

  CoarseGrid(GridLevel fine) {
    super(fine.height / 2 + 1, fine.width / 2 + 1);
    weight = rows();
    left = rows();
    right = rows();
    excess = rows();
    stencil = new StencilRow[height + 3];
    StencilRow tall = new StencilRow(fine.width);
    float[] divisors = new float[width + 2];
    stencil[0] = new StencilRow(width);
    StencilRow before = fine.stencil(0);
    for (int y = 1; y <= height; y++) {
      StencilRow here = fine.stencil(2 * y - 1);
      StencilRow after = fine.stencil(2 * y);
      halveHeight(before, here, after, fine.width + 1, tall);
      stencil[y] = new StencilRow(width);
      halveWidth(tall, width, stencil[y]);
      stencil[y].mirror(stencil[y - 1]);
      sizes(stencil[y], stencil[y - 1], divisors, width + 1);
      RowLoops.difference(stencil[y].centre, divisors, excess[y], 1, width + 1);
      for (int x = 1; x <= width; x++) {
        boolean point = divisors[x] != 0;
        mask[y][x] = point ? 1 : 0;
        weight[y][x] = point ? 1 / divisors[x] : 0;
      }
      place(y);
      before = after;
    }
    stencil[height + 1] = stencil[0];
    stencil[height + 2] = stencil[0];
  }

  @Override
  StencilRow stencil(int y) {
    return stencil[y];
  }

  private static void sizes(StencilRow s, StencilRow previous, float[] sums, int to) {
    Arrays.fill(sums, 0);
    RowLoops.addSizes(SHARE, s.left, s.centre, s.right, sums, 1, to);
    RowLoops.addSizes(SHARE, s.aboveLeft, previous.below, s.aboveRight, sums, 1, to);
    RowLoops.addSizes(SHARE, s.belowLeft, s.below, s.belowRight, sums, 1, to);
  }

  private static void halveHeight(
      StencilRow before, StencilRow here, StencilRow after, int to, StencilRow half) {
    float[] sums = half.centre;
    RowLoops.combine(1, here.centre, 1, before.below, 1, here.below, sums, 1, to);
    RowLoops.addScaled(0.25f, before.centre, 0.25f, after.centre, sums, 1, to);
    sums = half.right;
    RowLoops.combine(1, here.right, 0.5f, before.belowRight, 0.5f, here.aboveRight, sums, 1, to);
    RowLoops.addScaled(0.5f, here.belowRight, 0.5f, after.aboveRight, sums, 1, to);
    RowLoops.addScaled(0.25f, before.right, 0.25f, after.right, sums, 1, to);
    RowLoops.combine(0.5f, here.below, 0.5f, after.below, 0.25f, after.centre, half.below, 1, to);
    RowLoops.combine(
        0.5f, here.belowRight, 0.5f, after.belowRight, 0.25f, after.right, half.belowRight, 1, to);
    RowLoops.combine(
        0.5f, here.belowLeft, 0.5f, after.belowLeft, 0.25f, after.left, half.belowLeft, 1, to);
  }

  private static void halveWidth(StencilRow fine, int width, StencilRow half) {
    float[] centre = fine.centre;
    float[] right = fine.right;
    for (int k = 1; k <= width; k++) {
      int i = 2 * k - 1;
      half.centre[k] =
          centre[i] + right[i - 1] + right[i] + 0.25f * (centre[i - 1] + centre[i + 1]);
      half.right[k] = 0.5f * (right[i] + right[i + 1]) + 0.25f * centre[i + 1];
    }
    for (int k = 1; k <= width; k++) {
      int i = 2 * k - 1;
      half.below[k] =
          fine.below[i]
              + 0.5f * (fine.belowRight[i - 1] + fine.belowLeft[i])
              + 0.5f * (fine.belowRight[i] + fine.belowLeft[i + 1])
              + 0.25f * (fine.below[i - 1] + fine.below[i + 1]);
      half.belowRight[k] =
          0.5f * (fine.belowRight[i] + fine.belowRight[i + 1]) + 0.25f * fine.below[i + 1];
      half.belowLeft[k] =
          0.5f * (fine.belowLeft[i - 1] + fine.belowLeft[i]) + 0.25f * fine.below[i - 1];
    }
  }

  @Override
  Part sweep(float[][] b, float[][] x) {
    return (y, from, to) -> RowLoops.multiply(weight[y], b[y], x[y], from, to);
  }

  @Override
  void relax(int y, float[][] b, float[][] x, float[][] out, int from, int to) {
    rest(y, x, out, from, to);
    RowLoops.addAndMultiply(weight[y], b[y], out[y], from, to);
  }

  @Override
  void ready(int y, float[][] x, int from, int to) {
    RowLoops.shiftAll(x[y], left[y], right[y], from, to);
  }

  @Override
  void rest(int y, float[][] x, float[][] out, int from, int to) {
    StencilRow s = stencil[y];
    float[] above = stencil[y - 1].below;
    float[] r = out[y];
    RowLoops.negatedProducts(s.left, left[y], excess[y], x[y], s.right, right[y], r, from, to);
    RowLoops.subtractProducts(
        s.aboveLeft, left[y - 1], above, x[y - 1], s.aboveRight, right[y - 1], r, from, to);
    RowLoops.subtractProducts(
        s.belowLeft, left[y + 1], s.below, x[y + 1], s.belowRight, right[y + 1], r, from, to);
  }
}
