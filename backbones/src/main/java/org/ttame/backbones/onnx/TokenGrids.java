package org.ttame.backbones.onnx;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
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
   * @param geometry what is known of their places
   * @param images how many images the shapes are for
   */
  TokenGrids(List<Operation> operations, Geometry geometry, long images) {
    this.images = images;
    for (Operation operation : operations) {
      long[] shape = operation.output().shape();
      if (operation.is(Fusion.CONV)
          && shape.length == 4
          && shape[2] * shape[3] > 1
          && geometry.places(operation.output()).isPresent()) {
        byLength.put(shape[2] * shape[3], new Grid(shape[2], shape[3], 0));
      } else if (operation.is("Concat") && shape.length == 3) {
        withPrefix(operation, shape);
      } else if (operation.is("Reshape") && isUnfolded(operation)) {
        long[] split = operation.value(0).shape();
        byLength.put(shape[2], new Grid(split[4], split[5], 0));
      }
    }
    byLength.keySet().removeAll(reordered(operations, geometry));
  }

  /**
   * Whether it ends an Unfold as exporters write it: rows and columns are picked by matrices of
   * indices, a pixel of a patch by a patch, and {@code [B, C, k, k, h, w]} becomes {@code [B,
   * C·k·k, h·w]}.
   */
  private boolean isUnfolded(Operation reshape) {
    Value split = reshape.value(0);
    Operation transpose = split.producer();
    if (split.rank() != 6
        || !Arrays.equals(
            reshape.output().shape(),
            new long[] {
              images,
              split.shape()[1] * split.shape()[2] * split.shape()[3],
              split.shape()[4] * split.shape()[5]
            })
        || !transpose.is("Transpose")) {
      return false;
    }
    Operation columns = transpose.value(0).producer();
    Operation rows = columns.is("Gather") ? columns.value(0).producer() : null;
    return rows != null && rows.is("Gather") && rows.value(0).rank() == 4;
  }

  /**
   * Lengths of sequences whose tokens were put into another order: nothing but moved, they have no
   * known places any more (Hiera, which sorts its tokens by windows).
   */
  private Set<Long> reordered(List<Operation> operations, Geometry geometry) {
    Set<Long> lengths = new HashSet<>();
    Set<Value> moved = Collections.newSetFromMap(new IdentityHashMap<>());
    for (Operation operation : operations) {
      Value value = operation.output();
      if (!operation.is("Reshape", "Transpose")
          || geometry.places(value).isPresent()
          || !(moved.contains(operation.value(0))
              || geometry.places(operation.value(0)).isPresent())) {
        continue;
      }
      moved.add(value);
      if (value.rank() == 3 && value.shape()[0] == images) {
        lengths.add(value.shape()[1]);
      }
    }
    return lengths;
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
