package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.ttame.backbones.graph.ImportedLayers.Role;
import org.ttame.core.Text;

/**
 * Operators that take values from anywhere, or put them anywhere, by indices that are known:
 * GatherElements, GatherND, ScatterElements, ScatterND. What the indices mean is found by applying
 * the operator to the positions of the values; each image must do the same with its own.
 */
final class Indexed {
  private Indexed() {}

  static void register(ConverterRegistry registry) {
    registry.add("GatherElements", 11, new Gathered(), "axis");
    registry.add("GatherND", 11, new Gathered(), "batch_dims");
    registry.add("ScatterElements", 11, new Scattered(), "axis", "reduction");
    registry.add("ScatterND", 11, new Scattered(), "reduction");
  }

  private static Constant indices(OnnxNode node, List<Operand> inputs) {
    if (inputs.get(1) instanceof Constant indices) {
      return indices;
    }
    throw new UnsupportedGraphException(
        Text.format(
            "%s node \"%s\" has indices that depend on the image",
            node.type(), node.displayName()));
  }

  private static Constant evaluated(String type, OnnxNode node, Operand... inputs)
      throws IOException {
    OnnxNode same =
        new OnnxNode(
            node.name(), "", type, List.of(), List.of(node.outputs().get(0)), node.attributes());
    return Arithmetic.evaluate(same, Arrays.asList(inputs), Long.MAX_VALUE).get(0);
  }

  /**
   * Values of one operand that a result is made of, for one image.
   *
   * @param batch the axis of the result that has the images; {@link Tensor#NONE} for none
   * @param places for each of the result's values, the batch's axis left out, its place among an
   *     image's values, the batch's axis left out there too; −1 for none
   */
  @SuppressWarnings("ArrayRecordComponent")
  private record Sources(int batch, long[] places) {
    /**
     * Finds them.
     *
     * @param positions for each of the result's values its place among all of the operand's, or −1
     * @param shape of the result
     * @param from the operand
     */
    static Sources of(Operation operation, long[] positions, long[] shape, Tensor from) {
      if (from.batch() == Tensor.NONE) {
        return new Sources(Tensor.NONE, positions);
      }
      long[] whole = from.shape();
      long images = whole[from.batch()];
      long inner = Constant.count(Arrays.copyOfRange(whole, from.batch() + 1, whole.length));
      int moved = from.batch() + shape.length - whole.length;
      IntStream axes = IntStream.of(moved, from.batch());
      // One image's axis is like any other of one: it can only be where it is to be expected.
      axes = images == 1 ? axes : IntStream.concat(axes, IntStream.range(0, shape.length));
      for (int axis : axes.toArray()) {
        if (axis >= 0 && axis < shape.length && shape[axis] == images) {
          long[] places = apart(positions, shape, axis, images, inner);
          if (places != null) {
            return new Sources(axis, places);
          }
        }
      }
      throw new UnsupportedGraphException(operation + " mixes the images of a batch");
    }

    /** The places if each image takes its own values, all the same ones; else null. */
    private static long[] apart(long[] positions, long[] shape, int axis, long images, long inner) {
      int behind =
          Math.toIntExact(Constant.count(Arrays.copyOfRange(shape, axis + 1, shape.length)));
      int size = Math.toIntExact(shape[axis]);
      long[] places = new long[positions.length / size];
      for (int at = 0; at < positions.length; at++) {
        int image = at / behind % size;
        int rest = at / (behind * size) * behind + at % behind;
        long position = positions[at];
        long place = position;
        if (position >= 0) {
          if (position / inner % images != image) {
            return null;
          }
          place = position / (inner * images) * inner + position % inner;
        }
        if (image == 0) {
          places[rest] = place;
        } else if (places[rest] != place) {
          return null;
        }
      }
      return places;
    }
  }

  /** A value as one row for each image: {@code [B, values]}, or {@code [1, values]} of no batch. */
  private static Tensor rows(Emitter emitter, Tensor x) {
    int[] order =
        x.batch() == Tensor.NONE
            ? Tensor.plain(x.rank())
            : IntStream.concat(
                    IntStream.of(x.batch()),
                    IntStream.range(0, x.rank()).filter(axis -> axis != x.batch()))
                .toArray();
    Tensor lying = emitter.arrange(x, order);
    long images = x.batch() == Tensor.NONE ? 1 : x.shape()[x.batch()];
    long values = Constant.count(x.shape()) / images;
    long free = x.batch() == Tensor.NONE ? 1 : -1;
    SDVariable flat = emitter.graph().reshape(lying.variable(), free, values);
    int batch = x.batch() == Tensor.NONE ? Tensor.NONE : 0;
    return new Tensor(flat, new long[] {images, values}, Tensor.plain(2), batch);
  }

  /** Hands a row for each image over as the operation's output. */
  private static void put(Operation operation, Emitter emitter, SDVariable rows, int batch) {
    long[] shape = operation.output().shape();
    int[] order =
        batch == Tensor.NONE
            ? Tensor.plain(shape.length)
            : IntStream.concat(
                    IntStream.of(batch),
                    IntStream.range(0, shape.length).filter(axis -> axis != batch))
                .toArray();
    SDVariable y = emitter.graph().reshape(rows, Emitter.sizes(shape, order, batch));
    emitter.put(operation, y, order, batch);
  }

  private static final class Gathered implements Converter {
    @Override
    public List<long[]> shapes(OnnxNode node, List<Operand> inputs) throws IOException {
      Constant dummy = Constant.ofValues(new double[1], false).broadcast(inputs.get(0).shape());
      return List.of(evaluated(node.type(), node, dummy, indices(node, inputs)).shape());
    }

    @Override
    public void convert(Operation gather, Emitter emitter) throws IOException {
      Tensor x = emitter.tensor(gather.value(0));
      Constant positions =
          evaluated(
              gather.type(), gather.node(), Constant.positions(x.shape()), gather.constant(1));
      Sources sources = Sources.of(gather, positions.integers(), gather.output().shape(), x);
      Tensor picked = Lines.picked(gather, emitter, rows(emitter, x), 1, sources.places());
      put(gather, emitter, picked.variable(), sources.batch());
    }
  }

  private static final class Scattered implements Converter {
    @Override
    public List<long[]> shapes(OnnxNode node, List<Operand> inputs) throws IOException {
      requireKnown(node);
      targets(node, inputs);
      return List.of(inputs.get(0).shape());
    }

    private static void requireKnown(OnnxNode node) {
      if (!List.of("none", "add").contains(node.text("reduction", "none"))) {
        throw new UnsupportedGraphException(
            Text.format(
                "%s node \"%s\" reduces by %s",
                node.type(), node.displayName(), node.text("reduction", "")));
      }
    }

    /** For each update its place in the data. */
    private static Constant targets(OnnxNode node, List<Operand> inputs) throws IOException {
      String inverse = node.type().replace("Scatter", "Gather");
      Constant positions = Constant.positions(inputs.get(0).shape());
      Constant targets = evaluated(inverse, node, positions, indices(node, inputs));
      if (targets.size() != Constant.count(inputs.get(2).shape())) {
        throw new UnsupportedGraphException(
            Text.format(
                "%s node \"%s\" has updates that do not fit its indices",
                node.type(), node.displayName()));
      }
      return targets;
    }

    @Override
    public void convert(Operation scatter, Emitter emitter) throws IOException {
      long[] shape = scatter.output().shape();
      long[] targets = targets(scatter.node(), scatter.inputs()).integers();
      boolean adds = scatter.node().text("reduction", "none").equals("add");
      long[][] block = adds || scatter.values().size() < 2 ? null : block(targets, shape);
      if (block != null && Arrays.equals(sizes(block), scatter.value(2).shape())) {
        Tensor data = emitter.tensor(scatter.value(0));
        Tensor updates = emitter.tensor(scatter.value(2));
        if (data.batch() == updates.batch()) {
          emitter.putLike(scatter, replaced(scatter, emitter, data, updates, block), updates);
          return;
        }
      }
      int count = Budget.inMemory(Constant.count(shape));
      long[] kept = new long[count];
      List<List<Long>> updated = new ArrayList<>();
      for (int at = 0; at < count; at++) {
        kept[at] = at;
        updated.add(null);
      }
      for (int i = 0; i < targets.length; i++) {
        int target = Math.toIntExact(targets[i]);
        if (updated.get(target) == null || !adds) {
          // Where several are written to one place the last one stays.
          updated.set(target, new ArrayList<>());
        }
        updated.get(target).add((long) i);
        kept[target] = adds ? target : -1;
      }
      List<Part> parts = new ArrayList<>();
      if (scatter.input(0) instanceof Value data) {
        parts.add(part(scatter, emitter, kept, emitter.tensor(data)));
      }
      if (scatter.input(2) instanceof Value updates) {
        int most = updated.stream().mapToInt(u -> u == null ? 0 : u.size()).max().orElse(0);
        for (int turn = 0; turn < most; turn++) {
          long[] places = new long[count];
          for (int at = 0; at < count; at++) {
            List<Long> own = updated.get(at);
            places[at] = own == null || own.size() <= turn ? -1 : own.get(turn);
          }
          parts.add(part(scatter, emitter, places, emitter.tensor(updates)));
        }
      }
      int batch = parts.get(0).batch;
      SDVariable sum = null;
      for (Part part : parts) {
        if (part.batch != batch) {
          throw new UnsupportedGraphException(scatter + " mixes the images of a batch");
        }
        sum = sum == null ? part.rows : sum.add(part.rows);
      }
      if (scatter.values().size() < 2) {
        sum = sum.add(constants(scatter, emitter, batch));
      }
      put(scatter, emitter, sum, batch);
    }

    /**
     * The first index of each axis, and the one behind the last, if the targets are all values of a
     * block, in their order: what {@code x[:, 1:, 1:] = y} exports. Else null.
     */
    private static long[][] block(long[] targets, long[] shape) {
      long[][] block = new long[shape.length][];
      long first = targets.length == 0 ? 0 : targets[0];
      long last = targets.length == 0 ? -1 : targets[targets.length - 1];
      long values = 1;
      for (int axis = shape.length - 1; axis >= 0; axis--) {
        block[axis] = new long[] {first % shape[axis], last % shape[axis] + 1};
        first /= shape[axis];
        last /= shape[axis];
        values *= block[axis][1] - block[axis][0];
      }
      if (values != targets.length
          || Arrays.stream(block).anyMatch(range -> range[0] >= range[1])) {
        return null;
      }
      for (int i = 0; i < targets.length; i++) {
        long rest = i;
        long place = 0;
        long stride = 1;
        for (int axis = shape.length - 1; axis >= 0; axis--) {
          long size = block[axis][1] - block[axis][0];
          place += (block[axis][0] + rest % size) * stride;
          stride *= shape[axis];
          rest /= size;
        }
        if (place != targets[i]) {
          return null;
        }
      }
      return block;
    }

    private static long[] sizes(long[][] block) {
      return Arrays.stream(block).mapToLong(range -> range[1] - range[0]).toArray();
    }

    /** The data with a block replaced: what is before and behind it on each axis, around it. */
    private static SDVariable replaced(
        Operation scatter, Emitter emitter, Tensor data, Tensor updates, long[][] block) {
      Tensor whole = emitter.arrange(data, updates.order());
      List<Tensor> left = new ArrayList<>(List.of(whole));
      for (int axis = 0; axis < block.length; axis++) {
        left.add(within(scatter, emitter, left.get(axis), axis, block[axis][0], block[axis][1]));
      }
      SDVariable made = updates.variable();
      for (int axis = block.length - 1; axis >= 0; axis--) {
        Tensor around = left.get(axis);
        List<SDVariable> parts = new ArrayList<>();
        if (block[axis][0] > 0) {
          parts.add(within(scatter, emitter, around, axis, 0, block[axis][0]).variable());
        }
        parts.add(made);
        long size = around.shape()[axis];
        if (block[axis][1] < size) {
          parts.add(within(scatter, emitter, around, axis, block[axis][1], size).variable());
        }
        made =
            parts.size() == 1
                ? made
                : emitter.graph().concat(around.place(axis), parts.toArray(SDVariable[]::new));
      }
      return made;
    }

    private static Tensor within(
        Operation scatter, Emitter emitter, Tensor x, int axis, long from, long to) {
      return Lines.picked(scatter, emitter, x, axis, LongStream.range(from, to).toArray());
    }

    private record Part(SDVariable rows, int batch) {}

    /** Values by their places, zeros where there is none. */
    private static Part part(Operation scatter, Emitter emitter, long[] positions, Tensor from)
        throws IOException {
      Sources sources = Sources.of(scatter, positions, scatter.output().shape(), from);
      long[] places = sources.places().clone();
      double[] mask = new double[places.length];
      boolean all = true;
      long next = 0;
      long values = Constant.count(from.shape());
      values = from.batch() == Tensor.NONE ? values : values / from.shape()[from.batch()];
      for (int i = 0; i < places.length; i++) {
        mask[i] = places[i] < 0 ? 0 : 1;
        all &= places[i] >= 0;
        // Whatever stands where zeros will: what comes next keeps runs whole.
        places[i] = places[i] < 0 ? next % values : places[i];
        next = places[i] + 1;
      }
      SDVariable rows = Lines.picked(scatter, emitter, rows(emitter, from), 1, places).variable();
      if (!all) {
        rows = rows.mul(emitter.numbers(scatter, "mask", mask, 1, mask.length));
      }
      return new Part(rows, sources.batch());
    }

    /** What comes from the operand that is known: the same for every image. */
    private static SDVariable constants(Operation scatter, Emitter emitter, int batch)
        throws IOException {
      List<Operand> inputs = new ArrayList<>(scatter.inputs());
      for (int i = 0; i < inputs.size(); i++) {
        if (inputs.get(i) instanceof Value value) {
          inputs.set(i, Constant.ofValues(new double[1], false).broadcast(value.shape()));
        }
      }
      Constant known =
          (Constant) (scatter.input(0) instanceof Constant data ? data : inputs.get(2));
      long images = batch == Tensor.NONE ? 1 : scatter.output().shape()[batch];
      long values = Constant.count(scatter.output().shape()) / images;
      if (known.isAtHand()) {
        laid(scatter, inputs, batch);
      }
      return emitter.parameter(
          scatter,
          "constants",
          Role.FIXED,
          () -> Recipe.of(laid(scatter, inputs, batch).reshape(1, values)),
          1,
          values);
    }

    private static Constant laid(Operation scatter, List<Operand> inputs, int batch)
        throws IOException {
      Constant all = evaluated(scatter.type(), scatter.node(), inputs.toArray(Operand[]::new));
      return batch == Tensor.NONE ? all : all.unrepeated(batch, scatter);
    }
  }
}
