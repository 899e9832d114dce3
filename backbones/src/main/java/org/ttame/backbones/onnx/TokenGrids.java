package org.ttame.backbones.onnx;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;

/**
 * Where the tokens of a sequence, or the rows of a grid with channels last, lie in the image: as
 * convolutions have cut it into patches.
 */
final class TokenGrids {
  /** A grid behind {@code prefix} tokens that stand for no place. */
  private record Grid(long height, long width, int prefix) {}

  private final Map<Long, Grid> byLength = new HashMap<>();
  private final long images;

  /**
   * Finds the grids.
   *
   * @param operations from image to logits
   * @param images how many images the shapes are for
   */
  TokenGrids(List<Operation> operations, long images) {
    this.images = images;
    for (Operation operation : operations) {
      long[] shape = operation.output().shape();
      if (operation.is(Fusion.CONV) && shape.length == 4 && shape[2] * shape[3] > 1) {
        byLength.put(shape[2] * shape[3], new Grid(shape[2], shape[3], 0));
      } else if (operation.is("Concat") && shape.length == 3) {
        withPrefix(operation, shape);
      }
    }
  }

  /** Tokens in front of those of a grid. */
  private void withPrefix(Operation concat, long... shape) {
    int axis = Movement.axis(concat.node().integer("axis", 0), 3);
    List<Operand> parts = concat.inputs();
    long patches = parts.get(parts.size() - 1).shape()[1];
    Grid grid = byLength.get(patches);
    if (axis == 1 && grid != null && parts.get(parts.size() - 1) instanceof Value) {
      int more = Math.toIntExact(shape[1] - patches);
      byLength.put(shape[1], new Grid(grid.height, grid.width, grid.prefix + more));
    }
  }

  /**
   * A value as a layer: tokens, or a map with channels last.
   *
   * @param node what it is called
   * @param tensor where it lies
   * @return the layer; null if it is neither
   */
  FeatureLayer layer(String node, Tensor tensor) {
    long[] shape = tensor.shape();
    if (!Tensor.isPlain(tensor.order()) || !tensor.batchFirst() || shape[0] != images) {
      return null;
    }
    if (shape.length == 3) {
      Grid grid = byLength.get(shape[1]);
      return grid == null
          ? null
          : layer(node, tensor, FeatureKind.TOKENS, shape[2], grid.height, grid.width, grid.prefix);
    }
    return shape.length == 4 && isGrid(shape[1], shape[2])
        ? layer(node, tensor, FeatureKind.MAP, shape[3], shape[1], shape[2], 0)
        : null;
  }

  private static FeatureLayer layer(
      String node, Tensor tensor, FeatureKind kind, long channels, long h, long w, int prefix) {
    return new FeatureLayer(
        node,
        tensor.variable().name(),
        kind,
        Math.toIntExact(channels),
        Math.toIntExact(h),
        Math.toIntExact(w),
        prefix);
  }

  /** Whether it is the grid of a convolution, or of one whose neighbours were merged by twos. */
  private boolean isGrid(long height, long width) {
    if (height * width == 1) {
      return false;
    }
    for (Grid grid : byLength.values()) {
      long h = grid.height;
      long w = grid.width;
      while (h > height || w > width) {
        h = (h + 1) / 2;
        w = (w + 1) / 2;
      }
      if (h == height && w == width) {
        return true;
      }
    }
    return false;
  }
}
