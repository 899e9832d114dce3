package org.ttame.core.engine;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.ScalarOp;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Computes layer normalisation over rows and its gradient as one step each, where the graph takes
 * eight passes over memory and SameDiff's gradient another dozen:
 *
 * <pre>
 *   c = x − x·a    r = 1/√((c∘c)·a + ε)    n = c∘r    y = n∘w + b      a: a column of 1/C
 *   dx = r·(dn − mean(dn) − n·mean(dn∘n))                               dn = dy∘w
 * </pre>
 *
 * <p>A normalisation whose inner values are read by anything else stays as it is. Weights that are
 * not frozen stay steps of their own, behind n. The gradient takes the statistics of x again: that
 * costs less than keeping c until then.
 */
final class NormalisationPass {
  private final DnnRows kernels;
  private final List<INDArray> fixedArrays;
  private final StepIndex index;
  private final Map<PlanStep, PlanStep> instead = new HashMap<>();
  private final Set<PlanStep> dropped = new HashSet<>();

  private NormalisationPass(StepIndex index, DnnRows kernels, List<INDArray> fixedArrays) {
    this.index = index;
    this.kernels = kernels;
    this.fixedArrays = fixedArrays;
  }

  /**
   * Rewrites SameDiff's own steps, before {@link GradientPass}.
   *
   * @param kept values that must exist at the end
   * @param kernels makes kernels
   * @param gradients whether to replace those that have a gradient; in bfloat16 their centred
   *     values are kept for it, in half the memory of x
   * @param fixedArrays receives weights; closed with the plan
   * @return the steps that remain, in order
   */
  static List<PlanStep> apply(
      List<PlanStep> steps,
      Collection<PlanValue> kept,
      DnnKernels kernels,
      boolean gradients,
      List<INDArray> fixedArrays) {
    NormalisationPass pass =
        new NormalisationPass(
            new StepIndex(steps, kept), kernels.rows(DataType.FLOAT), fixedArrays);
    for (PlanStep step : steps) {
      if (pass.is(step, "rsqrt")) {
        pass.replace(step, gradients);
      }
    }
    List<PlanStep> rest = new ArrayList<>();
    for (PlanStep step : steps) {
      if (!pass.dropped.contains(step)) {
        rest.add(pass.instead.getOrDefault(step, step));
      }
    }
    return rest;
  }

  /** The steps of a normalisation without its weights; n is the output of {@code normed}. */
  private record Forward(
      PlanStep mean,
      PlanStep centre,
      PlanStep square,
      PlanStep variance,
      PlanStep shifted,
      PlanStep root,
      PlanStep normed) {
    PlanValue x() {
      return centre.inputs.get(0);
    }

    PlanValue c() {
      return centre.outputs.get(0);
    }

    PlanValue r() {
      return root.outputs.get(0);
    }

    PlanValue n() {
      return normed.outputs.get(0);
    }

    List<PlanStep> inner() {
      return List.of(mean, centre, square, variance, shifted, root);
    }
  }

  /**
   * The steps of its gradient.
   *
   * @param back from the gradient of n to those of c and r
   * @param joined gives the gradient of x, as far as it does not go through the mean
   * @param through gives the rest of it
   * @param sum adds that rest to something
   * @param inner all others
   */
  private record Backward(
      PlanStep back, PlanStep joined, PlanStep through, PlanStep sum, List<PlanStep> inner) {}

  private void replace(PlanStep root, boolean gradients) {
    Forward forward = forward(root);
    PlanStep back = forward == null ? null : reader(forward.r(), "multiply_bp");
    if (forward == null || (back != null && !gradients)) {
      return;
    }
    Backward backward = back == null ? null : backward(forward, back);
    int readings = backward == null ? 1 : 2;
    boolean own =
        (back == null) == (backward == null)
            && index.isReadOnly(forward.c(), 3 * readings)
            && index.isReadOnly(forward.r(), readings)
            && index.isReadOnly(forward.mean().outputs.get(0), readings)
            && index.isReadOnly(forward.square().outputs.get(0), readings)
            && index.isReadOnly(forward.variance().outputs.get(0), 1)
            && index.isReadOnly(forward.shifted().outputs.get(0), readings);
    if (own) {
      replace(forward, backward);
    }
  }

  private void replace(Forward forward, Backward backward) {
    PlanValue x = forward.x();
    double eps = ((ScalarOp) forward.shifted().op).scalar().getDouble(0);
    Affine affine = affine(forward.n());
    PlanStep last = affine == null ? forward.normed() : affine.sum();
    Kernel gradient = null;
    Kernel kernel;
    try {
      gradient = backward == null ? null : kernels.normalisationGradient(x.shape, eps);
      kernel = kernels.normalisation(x.shape, eps, affine == null ? null : weights(affine));
    } catch (OneDnn.UnsupportedException e) {
      if (gradient != null) {
        gradient.close();
      }
      return;
    }
    dropped.addAll(forward.inner());
    dropped.add(forward.normed());
    if (affine != null) {
      drop(affine);
    }
    dropped.remove(last);
    instead.put(last, last.replaced(kernel, List.of(x), last.outputs.get(0)));
    if (backward != null) {
      dropped.add(backward.back());
      dropped.addAll(backward.inner());
      dropped.add(backward.through());
      dropped.add(backward.sum());
      PlanValue dx = backward.joined().outputs.get(0);
      PlanValue dn = backward.back().inputs.get(2);
      instead.put(backward.joined(), backward.joined().replaced(gradient, List.of(x, dn), dx));
      PlanValue rest = backward.through().outputs.get(0);
      backward.sum().outputs.get(0).base = other(backward.sum(), rest);
    }
  }

  private Forward forward(PlanStep root) {
    PlanStep shifted = maker(root, 0, "add_scalar");
    PlanStep variance = maker(shifted, 0, "matmul");
    PlanStep square = maker(variance, 0, "multiply");
    PlanStep centre = maker(square, 0, "subtract");
    PlanStep mean = maker(centre, 1, "matmul");
    PlanStep normed = reader(root.outputs.get(0), "multiply");
    if (mean == null || normed == null) {
      return null;
    }
    Forward forward = new Forward(mean, centre, square, variance, shifted, root, normed);
    PlanValue x = forward.x();
    PlanValue c = forward.c();
    boolean fits =
        x.shape.length == 2
            && OneDnnPass.dense(x)
            && c.sameShape(x)
            && reads(mean, x, null)
            && averages(mean, x)
            && reads(square, c, c)
            && averages(variance, x)
            && reads(normed, c, forward.r())
            && ((ScalarOp) shifted.op).scalar() != null;
    return fits ? forward : null;
  }

  /** Whether a step multiplies rows by a column of 1/C. */
  private static boolean averages(PlanStep step, PlanValue rows) {
    PlanValue column = step.inputs.get(1);
    long width = rows.shape[1];
    boolean plain = true;
    for (long flag : step.integerArguments()) {
      plain &= flag == 0;
    }
    if (!plain
        || !OneDnnPass.isPlainProduct(step)
        || !OneDnnPass.frozen(column)
        || column.shape.length != 2
        || column.shape[0] != width
        || column.shape[1] != 1) {
      return false;
    }
    float share = (float) (1.0 / width);
    return column.fixed.minNumber().floatValue() == share
        && column.fixed.maxNumber().floatValue() == share;
  }

  /** SameDiff's gradient of n, or null where it has another form. */
  private Backward backward(Forward forward, PlanStep back) {
    if (!reads(back, forward.c(), forward.r()) || back.outputs.size() != 2) {
      return null;
    }
    PlanStep power = reader(forward.shifted().outputs.get(0), "pow");
    PlanStep factor = power == null ? null : reader(power.outputs.get(0), "mul_scalar");
    PlanStep inverse = factor == null ? null : reader(factor.outputs.get(0), "multiply");
    PlanStep spread = reader(forward.square().outputs.get(0), "matmul_bp");
    PlanStep squared = spread == null ? null : reader(spread.outputs.get(0), "multiply_bp");
    PlanStep joined = reader(forward.mean().outputs.get(0), "subtract_bp");
    PlanStep through = joined == null ? null : reader(joined.outputs.get(1), "matmul_bp");
    PlanStep sum = through == null ? null : reader(through.outputs.get(0), "add");
    if (inverse == null || squared == null || sum == null) {
      return null;
    }
    PlanStep first = reader(back.outputs.get(0), "add");
    PlanStep second = first == null ? null : reader(first.outputs.get(0), "add");
    boolean fits =
        second != null
            && scalar(power) == -1.5
            && scalar(factor) == -0.5
            && reads(inverse, back.outputs.get(1), factor.outputs.get(0))
            && reads(spread, forward.square().outputs.get(0), null)
            && spread.inputs.get(2).root() == inverse.outputs.get(0).root()
            && reads(squared, forward.c(), forward.c())
            && reads(first, back.outputs.get(0), squared.outputs.get(0))
            && reads(second, first.outputs.get(0), squared.outputs.get(1))
            && reads(joined, forward.x(), forward.mean().outputs.get(0))
            && joined.inputs.get(2).root() == second.outputs.get(0).root()
            && reads(through, forward.x(), null)
            && through.inputs.get(2).root() == joined.outputs.get(1).root()
            && joined.outputs.get(0).sameShape(forward.x())
            && sum.outputs.get(0).sameShape(forward.x())
            && other(sum, through.outputs.get(0)).sameShape(forward.x())
            && index.readers(spread.outputs.get(1)).isEmpty()
            && index.readers(through.outputs.get(1)).isEmpty();
    List<PlanStep> inner = List.of(power, factor, inverse, spread, squared, first, second);
    return fits && own(inner, back, joined, through) && fitsGradient(forward, back.inputs.get(2))
        ? new Backward(back, joined, through, sum, inner)
        : null;
  }

  private static boolean fitsGradient(Forward forward, PlanValue dn) {
    return dn.sameShape(forward.x()) && OneDnnPass.dense(dn);
  }

  /** Whether what the steps compute is read where it is known to be, and nowhere else. */
  private boolean own(List<PlanStep> inner, PlanStep back, PlanStep joined, PlanStep through) {
    List<PlanValue> values = new ArrayList<>(back.outputs);
    inner.forEach(step -> values.add(step.outputs.get(0)));
    values.add(joined.outputs.get(1));
    values.add(through.outputs.get(0));
    return values.stream().allMatch(index::isReadOnce);
  }

  /**
   * What weights do to n.
   *
   * @param scaledBack the gradient of {@code scaled}, or null if there is none
   * @param sumBack the gradient of {@code sum}, or null if there is none
   */
  private record Affine(PlanStep scaled, PlanStep sum, PlanStep scaledBack, PlanStep sumBack) {}

  /** n∘w + b with frozen weights, if nobody else reads n; otherwise null. */
  private Affine affine(PlanValue n) {
    PlanStep scaled = reader(n, "multiply");
    PlanStep sum = scaled == null ? null : reader(scaled.outputs.get(0), "add");
    if (sum == null || !row(scaled, n) || !row(sum, scaled.outputs.get(0))) {
      return null;
    }
    PlanStep scaledBack = reader(n, "multiply_bp");
    PlanStep sumBack = reader(scaled.outputs.get(0), "add_bp");
    int readings = scaledBack == null ? 1 : 2;
    boolean own =
        (scaledBack == null) == (sumBack == null)
            && index.isReadOnly(n, readings)
            && index.isReadOnly(scaled.outputs.get(0), readings)
            && (scaledBack == null
                || (goesBack(scaledBack, scaled)
                    && goesBack(sumBack, sum)
                    && scaledBack.inputs.get(2).root() == sumBack.outputs.get(0)
                    && index.isReadOnce(sumBack.outputs.get(0))));
    return own ? new Affine(scaled, sum, scaledBack, sumBack) : null;
  }

  /** Whether a step combines a value with one frozen number a column. */
  private static boolean row(PlanStep step, PlanValue value) {
    PlanValue row = step.inputs.get(1);
    return reads(step, value, null)
        && step.outputs.get(0).sameShape(value)
        && OneDnnPass.frozen(row)
        && row.length() == value.shape[1]
        && row.channels() == value.shape[1];
  }

  /** Whether a gradient is that of a step, by its first operand alone. */
  private boolean goesBack(PlanStep gradient, PlanStep step) {
    PlanValue dx = gradient.outputs.get(0);
    return reads(gradient, step.inputs.get(0), step.inputs.get(1))
        && gradient.inputs.get(2).sameShape(dx)
        && index.readers(gradient.outputs.get(1)).isEmpty()
        && !index.isKept(gradient.outputs.get(1));
  }

  private void drop(Affine affine) {
    dropped.add(affine.scaled());
    dropped.add(affine.sum());
    if (affine.scaledBack() != null) {
      dropped.add(affine.sumBack());
      PlanStep back = affine.scaledBack();
      PlanValue dy = affine.sumBack().inputs.get(2);
      instead.put(
          back,
          back.replaced(
              DynamicCustomOp.builder("multiply").build(),
              List.of(dy, affine.scaled().inputs.get(1)),
              back.outputs.get(0)));
    }
  }

  /** {@code [2, C]}: w above b. */
  private INDArray weights(Affine affine) {
    INDArray scale = affine.scaled().inputs.get(1).fixed;
    INDArray weights = Nd4j.create(DataType.FLOAT, 2, scale.length());
    weights.putRow(0, scale.reshape(scale.length()));
    INDArray shift = affine.sum().inputs.get(1).fixed;
    weights.putRow(1, shift.reshape(shift.length()));
    fixedArrays.add(weights);
    return weights;
  }

  // What makes and reads what.

  private PlanStep maker(PlanStep step, int input, String kind) {
    PlanStep maker = step == null ? null : index.maker(step.inputs.get(input));
    return is(maker, kind) ? maker : null;
  }

  /** The first step of a kind that reads a value. */
  private PlanStep reader(PlanValue value, String kind) {
    return index.readers(value).stream().filter(step -> is(step, kind)).findFirst().orElse(null);
  }

  private boolean is(PlanStep step, String kind) {
    return step != null
        && step.kernel == null
        && step.kind().equals(kind)
        && !dropped.contains(step)
        && !instead.containsKey(step);
  }

  /** Whether a step's first inputs are these; null stands for any. */
  private static boolean reads(PlanStep step, PlanValue first, PlanValue second) {
    return step.inputs.size() > 1
        && isSame(step.inputs.get(0), first)
        && isSame(step.inputs.get(1), second);
  }

  private static boolean isSame(PlanValue value, PlanValue expected) {
    return expected == null || (value.root() == expected.root() && value.sameShape(expected));
  }

  private static PlanValue other(PlanStep sum, PlanValue summand) {
    return sum.inputs.get(sum.inputs.get(0).root() == summand.root() ? 1 : 0);
  }

  private static double scalar(PlanStep step) {
    return step.op instanceof ScalarOp op && op.scalar() != null
        ? op.scalar().getDouble(0)
        : Double.NaN;
  }
}
