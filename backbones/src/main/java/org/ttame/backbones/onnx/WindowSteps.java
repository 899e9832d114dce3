package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Windows that no converter has, in steps: those that spread values, and those with gaps. */
final class WindowSteps {
  /** Of a norm: the powers of larger ones leave the range of float32. */
  private static final long LARGEST_POWER = 16;

  /** Below it a root has no derivative in float32. */
  private static final double LEAST = 1e-37;

  /** Values of a window along one axis that are written out. */
  private static final int MOST_PARTS = 256;

  private WindowSteps() {}

  /**
   * A transposed convolution: the image's values apart by the stride with zeros between, convolved
   * with the weights turned round.
   */
  static OnnxModel.Function transposedConvolution(OnnxNode node, List<Operand> inputs, long opset) {
    long[] image = inputs.get(0).shape();
    if (!(inputs.get(1) instanceof Constant weight) || weight.shape().length != image.length) {
      throw Composites.refused(
          node, "has weights that are not constant, or not of its input's rank");
    }
    int axes = image.length - 2;
    long[] shape = weight.shape();
    long groups = node.integer("group", 1);
    if (axes < 1 || axes > 2 || groups < 1 || image[1] != shape[0] || shape[0] % groups != 0) {
      throw Composites.refused(node, "is neither one- nor two-dimensional");
    }
    long[] kernel = Arrays.copyOfRange(shape, 2, shape.length);
    if (node.has("kernel_shape") && !Arrays.equals(kernel, node.integers("kernel_shape"))) {
      throw Composites.refused(node, "declares a kernel_shape that its weights do not have");
    }
    Body body = new Body(node, opset);
    String x = body.input(0);
    long[] sizes = image.clone();
    long[] margins = new long[2 * image.length];
    List<long[]> cuts = new ArrayList<>();
    for (int axis = 0; axis < axes; axis++) {
      long stride = entry(node, "strides", axes, axis, 1);
      long dilation = entry(node, "dilations", axes, axis, 1);
      long more = entry(node, "output_padding", axes, axis, 0);
      if (stride < 1 || dilation < 1 || more < 0) {
        throw Composites.refused(node, "has a stride or dilation below 1");
      }
      if (more >= Math.max(stride, dilation)) {
        throw Composites.refused(
            node, "has an output padding of a stride or more, where runtimes disagree");
      }
      long reach = (kernel[axis] - 1) * dilation;
      x = spread(body, x, sizes, axis + 2, stride);
      margins[axis + 2] = reach;
      margins[image.length + axis + 2] = reach + more;
      long whole = sizes[axis + 2] + reach + more;
      cuts.add(cut(node, axes, axis, image[axis + 2] * stride, whole));
    }
    if (Arrays.stream(margins).anyMatch(margin -> margin > 0)) {
      x = body.step("Pad", List.of(x, body.integers(margins)));
    }
    List<String> operands = new ArrayList<>(List.of(x, turned(body, shape, groups)));
    if (inputs.size() > 2 && inputs.get(2) != null) {
      operands.add(body.input(2));
    }
    String y =
        body.step(
            "Conv",
            operands,
            "group",
            groups,
            "dilations",
            IntStream.range(0, axes)
                .mapToLong(axis -> entry(node, "dilations", axes, axis, 1))
                .toArray());
    return body.of(
        body.step(
            "Slice",
            List.of(
                y,
                body.integers(cuts.stream().mapToLong(cut -> cut[0]).toArray()),
                body.integers(cuts.stream().mapToLong(cut -> cut[1]).toArray()),
                body.integers(IntStream.range(2, axes + 2).asLongStream().toArray()))));
  }

  /**
   * A convolution of volumes: along the axis with the fewest weights a sum of convolutions of
   * images, whose batch has that axis, too.
   */
  static OnnxModel.Function volumes(OnnxNode node, List<Operand> inputs, long opset) {
    long[] volume = inputs.get(0).shape();
    if (!(inputs.get(1) instanceof Constant weight) || weight.shape().length != 5) {
      throw Composites.refused(
          node, "has weights that are not constant, or not of its input's rank");
    }
    long[] shape = weight.shape();
    long[] kernel = Arrays.copyOfRange(shape, 2, 5);
    if (node.has("kernel_shape") && !Arrays.equals(kernel, node.integers("kernel_shape"))) {
      throw Composites.refused(node, "declares a kernel_shape that its weights do not have");
    }
    Sliding[] ways = new Sliding[3];
    int depth = 0;
    for (int axis = 0; axis < 3; axis++) {
      ways[axis] = Sliding.of(node, 3, axis, volume[axis + 2], kernel[axis]);
      depth = kernel[axis] < kernel[depth] ? axis : depth;
    }
    Sliding along = ways[depth];
    int down = depth == 0 ? 1 : 0;
    int across = depth == 2 ? 1 : 2;
    Sliding rows = ways[down];
    Sliding columns = ways[across];
    if (along.kernel() > MOST_PARTS) {
      throw Composites.refused(node, "has a window of " + along.kernel());
    }
    Body body = new Body(node, opset);
    long[] front = {0, depth + 2, 1, down + 2, across + 2};
    String x = body.step("Transpose", List.of(body.input(0)), "perm", front);
    if (along.before() + along.after() > 0) {
      long[] pads = new long[10];
      pads[1] = along.before();
      pads[6] = along.after();
      x = body.step("Pad", List.of(x, body.integers(pads)));
    }
    String images =
        body.integers(volume[0] * along.count(), volume[1], rows.size(), columns.size());
    String flat = body.integers(shape[0], shape[1], rows.kernel(), columns.kernel());
    List<String> parts = new ArrayList<>();
    for (long i = 0; i < along.kernel(); i++) {
      long start = i * along.dilation();
      long end = start + (along.count() - 1) * along.stride() + 1;
      String slice = sliced(body, x, 1, start, end, along.stride());
      String weights = sliced(body, body.input(1), depth + 2, i, i + 1, 1);
      List<String> operands =
          new ArrayList<>(
              List.of(
                  body.step("Reshape", List.of(slice, images)),
                  body.step("Reshape", List.of(weights, flat))));
      if (i == 0 && inputs.size() > 2 && inputs.get(2) != null) {
        operands.add(body.input(2));
      }
      parts.add(
          body.step(
              "Conv",
              operands,
              "group",
              node.integer("group", 1),
              "strides",
              new long[] {rows.stride(), columns.stride()},
              "dilations",
              new long[] {rows.dilation(), columns.dilation()},
              "pads",
              new long[] {rows.before(), columns.before(), rows.after(), columns.after()}));
    }
    String sum = parts.size() == 1 ? parts.get(0) : body.step("Sum", parts);
    String apart =
        body.step(
            "Reshape",
            List.of(
                sum,
                body.integers(volume[0], along.count(), shape[0], rows.count(), columns.count())));
    long[] back = new long[5];
    for (int axis = 0; axis < 5; axis++) {
      back[Math.toIntExact(front[axis])] = axis;
    }
    return body.of(body.step("Transpose", List.of(apart), "perm", back));
  }

  private static String sliced(Body body, String x, int axis, long start, long end, long stride) {
    return body.step(
        "Slice",
        List.of(
            x,
            body.integers(start),
            body.integers(end),
            body.integers(axis),
            body.integers(stride)));
  }

  /**
   * Columns summed up where they overlap, Col2Im: a transposed convolution of each channel whose
   * weights put every value of a window where it lies.
   */
  static OnnxModel.Function folded(OnnxNode node, List<Operand> inputs, long opset)
      throws IOException {
    long[] columns = inputs.get(0).shape();
    if (!(inputs.get(1) instanceof Constant image) || !(inputs.get(2) instanceof Constant block)) {
      throw Composites.refused(node, "has shapes that are not constant");
    }
    long[] sides = image.integers();
    long[] kernel = block.integers();
    int axes = sides.length;
    long window = Constant.count(kernel);
    if (columns.length != 3 || axes < 1 || axes > 2 || kernel.length != axes || window < 1) {
      throw Composites.refused(node, "is neither one- nor two-dimensional");
    }
    long[] shape = new long[axes + 2];
    shape[0] = columns[0];
    shape[1] = columns[1];
    long[] strides = new long[axes];
    long[] dilations = new long[axes];
    long[] pads = new long[2 * axes];
    long[] rest = new long[axes];
    long places = 1;
    for (int axis = 0; axis < axes; axis++) {
      strides[axis] = Math.max(1, entry(node, "strides", axes, axis, 1));
      dilations[axis] = entry(node, "dilations", axes, axis, 1);
      pads[axis] = entry(node, "pads", 2 * axes, axis, 0);
      pads[axes + axis] = entry(node, "pads", 2 * axes, axes + axis, 0);
      long way =
          sides[axis] + pads[axis] + pads[axes + axis] - dilations[axis] * (kernel[axis] - 1) - 1;
      shape[axis + 2] = Math.floorDiv(way, strides[axis]) + 1;
      rest[axis] = Math.floorMod(way, strides[axis]);
      places *= shape[axis + 2];
    }
    if (places != columns[2] || columns[1] % window != 0) {
      throw Composites.refused(node, "has columns that are not those of its windows");
    }
    double[] ones = Constant.room(columns[1], window);
    for (int row = 0; row < columns[1]; row++) {
      ones[Math.toIntExact(row * window + row % window)] = 1;
    }
    long[] weights = new long[axes + 2];
    weights[0] = columns[1];
    weights[1] = 1;
    System.arraycopy(kernel, 0, weights, 2, axes);
    Body body = new Body(node, opset);
    String x = body.step("Reshape", List.of(body.input(0), body.integers(shape)));
    String weight = body.constant(Constant.ofValues(ones, false, weights));
    return body.of(
        body.step(
            "ConvTranspose",
            List.of(x, weight),
            "group",
            columns[1] / window,
            "strides",
            strides,
            "dilations",
            dilations,
            "pads",
            pads,
            "output_padding",
            rest));
  }

  private static long entry(OnnxNode node, String name, int axes, int axis, long otherwise) {
    long[] given = node.integers(name);
    if (given != null && given.length != axes) {
      throw Composites.refused(node, "has " + given.length + " " + name);
    }
    return given == null ? otherwise : given[axis];
  }

  /** Zeros between the values of an axis. */
  private static String spread(Body body, String x, long[] sizes, int axis, long stride) {
    if (stride == 1) {
      return x;
    }
    long[] apart = new long[sizes.length + 1];
    System.arraycopy(sizes, 0, apart, 0, axis + 1);
    apart[axis + 1] = 1;
    System.arraycopy(sizes, axis + 1, apart, axis + 2, sizes.length - axis - 1);
    long[] pads = new long[2 * apart.length];
    pads[apart.length + axis + 1] = stride - 1;
    String wide = body.step("Reshape", List.of(x, body.integers(apart)));
    String padded = body.step("Pad", List.of(wide, body.integers(pads)));
    sizes[axis] *= stride;
    String joined = body.step("Reshape", List.of(padded, body.integers(sizes)));
    sizes[axis] -= stride - 1;
    return body.step(
        "Slice",
        List.of(joined, body.integers(0), body.integers(sizes[axis]), body.integers(axis)));
  }

  /** From where to where the whole result counts. */
  private static long[] cut(OnnxNode node, int axes, int axis, long same, long whole) {
    String automatic = node.text("auto_pad", "NOTSET");
    long[] shape = node.integers("output_shape");
    boolean wanted = shape != null && shape.length >= axes;
    boolean alike = List.of("SAME_UPPER", "SAME_LOWER").contains(automatic);
    if (!alike && !List.of("", "NOTSET", "VALID").contains(automatic)) {
      throw Composites.refused(node, "pads by " + automatic);
    }
    if (!alike && !wanted) {
      long[] pads = node.integers("pads");
      if (pads != null && pads.length != 2 * axes) {
        throw Composites.refused(node, "has " + pads.length + " pads");
      }
      boolean none = pads == null || automatic.equals("VALID");
      return within(node, none ? 0 : pads[axis], none ? 0 : pads[axes + axis], whole);
    }
    long length = wanted ? shape[shape.length - axes + axis] : same;
    long total = whole - length;
    long less = Math.floorDiv(total, 2);
    return automatic.equals("SAME_UPPER")
        ? within(node, less, total - less, whole)
        : within(node, total - less, less, whole);
  }

  private static long[] within(OnnxNode node, long before, long after, long whole) {
    if (before < 0 || after < 0 || before + after >= whole) {
      throw Composites.refused(
          node, "has an output_shape or output_padding larger than its result");
    }
    return new long[] {before, whole - after};
  }

  /** Weights {@code [in, out / groups, …]} as those of a convolution, their kernels backwards. */
  private static String turned(Body body, long[] shape, long groups) {
    int axes = shape.length - 2;
    long[] split = new long[shape.length + 1];
    split[0] = groups;
    split[1] = shape[0] / groups;
    System.arraycopy(shape, 1, split, 2, shape.length - 1);
    long[] permutation = IntStream.range(0, split.length).asLongStream().toArray();
    permutation[1] = 2;
    permutation[2] = 1;
    long[] joined = shape.clone();
    joined[0] = shape[1] * groups;
    joined[1] = shape[0] / groups;
    String parts = body.step("Reshape", List.of(body.input(1), body.integers(split)));
    String swapped = body.step("Transpose", List.of(parts), "perm", permutation);
    String weights = body.step("Reshape", List.of(swapped, body.integers(joined)));
    long[] back = new long[axes];
    Arrays.fill(back, -1);
    long[] end = new long[axes];
    Arrays.fill(end, Long.MIN_VALUE);
    return body.step(
        "Slice",
        List.of(
            weights,
            body.integers(back),
            body.integers(end),
            body.integers(IntStream.range(2, axes + 2).asLongStream().toArray()),
            body.integers(back)));
  }

  /** The root of a sum of powers: of a mean that counts padding, times what it counts. */
  static OnnxModel.Function lengths(OnnxNode node, List<Operand> inputs, long opset) {
    int rank = inputs.get(0).shape().length;
    long p = node.integer("p", 2);
    boolean global = node.type().equals("GlobalLpPool");
    if (p < 1 || p > LARGEST_POWER || node.integer("ceil_mode", 0) != 0 || rank < 3) {
      throw Composites.refused(node, "has p = " + p + " or incomplete windows");
    }
    Body body = new Body(node, opset);
    String sizes = body.step("Abs", List.of(body.input(0)));
    String powers = p == 1 ? sizes : body.step("Pow", List.of(sizes, body.number((double) p)));
    String sum;
    if (global) {
      long[] axes = IntStream.range(2, rank).asLongStream().toArray();
      sum = body.step("ReduceSum", List.of(powers, body.integers(axes)));
    } else {
      long[] kernel = node.integers("kernel_shape");
      if (kernel == null || kernel.length != rank - 2) {
        throw Composites.refused(node, "has a kernel_shape that does not fit its input's rank");
      }
      List<Object> attributes = new ArrayList<>(List.of("count_include_pad", 1L));
      for (String name : List.of("kernel_shape", "strides", "pads", "dilations")) {
        if (node.has(name)) {
          attributes.addAll(List.of(name, node.integers(name)));
        }
      }
      attributes.addAll(List.of("auto_pad", node.text("auto_pad", "NOTSET")));
      String mean = pooled(body, powers, node, inputs, attributes);
      double count = Arrays.stream(kernel).reduce(1, (a, b) -> a * b);
      sum = body.step("Mul", List.of(mean, body.number(count)));
    }
    if (p == 1) {
      return body.of(sum);
    }
    String some = body.step("Max", List.of(sum, body.number(LEAST)));
    return body.of(body.step("Pow", List.of(some, body.number(1.0 / p))));
  }

  private static String pooled(
      Body body, String x, OnnxNode node, List<Operand> inputs, List<Object> attributes) {
    if (!needsSteps(node, inputs)) {
      return body.step("AveragePool", List.of(x), attributes.toArray());
    }
    return alongEach(body, x, node, inputs, false, true);
  }

  /** Whether a pool has gaps, or images of more than two dimensions. */
  static boolean needsSteps(OnnxNode node, List<Operand> inputs) {
    long[] dilations = node.integers("dilations");
    boolean gaps = dilations != null && Arrays.stream(dilations).anyMatch(d -> d != 1);
    return gaps || inputs.get(0).shape().length == 5;
  }

  /** A pool along one axis after the other: what windows cover is a product of what rows do. */
  static OnnxModel.Function pool(OnnxNode node, List<Operand> inputs, long opset) {
    Body body = new Body(node, opset);
    boolean greatest = node.type().equals("MaxPool");
    if (Composites.isRead(node, 1)) {
      throw Composites.refused(node, "returns the indices of its maxima");
    }
    boolean padding = node.integer("count_include_pad", 0) != 0;
    return body.of(alongEach(body, body.input(0), node, inputs, greatest, padding));
  }

  private static String alongEach(
      Body body,
      String image,
      OnnxNode node,
      List<Operand> inputs,
      boolean greatest,
      boolean padding) {
    long[] shape = inputs.get(0).shape();
    long[] kernel = node.integers("kernel_shape");
    int axes = shape.length - 2;
    if (axes < 1 || axes > 3 || kernel == null || kernel.length != axes) {
      throw Composites.refused(node, "has a kernel_shape that does not fit its input's rank");
    }
    String x = image;
    for (int axis = 0; axis < axes; axis++) {
      Sliding sliding = Sliding.of(node, axes, axis, shape[axis + 2], kernel[axis]);
      x = along(body, x, shape.length, axis + 2, sliding, greatest, padding, node);
    }
    return x;
  }

  private static String along(
      Body body,
      String x,
      int rank,
      int axis,
      Sliding sliding,
      boolean greatest,
      boolean padding,
      OnnxNode node) {
    String padded = x;
    long behind = sliding.after() + sliding.over();
    if (sliding.before() + behind > 0) {
      long[] pads = new long[2 * rank];
      pads[axis] = sliding.before();
      pads[rank + axis] = behind;
      String filler = body.number(greatest ? Double.NEGATIVE_INFINITY : 0);
      padded = body.step("Pad", List.of(x, body.integers(pads), filler));
    }
    if (sliding.kernel() > MOST_PARTS) {
      throw Composites.refused(node, "has a window of " + sliding.kernel());
    }
    List<String> parts = new ArrayList<>();
    for (long i = 0; i < sliding.kernel(); i++) {
      long start = i * sliding.dilation();
      long end = start + (sliding.count() - 1) * sliding.stride() + 1;
      parts.add(sliced(body, padded, axis, start, end, sliding.stride()));
    }
    if (greatest) {
      return body.step("Max", parts);
    }
    double[] shares = Constant.room(sliding.count());
    for (int i = 0; i < shares.length; i++) {
      long covered = sliding.covered(i, padding);
      if (covered == 0) {
        throw Composites.refused(node, "has a window that is all padding");
      }
      shares[i] = 1.0 / covered;
    }
    long[] lying = new long[rank - axis];
    Arrays.fill(lying, 1);
    lying[0] = shares.length;
    String factors = body.constant(Constant.ofValues(shares, false, lying));
    return body.step("Mul", List.of(body.step("Sum", parts), factors));
  }
}
