package org.ttame.core.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.BaseReduceOp;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.ttame.core.engine.KernelSequence.Stage;

/**
 * Gives steps that only move values, or average them over an image, oneDNN's kernels: permutations,
 * slices, parts and their gradients are copies of one layout into another, which ND4J makes value
 * by value. Where oneDNN has nothing fast the steps stay as they are.
 */
final class MovementPass {
  private final DnnKernels kernels;
  private final List<PlanStep> result = new ArrayList<>();

  private MovementPass(DnnKernels kernels) {
    this.kernels = kernels;
  }

  /** Rewrites; the steps that remain, in order. */
  static List<PlanStep> apply(List<PlanStep> steps, DnnKernels kernels) {
    MovementPass pass = new MovementPass(kernels);
    for (PlanStep step : steps) {
      boolean plain =
          step.kernel == null
              && !step.inputs.isEmpty()
              && step.outputs.stream().allMatch(OneDnnPass::dense);
      if (!plain || !pass.move(step)) {
        pass.result.add(step);
      }
    }
    return pass.result;
  }

  private boolean move(PlanStep step) {
    List<PlanStep> moves = new ArrayList<>();
    try {
      boolean done =
          switch (step.kind()) {
            case "permute" -> permute(step, moves);
            case "strided_slice" -> slice(step, moves);
            case "strided_slice_bp" -> sliceGradient(step, moves);
            case "split" -> parts(step, step.inputs.get(0), moves);
            case "concat" -> join(step, moves);
            case "concat_bp" -> parts(step, step.inputs.get(step.inputs.size() - 1), moves);
            case "reduce_mean" -> mean(step, moves);
            case "reduce_mean_bp" -> meanGradient(step, moves);
            default -> false;
          };
      if (done) {
        result.addAll(moves);
      }
      return done;
    } catch (OneDnn.UnsupportedException e) {
      moves.forEach(move -> move.kernel.close());
      return false;
    }
  }

  private static void add(
      List<PlanStep> moves, PlanStep origin, ArrayTypes.Maker maker, PlanValue from, PlanValue to) {
    add(moves, origin, maker, List.of(from), to);
  }

  private static void add(
      List<PlanStep> moves,
      PlanStep origin,
      ArrayTypes.Maker maker,
      List<PlanValue> from,
      PlanValue to) {
    moves.add(origin.replaced(maker, from, to));
  }

  private boolean permute(PlanStep step, List<PlanStep> moves) {
    PlanValue from = step.inputs.get(0);
    PlanValue to = step.outputs.get(0);
    long[] order = step.integerArguments();
    if (step.inputs.size() != 1 || order.length != from.shape.length || !OneDnnPass.dense(from)) {
      return false;
    }
    StackLayout source = StackLayout.dense(from.shape).permuted(order);
    if (!Arrays.equals(source.shape(), to.shape)) {
      return false;
    }
    add(
        moves,
        step,
        types -> copies(types).copy("permute", source, 0, StackLayout.dense(to.shape), 0),
        from,
        to);
    return true;
  }

  private boolean slice(PlanStep step, List<PlanStep> moves) {
    PlanValue whole = step.inputs.get(0);
    PlanValue part = step.outputs.get(0);
    Slice slice = Slice.of(step, whole.shape, part.shape);
    if (slice == null || !OneDnnPass.dense(whole)) {
      return false;
    }
    StackLayout target = StackLayout.dense(part.shape);
    add(
        moves,
        step,
        types -> copies(types).copy("slice", slice.layout(), slice.offset(), target, 0),
        whole,
        part);
    return true;
  }

  private boolean sliceGradient(PlanStep step, List<PlanStep> moves) {
    PlanValue gradient = step.inputs.get(1);
    PlanValue whole = step.outputs.get(0);
    Slice slice = Slice.of(step, whole.shape, gradient.shape);
    if (slice == null || !OneDnnPass.dense(gradient)) {
      return false;
    }
    ArrayTypes.Maker maker =
        types -> {
          StackLayout source = StackLayout.dense(gradient.shape);
          Kernel copy =
              copies(types).copy("slice gradient", source, 0, slice.layout(), slice.offset());
          return new KernelSequence("slice gradient", new Stage(new Zeros()), new Stage(copy, 0));
        };
    add(moves, step, maker, gradient, whole);
    return true;
  }

  /** Parts along an axis, one copy each. */
  private boolean parts(PlanStep step, PlanValue whole, List<PlanStep> moves) {
    int axis = axis(step.outputs, whole);
    if (axis < 0 || !OneDnnPass.dense(whole)) {
      return false;
    }
    StackLayout all = StackLayout.dense(whole.shape);
    long offset = 0;
    for (PlanValue part : step.outputs) {
      StackLayout target = StackLayout.dense(part.shape);
      long from = offset;
      add(
          moves,
          step,
          types -> copies(types).copy("part", all.part(part.shape), from, target, 0),
          whole,
          part);
      offset += part.shape[axis] * all.strides()[axis];
    }
    return true;
  }

  private boolean join(PlanStep step, List<PlanStep> moves) {
    PlanValue whole = step.outputs.get(0);
    int axis = axis(step.inputs, whole);
    if (axis < 0 || !step.inputs.stream().allMatch(OneDnnPass::dense)) {
      return false;
    }
    add(moves, step, types -> joined(step.inputs, whole, axis, types), step.inputs, whole);
    return true;
  }

  private Kernel joined(List<PlanValue> parts, PlanValue whole, int axis, ArrayTypes types) {
    StackLayout all = StackLayout.dense(whole.shape);
    List<Stage> stages = new ArrayList<>();
    long offset = 0;
    for (int i = 0; i < parts.size(); i++) {
      StackLayout part = StackLayout.dense(parts.get(i).shape);
      Kernel copy = copies(types).copy("part", part, 0, all.part(part.shape()), offset);
      stages.add(new Stage(copy, i));
      offset += part.shape()[axis] * all.strides()[axis];
    }
    return new KernelSequence("concat", stages.toArray(Stage[]::new));
  }

  private DnnMovement copies(ArrayTypes types) {
    return kernels.movement(types.uniform());
  }

  /** The one axis along which parts make up a whole, or −1 if they do not, or several could be. */
  private static int axis(List<PlanValue> parts, PlanValue whole) {
    int axis = -1;
    for (int i = 0; i < whole.shape.length; i++) {
      long sum = 0;
      for (PlanValue part : parts) {
        if (part.shape.length != whole.shape.length || part.type != whole.type) {
          return -1;
        }
        sum += part.shape[i];
      }
      int at = i;
      boolean along = sum == whole.shape[i] && parts.size() > 1;
      if (along) {
        axis = i;
      } else if (parts.stream().anyMatch(part -> part.shape[at] != whole.shape[at])) {
        return -1;
      }
    }
    return axis;
  }

  private boolean mean(PlanStep step, List<PlanStep> moves) {
    PlanValue from = step.inputs.get(0);
    PlanValue to = step.outputs.get(0);
    boolean known =
        step.inputs.size() == 1
            && step.op instanceof BaseReduceOp reduction
            && reduction.dimensions() != null
            && overImage(reduction.dimensions().toLongVector(), from, to);
    if (!known || !OneDnnPass.dense(from)) {
      return false;
    }
    // Row by row, then over the rows: one sum of 112×112 floats loses ten times as much.
    long[] shape = from.shape;
    int inner = shape.length - 2;
    long[] rows = Arrays.copyOf(shape, shape.length - 1);
    rows[inner] = shape[inner + 1];
    if (inner < 2 || from.type != DataType.FLOAT) {
      add(moves, step, types -> copies(types).mean(shape), from, to);
      return true;
    }
    PlanValue means = PlanValue.computed(step.name + ":rows", from.type, rows);
    long count = from.length() / (shape[inner] * shape[inner + 1]);
    long[] images = {count, shape[inner], shape[inner + 1]};
    add(moves, step, types -> copies(types).mean(images), from, means);
    add(moves, step, types -> copies(types).mean(rows), means, to);
    return true;
  }

  private boolean meanGradient(PlanStep step, List<PlanStep> moves) {
    PlanValue gradient = step.inputs.get(1);
    PlanValue to = step.outputs.get(0);
    boolean known =
        step.inputs.size() == 2
            && step.op instanceof DynamicCustomOp
            && overImage(step.integerArguments(), to, gradient);
    if (!known || !OneDnnPass.dense(gradient)) {
      return false;
    }
    add(moves, step, types -> copies(types).meanGradient(to.shape), gradient, to);
    return true;
  }

  /** Whether all axes but the first and the last are averaged. */
  private static boolean overImage(long[] axes, PlanValue whole, PlanValue mean) {
    int rank = whole.shape.length;
    long[] sorted =
        Arrays.stream(axes).map(axis -> axis < 0 ? axis + rank : axis).sorted().toArray();
    boolean inner = rank > 2 && sorted.length == rank - 2;
    for (int i = 0; inner && i < sorted.length; i++) {
      inner = sorted[i] == i + 1;
    }
    return inner && mean.length() == whole.shape[0] * whole.shape[rank - 1];
  }

  /**
   * A slice of an array.
   *
   * @param layout where its elements lie in the whole
   * @param offset of its first element
   */
  private record Slice(StackLayout layout, long offset) {
    /** The slice that a strided_slice makes; null if that is not plain to see. */
    static Slice of(PlanStep step, long[] whole, long[] part) {
      long[] a = step.integerArguments();
      int rank = whole.length;
      // masks of begins, ellipses, ends, new and dropped axes; begins; ends; how far each time
      boolean plain =
          a.length == 5 + 3 * rank && part.length == rank && a[1] == 0 && a[3] == 0 && a[4] == 0;
      if (!plain) {
        return null;
      }
      long[] strides = StackLayout.dense(whole).strides();
      long offset = 0;
      for (int i = 0; i < rank; i++) {
        boolean fromStart = (a[0] >> i & 1) != 0;
        long given = a[5 + i] < 0 ? a[5 + i] + whole[i] : a[5 + i];
        long begin = fromStart ? 0 : given;
        long every = a[5 + 2 * rank + i];
        if (every < 1 || begin < 0 || begin + (part[i] - 1) * every >= whole[i]) {
          return null;
        }
        offset += begin * strides[i];
        strides[i] *= every;
      }
      return new Slice(StackLayout.of(part, strides), offset);
    }
  }

  /** Fills a step's output with zeros. */
  private static final class Zeros implements Kernel {
    @Override
    public String kind() {
      return "zeros";
    }

    @Override
    public long operations() {
      return 0;
    }

    @Override
    public OperationCall.Bound bind(List<INDArray> inputs, INDArray output) {
      Pointer memory = output.data().addressPointer();
      long bytes = output.length() * output.dataType().width();
      return () -> Pointer.memset(memory, 0, bytes);
    }

    @Override
    public void close() {
      // Owns nothing.
    }
  }
}
