package org.ttame.core.engine;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.ScalarOp;

/**
 * Computes the gate f(u) = u + u·erf(u), GELU but for scale, and its gradient as one step each.
 *
 * <p>Where a gradient is asked for, SameDiff keeps erf(u) and makes ten passes over memory of
 *
 * <pre>
 *   f'(u)·g = (g + g·erf(u)) + (g·u)·(2/√π)·exp(−u²)
 * </pre>
 *
 * <p>With s = √2·u the gate is √2·GELU(s), and f'(u) = 2·GELU'(s), which oneDNN has. Both are
 * replaced, or neither: then nobody reads erf(u).
 */
final class GatePass {
  private static final double TWO_BY_ROOT_PI = 2 / Math.sqrt(Math.PI);

  private final List<PlanStep> steps;
  private final DnnKernels kernels;
  private final Set<PlanValue> kept = new HashSet<>();
  private final Map<PlanValue, Integer> reads = new HashMap<>();
  private final Map<PlanValue, PlanStep> makers = new HashMap<>();

  /** What stands in a step's place: another one, or null for none. */
  private final Map<PlanStep, PlanStep> instead = new HashMap<>();

  private GatePass(List<PlanStep> steps, Collection<PlanValue> kept, DnnKernels kernels) {
    this.steps = steps;
    this.kernels = kernels;
    kept.forEach(value -> this.kept.add(value.root()));
    for (PlanStep step : steps) {
      step.inputs.forEach(input -> reads.merge(input.root(), 1, Integer::sum));
      if (step.outputs.size() == 1) {
        makers.put(step.outputs.get(0).root(), step);
      }
    }
  }

  /**
   * Rewrites.
   *
   * @param steps in order
   * @param kept values that must exist at the end
   * @param kernels makes kernels
   * @return the steps that remain, in order
   */
  static List<PlanStep> apply(
      List<PlanStep> steps, Collection<PlanValue> kept, DnnKernels kernels) {
    GatePass pass = new GatePass(steps, kept, kernels);
    steps.forEach(pass::differentiate);
    List<PlanStep> rest = new ArrayList<>();
    for (PlanStep step : steps) {
      PlanStep next = pass.instead.getOrDefault(step, step);
      if (next != null) {
        rest.add(next);
      }
    }
    return rest;
  }

  /** The gate of a gradient that ends in a sum, and its way forwards. */
  private void differentiate(PlanStep sum) {
    if (!is(sum, "add") || sum.outputs.get(0).type != DataType.FLOAT) {
      return;
    }
    for (int i = 0; i < 2; i++) {
      Gradient gradient = match(sum, sum.inputs.get(i), sum.inputs.get(1 - i));
      Forward forward = gradient == null ? null : forward(gradient);
      if (forward != null) {
        replace(sum, gradient, forward);
        return;
      }
    }
  }

  /** A gradient's parts: u, erf(u), g, and the steps that go. */
  private record Gradient(PlanValue u, PlanStep erf, PlanValue g, List<PlanStep> between) {}

  /** The way forwards: u·erf(u) and the sum. */
  private record Forward(PlanStep product, PlanStep sum) {}

  private Gradient match(PlanStep end, PlanValue straight, PlanValue curved) {
    // straight = g + g·erf(u), curved = k·(g·u) with k = (2/√π)·exp(−u·u)
    PlanStep sum = inner(straight, "add", end);
    PlanStep product = inner(curved, "multiply", end);
    if (sum == null || product == null) {
      return null;
    }
    for (int i = 0; i < 2; i++) {
      PlanValue g = sum.inputs.get(i);
      PlanStep scaled = inner(sum.inputs.get(1 - i), "multiply", end);
      PlanStep erf = scaled == null ? null : makers.get(other(scaled, g));
      for (int j = 0; j < 2 && erf != null && is(erf, "erf"); j++) {
        PlanValue u = erf.inputs.get(0);
        List<PlanStep> bell = bell(product.inputs.get(j), u, end);
        PlanStep tilted = inner(product.inputs.get(1 - j), "multiply", end);
        boolean dense = OneDnnPass.dense(u) && OneDnnPass.dense(g);
        if (dense && bell != null && tilted != null && other(tilted, g) == u.root()) {
          List<PlanStep> between = new ArrayList<>(bell);
          between.addAll(List.of(sum, product, scaled, tilted));
          return new Gradient(u, erf, g, between);
        }
      }
    }
    return null;
  }

  /** The steps of (2/√π)·exp(−u·u), or null if a value is something else. */
  private List<PlanStep> bell(PlanValue value, PlanValue u, PlanStep end) {
    PlanStep scale = inner(value, "mul_scalar", end);
    PlanStep exp = isScalar(scale, TWO_BY_ROOT_PI) ? inner(scale.inputs.get(0), "exp", end) : null;
    PlanStep minus = exp == null ? null : inner(exp.inputs.get(0), "mul_scalar", end);
    PlanStep square = isScalar(minus, -1) ? inner(minus.inputs.get(0), "multiply", end) : null;
    boolean squares = square != null && other(square, u) == u.root();
    return squares ? List.of(scale, exp, minus, square) : null;
  }

  private Forward forward(Gradient gradient) {
    PlanStep erf = gradient.erf();
    for (PlanStep sum : steps) {
      if (!is(sum, "add") || sum.late != erf.late) {
        continue;
      }
      PlanValue side = other(sum, gradient.u());
      PlanStep product = side == null ? null : makers.get(side);
      if (product != null
          && inner(side, "multiply", sum) == product
          && other(product, gradient.u()) == erf.outputs.get(0).root()
          // Read by this product, and by the gradient's.
          && reads.getOrDefault(erf.outputs.get(0).root(), 0) == 2
          && !kept.contains(erf.outputs.get(0).root())
          && !instead.containsKey(sum)) {
        return new Forward(product, sum);
      }
    }
    return null;
  }

  private void replace(PlanStep end, Gradient gradient, Forward forward) {
    try {
      long length = gradient.u().length();
      PlanStep gate =
          new PlanStep(
              forward.sum().name,
              kernels.gate(length),
              List.of(gradient.u()),
              forward.sum().outputs.get(0));
      gate.late = forward.sum().late;
      PlanStep back =
          new PlanStep(
              end.name,
              kernels.gateGradient(length),
              List.of(gradient.u(), gradient.g()),
              end.outputs.get(0));
      back.late = end.late;
      gradient.between().forEach(step -> instead.put(step, null));
      instead.put(gradient.erf(), null);
      instead.put(forward.product(), null);
      instead.put(forward.sum(), gate);
      instead.put(end, back);
    } catch (OneDnn.UnsupportedException e) {
      // The steps stay.
    }
  }

  /** What makes a value that nobody but one step of the same length reads, if it is of a kind. */
  private PlanStep inner(PlanValue value, String kind, PlanStep reader) {
    PlanStep maker = makers.get(value.root());
    boolean own =
        maker != null
            && is(maker, kind)
            && reads.getOrDefault(value.root(), 0) == 1
            && !kept.contains(value.root())
            && value.length() == reader.outputs.get(0).length()
            && !instead.containsKey(maker);
    return own ? maker : null;
  }

  /** The root of a step's input that is not the given one; null if that is none of the two. */
  private static PlanValue other(PlanStep step, PlanValue given) {
    if (step.inputs.size() != 2) {
      return null;
    }
    if (step.inputs.get(0).root() == given.root()) {
      return step.inputs.get(1).root();
    }
    return step.inputs.get(1).root() == given.root() ? step.inputs.get(0).root() : null;
  }

  private static boolean is(PlanStep step, String kind) {
    return step.kernel == null && step.outputs.size() == 1 && step.kind().equals(kind);
  }

  private static boolean isScalar(PlanStep step, double value) {
    return step != null
        && step.op instanceof ScalarOp op
        && op.scalar() != null
        && Math.abs(op.scalar().getDouble(0) - value) < 1e-6;
  }
}
