package org.ttame.backbones.onnx;

import java.util.Arrays;
import java.util.Optional;
import java.util.function.Function;
import org.ttame.backbones.onnx.Geometry.Places;

/**
 * Patches whose pixels become channels, by a reshape, a transposition and a reshape: stems that put
 * space into depth, and linear layers over patches, are written so.
 */
final class Patches {
  private Patches() {}

  /**
   * Where patches lie.
   *
   * @param last the last reshape
   * @param known of values before it
   * @return empty if it is no such reshape
   */
  static Optional<Places> of(Operation last, Function<Value, Optional<Places>> known) {
    Operation turn = last.value(0).producer();
    Operation cut =
        turn != null && turn.is("Transpose") && last.value(0).rank() == 6
            ? turn.value(0).producer()
            : null;
    if (cut == null || !cut.is("Reshape") || cut.value(0).rank() != 4) {
      return Optional.empty();
    }
    return known
        .apply(cut.value(0))
        .filter(at -> !at.tokens())
        .flatMap(at -> of(at, cut, Movement.permutation(turn.node(), 6), last));
  }

  private static Optional<Places> of(Places at, Operation cut, int[] order, Operation last) {
    // Each axis of the image by a letter, rows and columns by two: of the patch, and within it.
    StringBuilder letters = new StringBuilder();
    long[] image = cut.value(0).shape();
    long[] pieces = cut.output().shape();
    for (int axis = 0; axis < 4; axis++) {
      int piece = letters.length();
      boolean two = axis == at.row() || axis == at.column();
      if (pieces[piece] * (two ? pieces[piece + 1] : 1) != image[axis]) {
        return Optional.empty();
      }
      letters.append(
          axis == at.row() ? "hi" : axis == at.column() ? "wj" : axis == at.channel() ? "c" : "b");
    }
    StringBuilder turned = new StringBuilder();
    for (int axis : order) {
      turned.append(letters.charAt(axis));
    }
    boolean first = turned.toString().matches("b[cij]{3}hw");
    if (!first && !turned.toString().matches("bhw[cij]{3}")) {
      return Optional.empty();
    }
    long batch = pieces[letters.indexOf("b")];
    long height = pieces[letters.indexOf("h")];
    long width = pieces[letters.indexOf("w")];
    long depth = Constant.count(pieces) / (batch * height * width);
    long[] shape = last.output().shape();
    int row = first ? 2 : 1;
    if (Arrays.equals(shape, around(first, depth, batch, height, width))) {
      return Optional.of(new Places(first ? 1 : 3, row, row + 1, height, width, 0));
    }
    return Arrays.equals(shape, around(first, depth, batch, height * width))
        ? Optional.of(new Places(first ? 1 : 2, row, -1, height, width, 0))
        : Optional.empty();
  }

  /** A shape with the channels behind the batch or at the end. */
  private static long[] around(boolean first, long depth, long batch, long... grid) {
    long[] shape = new long[grid.length + 2];
    shape[0] = batch;
    shape[first ? 1 : shape.length - 1] = depth;
    System.arraycopy(grid, 0, shape, first ? 2 : 1, grid.length);
    return shape;
  }
}
