package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.enums.PadMode;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;

/** Operators that take part of a value, or make it larger. */
final class Picks {
  private Picks() {}

  static void register(ConverterRegistry registry) {
    Converter slices = Picks::slices;
    registry.add("Slice", 1, slices, "starts", "ends", "axes");
    registry.add("Split", 2, slices, "axis", "split", "num_outputs");
    registry.add("Gather", 1, new Gather(), "axis");
    registry.add("Pad", 2, new Pad(), "mode", "pads", "value");
    registry.add("Expand", 8, Picks::expand);
  }

  /** Each output as a regular part of the first input; what {@link Movement} makes of positions. */
  private static void slices(Operation operation, Emitter emitter) throws IOException {
    Tensor x = emitter.tensor(operation.value(0));
    List<Constant> parts =
        Movement.apply(operation.node(), Constant.positions(x.shape()), operation.inputs());
    for (int i = 0; i < operation.outputs().size(); i++) {
      Value output = operation.outputs().get(i);
      Constant part = parts.get(i);
      if (!(part.storage() instanceof Storage.Counting)) {
        backwards(operation, emitter, x, part, output);
        continue;
      }
      SDVariable y = part(operation, emitter, x, starts(part, x), steps(part, x), output.shape());
      if (y.name().equals(x.variable().name())) {
        emitter.alias(output, x);
      } else {
        emitter.put(output, y, x.order(), x.batch());
      }
    }
  }

  /** A part that runs backwards along some axis is no view: the places say which. */
  private static void backwards(
      Operation operation, Emitter emitter, Tensor x, Constant part, Value output)
      throws IOException {
    long[] strides = Constant.rowMajor(x.shape());
    Tensor y = x;
    for (int axis = 0; axis < x.rank(); axis++) {
      Constant line = part;
      for (int other = x.rank() - 1; other >= 0; other--) {
        line = other == axis ? line : line.select(other, 0);
      }
      long[] places = line.integers();
      for (int i = 0; i < places.length; i++) {
        places[i] = places[i] / strides[axis] % x.shape()[axis];
      }
      y = Lines.picked(operation, emitter, y, axis, places);
    }
    emitter.put(output, y.variable(), y.order(), y.batch());
  }

  /** Where a view on a tensor's positions begins. */
  private static long[] starts(Constant view, Tensor x) {
    long[] strides = Constant.rowMajor(x.shape());
    return IntStream.range(0, x.rank())
        .mapToLong(axis -> view.offset() / strides[axis] % x.shape()[axis])
        .toArray();
  }

  /** How far apart a view takes a tensor's positions. */
  private static long[] steps(Constant view, Tensor x) {
    long[] strides = Constant.rowMajor(x.shape());
    return IntStream.range(0, x.rank())
        .mapToLong(axis -> Math.max(1, view.stride(axis) / strides[axis]))
        .toArray();
  }

  /** A regular part along every axis; the variable itself if that is all of it. */
  private static SDVariable part(
      Operation operation, Emitter emitter, Tensor x, long[] starts, long[] steps, long[] lengths) {
    int rank = x.rank();
    long[] begin = new long[rank];
    long[] end = new long[rank];
    long[] stride = new long[rank];
    Arrays.fill(stride, 1);
    int all = 0;
    for (int place = 0; place < rank; place++) {
      int axis = x.order()[place];
      if (lengths[axis] == x.shape()[axis]) {
        all |= 1 << place;
      } else if (axis == x.batch() || lengths[axis] < 1) {
        throw new UnsupportedGraphException(
            operation + (axis == x.batch() ? " selects among the images of a batch" : " is empty"));
      } else {
        begin[place] = starts[axis];
        stride[place] = steps[axis];
        end[place] = starts[axis] + (lengths[axis] - 1) * steps[axis] + 1;
      }
    }
    return all == (1 << rank) - 1
        ? x.variable()
        : emitter.graph().stridedSlice(x.variable(), begin, end, stride, all, all, 0, 0, 0);
  }

  /** By constant indices along one axis, which their shape replaces. */
  private static final class Gather implements Converter {
    @Override
    public List<long[]> shapes(OnnxNode node, List<Operand> inputs) throws IOException {
      long[] data = inputs.get(0).shape();
      int axis = Movement.axis(node.integer("axis", 0), data.length);
      if (!(inputs.get(1) instanceof Constant indices)) {
        throw new UnsupportedGraphException(
            Text.format(
                "Gather node \"%s\" has indices that are not constant", node.displayName()));
      }
      for (long index : indices.integers()) {
        if (index < -data[axis] || index >= data[axis]) {
          throw new UnsupportedGraphException(
              Text.format(
                  "Gather node \"%s\" reads index %d of %d",
                  node.displayName(), index, data[axis]));
        }
      }
      List<Long> shape = new ArrayList<>(Arrays.stream(data).boxed().toList());
      shape.remove(axis);
      shape.addAll(axis, Arrays.stream(indices.shape()).boxed().toList());
      return List.of(shape.stream().mapToLong(Long::longValue).toArray());
    }

    @Override
    public void convert(Operation gather, Emitter emitter) throws IOException {
      Tensor x = emitter.tensor(gather.value(0));
      int axis = Movement.axis(gather.node().integer("axis", 0), x.rank());
      long[] wanted = gather.constant(1).integers();
      long size = x.shape()[axis];
      for (int i = 0; i < wanted.length; i++) {
        wanted[i] += wanted[i] < 0 ? size : 0;
      }
      if (wanted.length == size
          && IntStream.range(0, wanted.length).allMatch(i -> wanted[i] == i)) {
        // All in turn: exporters write views so, across the whole batch, too.
        put(gather, emitter, emitter.reshape(x, gather.output().shape(), gather), x);
        return;
      }
      Tensor picked = Lines.picked(gather, emitter, x, axis, wanted);
      put(gather, emitter, emitter.reshape(picked, gather.output().shape(), gather), x);
    }

    private static void put(Operation gather, Emitter emitter, Tensor picked, Tensor x) {
      if (picked.variable().name().equals(x.variable().name())) {
        emitter.alias(gather.output(), picked);
      } else {
        emitter.putLike(gather, picked.variable(), picked);
      }
    }
  }

  /**
   * With a constant or with what is there; what is padded is an attribute up to operator set 10,
   * inputs from 11 on. Beside a constant, negative margins cut off.
   */
  private static final class Pad implements Converter {
    @Override
    public List<long[]> shapes(OnnxNode node, List<Operand> inputs) throws IOException {
      long[] shape = inputs.get(0).shape();
      long[][] margins = margins(node, inputs);
      for (int axis = 0; axis < shape.length; axis++) {
        shape[axis] += margins[axis][0] + margins[axis][1];
      }
      return List.of(shape);
    }

    private static long[][] margins(OnnxNode node, List<Operand> inputs) throws IOException {
      int rank = inputs.get(0).shape().length;
      long[] pads =
          inputs.size() > 1 && inputs.get(1) instanceof Constant given
              ? given.integers()
              : node.integers("pads");
      int[] axes = Tensor.plain(rank);
      if (inputs.size() > 3 && inputs.get(3) != null) {
        if (!(inputs.get(3) instanceof Constant given)) {
          throw new UnsupportedGraphException(
              Text.format("Pad node \"%s\" has axes that are not constant", node.displayName()));
        }
        axes =
            Arrays.stream(given.integers()).mapToInt(axis -> Movement.axis(axis, rank)).toArray();
      }
      if (pads == null || pads.length != 2 * axes.length) {
        throw new UnsupportedGraphException(
            Text.format("Pad node \"%s\" has pads that are not constant", node.displayName()));
      }
      long[][] margins = new long[rank][2];
      for (int i = 0; i < axes.length; i++) {
        margins[axes[i]] = new long[] {pads[i], pads[axes.length + i]};
        long left = inputs.get(0).shape()[axes[i]];
        boolean cuts = pads[i] < 0 || pads[axes.length + i] < 0;
        if (cuts && !node.text("mode", "constant").equals("constant")) {
          throw new UnsupportedGraphException(
              Text.format(
                  "Pad node \"%s\" has negative pads in the mode %s",
                  node.displayName(), node.text("mode", "")));
        }
        if (cuts && cutOff(pads[i], left) + cutOff(pads[axes.length + i], left) >= left) {
          throw new UnsupportedGraphException(
              Text.format("Pad node \"%s\" cuts off all that is there", node.displayName()));
        }
      }
      return margins;
    }

    /** How many of an axis's values a margin cuts off: all, where it names more. */
    private static long cutOff(long margin, long size) {
      return margin >= 0 ? 0 : -Math.max(margin, -size);
    }

    @Override
    public void convert(Operation pad, Emitter emitter) throws IOException {
      String mode = pad.node().text("mode", "constant");
      double value = pad.input(2) == null ? pad.node().real("value", 0) : pad.constant(2).scalar();
      Tensor x = emitter.tensor(pad.value(0));
      long[][] margins = margins(pad.node(), pad.inputs());
      if (x.batch() != Tensor.NONE && !Arrays.equals(margins[x.batch()], new long[2])) {
        throw new UnsupportedGraphException(pad + " adds images to a batch, or takes them away");
      }
      // What is as large may still have been moved: cut off at one end, padded at the other.
      if (Arrays.stream(margins).allMatch(margin -> Arrays.equals(margin, new long[2]))) {
        emitter.alias(pad.output(), x);
        return;
      }
      if (!mode.equals("constant")) {
        for (int axis = 0; axis < x.rank(); axis++) {
          x =
              Lines.picked(
                  pad, emitter, x, axis, sources(pad, mode, x.shape()[axis], margins[axis]));
        }
        emitter.putLike(pad, x.variable(), x);
        return;
      }
      for (int axis = 0; axis < x.rank(); axis++) {
        long first = Math.max(0, -margins[axis][0]);
        long behind = x.shape()[axis] - Math.max(0, -margins[axis][1]);
        x = Lines.picked(pad, emitter, x, axis, LongStream.range(first, behind).toArray());
        margins[axis] = LongStream.of(margins[axis]).map(margin -> Math.max(0, margin)).toArray();
      }
      boolean cut = Arrays.equals(x.shape(), pad.output().shape());
      emitter.putLike(pad, cut ? x.variable() : padded(pad, emitter, x, margins, value), x);
    }
  }

  /** Where a padded axis takes its values from. */
  private static long[] sources(Operation pad, String mode, long size, long... margins) {
    long most =
        switch (mode) {
          case "edge" -> Long.MAX_VALUE;
          case "reflect" -> size - 1;
          case "wrap" -> size;
          default -> throw new UnsupportedGraphException(pad + " pads in the mode " + mode);
        };
    if (Math.max(margins[0], margins[1]) > most) {
      throw new UnsupportedGraphException(pad + " pads by more than its input's size");
    }
    Constant.room(margins[0], size + margins[1]);
    return LongStream.range(-margins[0], size + margins[1])
        .map(
            at ->
                switch (mode) {
                  case "edge" -> Math.max(0, Math.min(size - 1, at));
                  case "reflect" -> at < 0 ? -at : at < size ? at : 2 * (size - 1) - at;
                  default -> Math.floorMod(at, size);
                })
        .toArray();
  }

  /** A tensor with margins in front of and behind each axis. */
  static SDVariable padded(
      Operation operation, Emitter emitter, Tensor x, long[][] margins, double value) {
    int[][] lying =
        IntStream.of(x.order())
            .mapToObj(axis -> new int[] {(int) margins[axis][0], (int) margins[axis][1]})
            .toArray(int[][]::new);
    SDVariable sizes = emitter.integers(operation, "margins", Nd4j.createFromArray(lying));
    return emitter
        .graph()
        .nn()
        .pad(emitter.step(operation, "padded"), x.variable(), sizes, PadMode.CONSTANT, value);
  }

  private static void expand(Operation expand, Emitter emitter) {
    Tensor x = emitter.tensor(expand.value(0));
    long[] target = expand.output().shape();
    if (Arrays.equals(x.shape(), target)) {
      emitter.alias(expand.output(), x);
      return;
    }
    int more = target.length - x.rank();
    int batch = x.batch() == Tensor.NONE ? Tensor.NONE : x.batch() + more;
    if (batch != Tensor.NONE && target[batch] != x.shape()[x.batch()]) {
      throw new UnsupportedGraphException(expand + " repeats the images of a batch");
    }
    int[] order =
        IntStream.range(0, target.length)
            .map(i -> i < more ? i : x.order()[i - more] + more)
            .toArray();
    long[] sizes =
        IntStream.of(order).mapToLong(axis -> axis == batch ? 1 : target[axis]).toArray();
    double[] ones = Constant.room(sizes);
    Arrays.fill(ones, 1);
    SDVariable repeated =
        emitter
            .broadcastable(x, target.length, order)
            .mul(emitter.numbers(expand, "ones", ones, sizes));
    emitter.put(expand, repeated, order, batch);
  }
}
