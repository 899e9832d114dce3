package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import org.ttame.core.Text;

/** Operators that make more or fewer rows and columns of an image. */
final class Resampling {
  private Resampling() {}

  static void register(ConverterRegistry registry) {
    registry.add("Upsample", 7, new Resize(9), "mode", "scales");
    registry.add("Resize", 10, new Resize(10), "mode");
    registry.add(
        "Resize",
        11,
        new Resize(11),
        "antialias",
        "axes",
        "coordinate_transformation_mode",
        "cubic_coeff_a",
        "exclude_outside",
        "extrapolation_value",
        "keep_aspect_ratio_policy",
        "mode",
        "nearest_mode");
    registry.add("DepthToSpace", 1, new Blocks(), "blocksize", "mode");
    registry.add("SpaceToDepth", 1, new Blocks(), "blocksize", "mode");
    registry.add("Tile", 6, new Tile());
  }

  /** By a constant matrix for each axis that changes; to neighbours alone, by picking them. */
  private record Resize(long opset) implements Converter {
    @Override
    public List<long[]> shapes(OnnxNode node, List<Operand> inputs) throws IOException {
      return List.of(interpolation(node, inputs).outputShape());
    }

    private Interpolation interpolation(OnnxNode node, List<Operand> inputs) throws IOException {
      return new Interpolation(node, inputs.get(0).shape(), inputs, opset);
    }

    @Override
    public void convert(Operation resize, Emitter emitter) throws IOException {
      Interpolation interpolation = interpolation(resize.node(), resize.inputs());
      Tensor x = emitter.tensor(resize.value(0));
      for (int axis = 0; axis < x.rank(); axis++) {
        if (!interpolation.isIdentity(axis)) {
          x = along(resize, emitter, x, axis, interpolation.rows(axis));
        }
      }
      emitter.putLike(resize, x.variable(), x);
    }

    private static Tensor along(
        Operation resize, Emitter emitter, Tensor x, int axis, Interpolation.Row... rows) {
      if (Arrays.stream(rows).allMatch(row -> row.from().length == 1)) {
        return Lines.picked(
            resize,
            emitter,
            x,
            axis,
            Arrays.stream(rows).mapToLong(row -> row.from()[0]).toArray());
      }
      Lines.requireMatrix(resize, x.shape()[axis], rows.length);
      double[][] matrix = new double[rows.length][Math.toIntExact(x.shape()[axis])];
      for (int i = 0; i < rows.length; i++) {
        for (int k = 0; k < rows[i].from().length; k++) {
          matrix[i][rows[i].from()[k]] += rows[i].weights()[k];
        }
      }
      return Lines.mixed(resize, emitter, x, axis, matrix);
    }
  }

  /** Channels laid out as blocks of an image, and back. */
  private static final class Blocks implements Converter {
    @Override
    public List<long[]> shapes(OnnxNode node, List<Operand> inputs) {
      long[] shape = inputs.get(0).shape();
      long block = node.integer("blocksize", 0);
      boolean out = node.type().equals("DepthToSpace");
      boolean fits =
          shape.length == 4
              && block > 0
              && (out
                  ? shape[1] % (block * block) == 0
                  : shape[2] % block == 0 && shape[3] % block == 0);
      if (!fits || !List.of("DCR", "CRD").contains(node.text("mode", "DCR"))) {
        throw new UnsupportedGraphException(
            Text.format(
                "%s node \"%s\" has a blocksize or mode that does not fit its input",
                node.type(), node.displayName()));
      }
      return List.of(
          out
              ? new long[] {
                shape[0], shape[1] / (block * block), shape[2] * block, shape[3] * block
              }
              : new long[] {
                shape[0], shape[1] * block * block, shape[2] / block, shape[3] / block
              });
    }

    @Override
    public void convert(Operation operation, Emitter emitter) {
      Tensor x = emitter.tensor(operation.value(0));
      long block = operation.node().integer("blocksize", 0);
      boolean blocksFirst = operation.node().text("mode", "DCR").equals("DCR");
      long[] s = x.shape();
      long[] target = operation.output().shape();
      long[] split;
      int[] turned;
      if (operation.is("SpaceToDepth")) {
        split = new long[] {s[0], s[1], s[2] / block, block, s[3] / block, block};
        turned = blocksFirst ? new int[] {0, 3, 5, 1, 2, 4} : new int[] {0, 1, 3, 5, 2, 4};
      } else if (blocksFirst) {
        split = new long[] {s[0], block, block, target[1], s[2], s[3]};
        turned = new int[] {0, 3, 4, 1, 5, 2};
      } else {
        split = new long[] {s[0], target[1], block, block, s[2], s[3]};
        turned = new int[] {0, 1, 4, 2, 5, 3};
      }
      Tensor parts = Moves.transposed(emitter.reshape(x, split, operation), turned);
      Tensor y = emitter.reshape(parts, target, operation);
      emitter.putLike(operation, y.variable(), y);
    }
  }

  /** Every axis over and over. */
  private static final class Tile implements Converter {
    @Override
    public List<long[]> shapes(OnnxNode node, List<Operand> inputs) throws IOException {
      long[] shape = inputs.get(0).shape();
      if (inputs.size() != 2
          || !(inputs.get(1) instanceof Constant repeats)
          || repeats.size() != shape.length) {
        throw new UnsupportedGraphException(
            Text.format("Tile node \"%s\" has no repeats", node.displayName()));
      }
      long[] times = repeats.integers();
      for (int axis = 0; axis < shape.length; axis++) {
        shape[axis] = Math.multiplyExact(shape[axis], times[axis]);
      }
      return List.of(shape);
    }

    @Override
    public void convert(Operation tile, Emitter emitter) {
      Tensor x = emitter.tensor(tile.value(0));
      long[] target = tile.output().shape();
      for (int axis = 0; axis < x.rank(); axis++) {
        long size = x.shape()[axis];
        Constant.room(target[axis]);
        x =
            Lines.picked(
                tile,
                emitter,
                x,
                axis,
                LongStream.range(0, target[axis]).map(i -> i % size).toArray());
      }
      emitter.putLike(tile, x.variable(), x);
    }
  }
}
