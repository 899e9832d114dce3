package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.ttame.core.Text;

/**
 * What a Resize or Upsample node does: along each axis every new element is a weighted sum of old
 * ones, so that resizing is a product with one constant matrix an axis.
 */
final class Interpolation {
  private final OnnxNode node;
  private final long[] shape;
  private final boolean legacy;
  private final boolean antialias;
  private final String coordinates;
  private final long[] sizes;
  private final double[] scales;

  /** Along which axes the scale is that of the sizes, which is exact. */
  private final boolean[] whole;

  private final double[] region;

  /** The old elements that a new one is made of. */
  @SuppressWarnings("ArrayRecordComponent")
  record Row(int[] from, double[] weights) {}

  /**
   * Reads a node.
   *
   * @param node a Resize or Upsample node
   * @param inputs its inputs; from the second on constants, null for one left out
   * @param opset version of the operator set
   */
  Interpolation(OnnxNode node, long[] shape, List<? extends Operand> inputs, long opset)
      throws IOException {
    this.node = node;
    this.shape = shape.clone();
    legacy = opset < 11 || node.type().equals("Upsample");
    antialias = node.integer("antialias", 0) != 0;
    coordinates = legacy ? "asymmetric" : node.text("coordinate_transformation_mode", "half_pixel");
    boolean nearest = node.text("mode", "nearest").equals("nearest");
    if (nearest && coordinates.equals("tf_crop_and_resize")) {
      throw new UnsupportedGraphException(
          Text.format(
              "%s node \"%s\" crops with nearest-neighbour interpolation, where runtimes disagree",
              node.type(), node.displayName()));
    }
    int rank = shape.length;
    int[] axes =
        node.has("axes")
            ? LongStream.of(node.integers("axes")).mapToInt(i -> Movement.axis(i, rank)).toArray()
            : IntStream.range(0, rank).toArray();
    if (IntStream.of(axes).distinct().count() < axes.length) {
      throw new UnsupportedGraphException(
          Text.format(
              "%s node \"%s\" names an axis more than once", node.type(), node.displayName()));
    }
    sizes = shape.clone();
    whole = new boolean[rank];
    scales = new double[rank];
    Arrays.fill(scales, 1);
    region = new double[2 * rank];
    Arrays.fill(region, rank, 2 * rank, 1);
    double[] roi = legacy ? null : numbers(inputs, 1);
    for (int i = 0; roi != null && roi.length == 2 * axes.length && i < axes.length; i++) {
      region[axes[i]] = roi[i];
      region[rank + axes[i]] = roi[axes.length + i];
    }
    double[] factors = numbers(inputs, legacy ? 1 : 2);
    if (factors == null && node.has("scales")) {
      factors = node.attributes().get("scales").reals();
    }
    double[] wanted = legacy ? null : numbers(inputs, 3);
    double[] given = wanted == null ? factors : wanted;
    if (given == null || given.length != axes.length) {
      throw new UnsupportedGraphException(
          Text.format(
              "%s node \"%s\" does not have one size or scale per axis",
              node.type(), node.displayName()));
    }
    for (int i = 0; i < axes.length; i++) {
      int axis = axes[i];
      scales[axis] = wanted == null ? given[i] : given[i] / shape[axis];
      // In float32, as runtimes do: ten times 0.7 is 7, though float32's 0.7 is less than that.
      double made = (float) (scales[axis] * shape[axis]);
      sizes[axis] = wanted == null ? (long) Math.floor(made) : (long) given[i];
      if (coordinates.equals("tf_crop_and_resize") && wanted == null) {
        double part = (float) (region[rank + axis] - region[axis]);
        sizes[axis] = (long) Math.floor((float) (made * part));
      }
      whole[axis] = wanted != null;
    }
    if (wanted != null) {
      keepAspect(axes);
    }
    for (int axis : axes) {
      if (sizes[axis] < 1 || !(scales[axis] > 0)) {
        throw new UnsupportedGraphException(
            Text.format(
                "%s node \"%s\" resizes axis %d to %d",
                node.type(), node.displayName(), axis, sizes[axis]));
      }
      if (antialias && sizes[axis] == shape[axis] && scales[axis] != 1) {
        throw new UnsupportedGraphException(
            Text.format(
                "%s node \"%s\" antialiases %d values at scale %s without changing their number, where runtimes disagree",
                node.type(), node.displayName(), shape[axis], scales[axis]));
      }
    }
  }

  private static double[] numbers(List<? extends Operand> inputs, int index) throws IOException {
    if (index >= inputs.size() || inputs.get(index) == null) {
      return null;
    }
    if (!(inputs.get(index) instanceof Constant constant)) {
      throw new UnsupportedGraphException("the size of a resize depends on the image's content");
    }
    return constant.size() == 0 ? null : constant.values();
  }

  private void keepAspect(int[] axes) {
    String policy = node.text("keep_aspect_ratio_policy", "stretch");
    if (policy.equals("stretch")) {
      return;
    }
    if (node.has("axes") && LongStream.of(node.integers("axes")).anyMatch(axis -> axis < 0)) {
      throw new UnsupportedGraphException(
          Text.format(
              "%s node \"%s\" keeps the aspect ratio along negative axes, where runtimes disagree",
              node.type(), node.displayName()));
    }
    var all = IntStream.of(axes).mapToDouble(axis -> scales[axis]);
    double scale = (policy.equals("not_larger") ? all.min() : all.max()).orElse(1);
    for (int axis : axes) {
      scales[axis] = scale;
      whole[axis] = false;
      sizes[axis] = (long) Math.floor(scale * shape[axis] + 0.5);
    }
  }

  /** The shape of what comes out. */
  long[] outputShape() {
    return sizes.clone();
  }

  /** Resizes a constant. */
  Constant apply(Constant input) throws IOException {
    Constant result = input.cast(ElementType.DOUBLE);
    for (int axis = 0; axis < shape.length; axis++) {
      if (!isIdentity(axis)) {
        result = resized(result, axis);
      }
    }
    return result.cast(input.type());
  }

  /** Whether an axis stays as it is. */
  boolean isIdentity(int axis) {
    return scales[axis] == 1
        && sizes[axis] == shape[axis]
        && !coordinates.equals("tf_crop_and_resize");
  }

  private Constant resized(Constant input, int axis) throws IOException {
    Row[] rows = rows(axis);
    long[] old = input.shape();
    int inner = (int) Constant.count(Arrays.copyOfRange(old, axis + 1, old.length));
    int outer = (int) Constant.count(Arrays.copyOf(old, axis));
    int length = (int) old[axis];
    long[] made = old.clone();
    made[axis] = rows.length;
    double[] result = Constant.room(made);
    double[] values = input.values();
    for (int i = 0; i < outer; i++) {
      for (int r = 0; r < rows.length; r++) {
        int to = (i * rows.length + r) * inner;
        for (int k = 0; k < rows[r].from.length; k++) {
          int from = (i * length + rows[r].from[k]) * inner;
          double weight = rows[r].weights[k];
          for (int j = 0; j < inner; j++) {
            result[to + j] += weight * values[from + j];
          }
        }
      }
    }
    return Constant.computed(result, ElementType.DOUBLE, made);
  }

  /** For each new element of an axis, what it is made of. */
  Row[] rows(int axis) {
    Row[] rows = new Row[Constant.room(sizes[axis]).length];
    Arrays.setAll(rows, i -> row(axis, i));
    return rows;
  }

  private Row row(int axis, int index) {
    double at = source(axis, index, a -> a);
    String mode = node.text("mode", "nearest");
    return switch (mode) {
      case "nearest" -> {
        int found = clamp((long) nearest(at, axis), axis);
        double rounded = source(axis, index, a -> (float) a);
        if (clamp((long) nearest(rounded, axis), axis) != found) {
          throw new UnsupportedGraphException(
              Text.format(
                  "%s node \"%s\" rounds to the nearest of two equally near pixels, where runtimes disagree",
                  node.type(), node.displayName()));
        }
        yield new Row(new int[] {found}, new double[] {1});
      }
      case "linear", "bilinear" -> weighted(at, axis, 1, a -> Math.max(0, 1 - Math.abs(a)));
      case "cubic" -> {
        double a = node.real("cubic_coeff_a", -0.75);
        yield weighted(at, axis, 2, distance -> cubic(Math.abs(distance), a));
      }
      default ->
          throw new UnsupportedGraphException(
              Text.format("%s node \"%s\" has mode = %s", node.type(), node.displayName(), mode));
    };
  }

  /** Where a new element lies among the old ones, each step of computing it rounded. */
  private double source(int axis, int index, DoubleUnaryOperator rounding) {
    double scale = rounding.applyAsDouble(scales[axis]);
    double old = shape[axis];
    double made = sizes[axis];
    boolean exact = whole[axis] && scale == scales[axis];
    DoubleUnaryOperator divided = a -> exact ? a * old / made : rounding.applyAsDouble(a / scale);
    double halfPixel = rounding.applyAsDouble(divided.applyAsDouble(index + 0.5) - 0.5);
    return switch (coordinates) {
      case "half_pixel" -> halfPixel;
      case "pytorch_half_pixel" -> made > 1 ? halfPixel : 0;
      case "half_pixel_symmetric" -> old / 2 * (1 - made / (scale * old)) + halfPixel;
      case "asymmetric" -> divided.applyAsDouble(index);
      case "align_corners" -> rounding.applyAsDouble(aligned(axis, index));
      case "tf_half_pixel_for_nn" -> divided.applyAsDouble(index + 0.5);
      case "tf_crop_and_resize" -> cropped(axis, index);
      default ->
          throw new UnsupportedGraphException(
              Text.format(
                  "%s node \"%s\" has coordinate_transformation_mode = %s",
                  node.type(), node.displayName(), coordinates));
    };
  }

  /** Runtimes disagree on where the last element lies if the scale gives no whole size. */
  private double aligned(int axis, int index) {
    if (Math.abs(scales[axis] * shape[axis] - sizes[axis]) > 1e-3) {
      throw new UnsupportedGraphException(
          Text.format(
              "Resize node \"%s\" aligns corners and scales %d elements by %s",
              node.displayName(), shape[axis], scales[axis]));
    }
    return sizes[axis] > 1 ? index * (shape[axis] - 1.0) / (sizes[axis] - 1) : 0;
  }

  private double cropped(int axis, int index) {
    double start = region[axis];
    double end = region[shape.length + axis];
    double last = shape[axis] - 1.0;
    if (sizes[axis] == shape[axis] && (start != 0 || end != 1)) {
      throw new UnsupportedGraphException(
          Text.format(
              "Resize node \"%s\" crops without changing the size, where runtimes disagree",
              node.displayName()));
    }
    double at =
        sizes[axis] > 1
            ? last * (start + index * (end - start) / (sizes[axis] - 1))
            : last * (start + end) / 2;
    if (at < 0 || at > last) {
      throw new UnsupportedGraphException(
          Text.format("Resize node \"%s\" reads outside its input", node.displayName()));
    }
    return at;
  }

  private double nearest(double at, int axis) {
    if (legacy) {
      return scales[axis] < 1 ? Math.ceil(at) : Math.floor(at);
    }
    String rule = node.text("nearest_mode", "round_prefer_floor");
    return switch (rule) {
      case "round_prefer_floor" -> Math.ceil(at - 0.5);
      case "round_prefer_ceil" -> Math.floor(at + 0.5);
      case "floor" -> Math.floor(at);
      case "ceil" -> Math.ceil(at);
      default ->
          throw new UnsupportedGraphException(
              Text.format("Resize node \"%s\" has nearest_mode = %s", node.displayName(), rule));
    };
  }

  private int clamp(long index, int axis) {
    return (int) Math.max(0, Math.min(shape[axis] - 1, index));
  }

  /** The elements within a kernel's reach, which antialiasing widens where the axis shrinks. */
  private Row weighted(double at, int axis, int reach, DoubleUnaryOperator kernel) {
    double scale = antialias ? Math.min(1, scales[axis]) : 1;
    boolean exclude = node.integer("exclude_outside", 0) != 0;
    long first = (long) Math.floor(at - reach / scale) + 1;
    long last = (long) Math.ceil(at + reach / scale) - 1;
    int[] from = new int[(int) (last - first + 1)];
    double[] weights = new double[from.length];
    double sum = 0;
    for (int i = 0; i < from.length; i++) {
      long index = first + i;
      from[i] = clamp(index, axis);
      weights[i] = exclude && from[i] != index ? 0 : kernel.applyAsDouble((index - at) * scale);
      sum += weights[i];
    }
    for (int i = 0; i < weights.length; i++) {
      weights[i] /= sum;
    }
    return new Row(from, weights);
  }

  private static double cubic(double x, double a) {
    if (x <= 1) {
      return ((a + 2) * x - (a + 3)) * x * x + 1;
    }
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
  }
}
