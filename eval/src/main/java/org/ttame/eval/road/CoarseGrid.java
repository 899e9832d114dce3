package org.ttame.eval.road;

/** A grid whose operator comes from a finer one, PᵀAP: first along columns, then along rows. */
final class CoarseGrid extends GridLevel {
  private final StencilRow[] stencil;

  /** Shifted values, scratch. */
  private final float[][] left;

  private final float[][] right;

  CoarseGrid(GridLevel fine) {
    super((fine.height + 1) / 2, (fine.width + 1) / 2);
    left = rows();
    right = rows();
    stencil = new StencilRow[height + 2];
    StencilRow tall = new StencilRow(fine.width);
    stencil[0] = new StencilRow(width);
    StencilRow before = fine.stencil(0);
    for (int y = 1; y <= height; y++) {
      StencilRow here = fine.stencil(2 * y - 1);
      StencilRow after = fine.stencil(2 * y);
      halveHeight(before, here, after, share(2 * y, fine.height), fine.width, tall);
      stencil[y] = new StencilRow(width);
      halveWidth(tall, fine.width, stencil[y], y < height);
      stencil[y].mirror(stencil[y - 1]);
      place(y, stencil[y].centre);
      before = after;
    }
    stencil[height + 1] = stencil[0];
  }

  @Override
  StencilRow stencil(int y) {
    return stencil[y];
  }

  private static void halveHeight(
      StencilRow before, StencilRow here, StencilRow after, float w, int width, StencilRow half) {
    for (int k = 1; k <= width; k++) {
      half.centre[k] =
          here.centre[k]
              + before.below[k]
              + 2 * w * here.below[k]
              + 0.25f * before.centre[k]
              + w * w * after.centre[k];
      half.right[k] =
          here.right[k]
              + 0.5f * (before.belowRight[k] + here.aboveRight[k])
              + w * (here.belowRight[k] + after.aboveRight[k])
              + 0.25f * before.right[k]
              + w * w * after.right[k];
    }
    for (int k = 1; k <= width; k++) {
      half.below[k] = 0.5f * (here.below[k] + after.below[k]) + 0.25f * after.centre[k];
      half.belowRight[k] =
          0.5f * (here.belowRight[k] + after.belowRight[k]) + 0.25f * after.right[k];
      half.belowLeft[k] = 0.5f * (here.belowLeft[k] + after.belowLeft[k]) + 0.25f * after.left[k];
    }
  }

  private static void halveWidth(StencilRow fine, int fineWidth, StencilRow half, boolean more) {
    int width = (fineWidth + 1) / 2;
    float[] centre = fine.centre;
    float[] right = fine.right;
    for (int k = 1; k <= width; k++) {
      int i = 2 * k - 1;
      float w = share(i + 1, fineWidth);
      half.centre[k] =
          centre[i]
              + right[i - 1]
              + 2 * w * right[i]
              + 0.25f * centre[i - 1]
              + w * w * centre[i + 1];
      half.right[k] = k < width ? 0.5f * (right[i] + right[i + 1]) + 0.25f * centre[i + 1] : 0;
    }
    for (int k = 1; k <= width && more; k++) {
      int i = 2 * k - 1;
      float w = share(i + 1, fineWidth);
      half.below[k] =
          fine.below[i]
              + 0.5f * (fine.belowRight[i - 1] + fine.belowLeft[i])
              + w * (fine.belowRight[i] + fine.belowLeft[i + 1])
              + 0.25f * fine.below[i - 1]
              + w * w * fine.below[i + 1];
      half.belowRight[k] =
          k < width
              ? 0.5f * (fine.belowRight[i] + fine.belowRight[i + 1]) + 0.25f * fine.below[i + 1]
              : 0;
      half.belowLeft[k] =
          k > 1
              ? 0.5f * (fine.belowLeft[i - 1] + fine.belowLeft[i]) + 0.25f * fine.below[i - 1]
              : 0;
    }
  }

  @Override
  void residual(float[][] b, float[][] x, float[][] out) {
    each((y, from, to) -> RowLoops.shiftAll(x[y], left[y], right[y], from, to));
    each(
        (y, from, to) -> {
          StencilRow s = stencil[y];
          float[] r = out[y];
          System.arraycopy(b[y], from, r, from, to - from);
          RowLoops.subtractProducts(
              s.left, left[y], s.centre, x[y], s.right, right[y], r, from, to);
          RowLoops.subtractProducts(
              s.aboveLeft,
              left[y - 1],
              stencil[y - 1].below,
              x[y - 1],
              s.aboveRight,
              right[y - 1],
              r,
              from,
              to);
          RowLoops.subtractProducts(
              s.belowLeft, left[y + 1], s.below, x[y + 1], s.belowRight, right[y + 1], r, from, to);
        });
  }
}
