package org.ttame.core.engine;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.ScalarOp;

/**
 * Computes activations and their gradients as one step each, where SameDiff makes several passes
 * over memory of them:
 *
 * <pre>
 *   swish       x·σ(x)             dx = g·σ(x) + σ'(x)·(g·x)
 *   hard swish  x·h(x)             dx = g·h(x) + [0 &lt; x/6 + 1/2 &lt; 1]·(g·x)/6,  h(x) = clip(x/6 + 1/2, 0, 1)
 *   gate        u + u·erf(u)       du = (g + g·erf(u)) + (g·u)·(2/√π)·exp(−u²)
 *   clip        min(max(x, a), b)  dx = [a &lt; x]·[x &lt; b]·g
 * </pre>
 *
 * <p>The gate is GELU but for scale: with s = √2·u it is √2·GELU(s), its derivative 2·GELU'(s);
 * scales before and behind it are taken in. The gradients of ReLU, sigmoid, clip and softmax are
 * computed from the output, so that the input need not be kept. Steps forwards are replaced only
 * together with those of the gradient; what has none is {@link OneDnnPass}'s.
 */
final class ActivationPass {
  private static final double TWO_BY_ROOT_PI = 2 / Math.sqrt(Math.PI);
  private static final double ROOT_HALF = Math.sqrt(0.5);

  private final DnnKernels kernels;
  private final StepIndex index;

  /** What stands in a step's place: another one, or null for none. */
  private final Map<PlanStep, PlanStep> instead = new HashMap<>();

  private ActivationPass(List<PlanStep> steps, Collection<PlanValue> kept, DnnKernels kernels) {
    this.kernels = kernels;
    this.index = new StepIndex(steps, kept);
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
    ActivationPass pass = new ActivationPass(steps, kept, kernels);
    for (PlanStep step : steps) {
      if (is(step, "add") && step.outputs.get(0).type == DataType.FLOAT) {
        pass.sum(step);
      }
    }
    for (PlanStep step : steps) {
      if (!pass.instead.containsKey(step) && step.outputs.get(0).type == DataType.FLOAT) {
        pass.single(step);
      }
    }
    return steps.stream()
        .map(step -> pass.instead.getOrDefault(step, step))
        .filter(Objects::nonNull)
        .toList();
  }

  // Products x·f(x), whose gradients are sums.

  private void sum(PlanStep end) {
    for (int i = 0; i < 2 && !instead.containsKey(end); i++) {
      PlanValue straight = end.inputs.get(i);
      PlanValue curved = end.inputs.get(1 - i);
      if (!swish(end, straight, curved) && !hardSwish(end, straight, curved)) {
        gate(end, straight, curved);
      }
    }
  }

  /** straight = g·σ(x), curved = sigmoid_bp(x, g·x). */
  private boolean swish(PlanStep end, PlanValue straight, PlanValue curved) {
    PlanStep inner = inner(curved, "sigmoid_bp", end);
    if (inner == null) {
      return false;
    }
    PlanValue x = inner.inputs.get(0);
    PlanStep tilted = inner(inner.inputs.get(1), "multiply", end);
    PlanStep sigmoid = reader(x, "sigmoid");
    return sigmoid != null
        && selfGated(
            end, straight, x, sigmoid, tilted, List.of(inner), List.of(), PostOperation.SWISH);
  }

  /**
   * straight = g·h(x), curved = (1/6)·([0 &lt; z]·[z &lt; 1]·(g·x)), z = x/6 + 1/2, h = clip(z).
   */
  private boolean hardSwish(PlanStep end, PlanValue straight, PlanValue curved) {
    PlanStep scale = inner(curved, "mul_scalar", end);
    Clipped clipped = isScalar(scale, 1.0 / 6) ? clipped(scale.inputs.get(0), 0, 1, end) : null;
    PlanStep shift = clipped == null ? null : index.maker(clipped.z());
    boolean shifted = is(shift, "add_scalar") && isScalar(shift, 0.5);
    PlanStep sixth = shifted ? index.maker(shift.inputs.get(0)) : null;
    PlanStep clip = clipped == null ? null : reader(clipped.z(), "ClipByValue");
    PlanStep tilted = clipped == null ? null : inner(clipped.g(), "multiply", end);
    if (clip == null
        || !isScaling(sixth, 1.0 / 6)
        || !index.isReadOnly(clipped.z(), 3)
        || index.readers(sixth.outputs.get(0)).size() != 1) {
      return false;
    }
    List<PlanStep> between = new ArrayList<>(clipped.steps());
    between.add(scale);
    return selfGated(
        end,
        straight,
        sixth.inputs.get(0),
        clip,
        tilted,
        between,
        List.of(sixth, shift),
        PostOperation.HARD_SWISH);
  }

  /**
   * Replaces x·f(x) and its gradient g·f(x) + f'(x)·(g·x).
   *
   * @param straight g·f(x)
   * @param function computes f(x)
   * @param tilted g·x
   * @param between the gradient's other steps
   * @param before the other steps of f
   */
  private boolean selfGated(
      PlanStep end,
      PlanValue straight,
      PlanValue x,
      PlanStep function,
      PlanStep tilted,
      List<PlanStep> between,
      List<PlanStep> before,
      PostOperation whole) {
    PlanValue value = function.outputs.get(0);
    PlanStep product = inner(straight, "multiply", end);
    PlanStep forward = forward(x, value, function, product);
    PlanValue g = product == null ? null : operand(product, value);
    boolean matches =
        forward != null
            && g != null
            && tilted != null
            && other(tilted, x) == g.root()
            && index.isReadOnly(value, 2)
            && OneDnnPass.dense(x)
            && OneDnnPass.dense(g);
    if (!matches) {
      return false;
    }
    try {
      PlanStep back =
          end.replaced(
              types -> kernels.elementwise(types.uniform()).gradient(whole, x.length()),
              List.of(x, g),
              end.outputs.get(0));
      PlanStep gated = functionStep(forward, x, List.of(whole));
      between.forEach(step -> instead.put(step, null));
      before.forEach(step -> instead.put(step, null));
      List.of(tilted, product, function).forEach(step -> instead.put(step, null));
      instead.put(forward, gated);
      instead.put(end, back);
      return true;
    } catch (OneDnn.UnsupportedException e) {
      return false;
    }
  }

  /** The product of x and f(x) forwards: what reads f(x) beside the gradient. */
  private PlanStep forward(PlanValue x, PlanValue value, PlanStep function, PlanStep gradient) {
    return index.readers(value).stream()
        .filter(reader -> reader != gradient && is(reader, "multiply"))
        .filter(reader -> reader.late == function.late && other(reader, value) == x.root())
        .filter(reader -> !instead.containsKey(reader))
        .findFirst()
        .orElse(null);
  }

  private PlanStep functionStep(PlanStep end, PlanValue x, List<PostOperation> functions) {
    PlanValue result = end.outputs.get(0);
    PlanStep step =
        end.replaced(
            types -> kernels.elementwise(types.output()).sequence(result.shape, functions, types),
            List.of(x),
            result);
    step.functions = functions;
    return step;
  }

  // The gate u + u·erf(u).

  private void gate(PlanStep end, PlanValue straight, PlanValue curved) {
    GateGradient gradient = gateGradient(end, straight, curved);
    if (gradient == null) {
      return;
    }
    PlanStep erf = gradient.erf();
    for (PlanStep sum : index.readers(gradient.u())) {
      PlanValue side = is(sum, "add") && sum.late == erf.late ? other(sum, gradient.u()) : null;
      PlanStep product = side == null ? null : inner(side, "multiply", sum);
      if (product != null
          && other(product, gradient.u()) == erf.outputs.get(0).root()
          // Read by this product, and by the gradient's.
          && index.isReadOnly(erf.outputs.get(0), 2)
          && !instead.containsKey(sum)) {
        replaceGate(end, gradient, product, sum);
        return;
      }
    }
  }

  /** A gradient's parts: u, erf(u), g, and the steps that go. */
  private record GateGradient(PlanValue u, PlanStep erf, PlanValue g, List<PlanStep> between) {}

  /** straight = g + g·erf(u), curved = k·(g·u) with k = (2/√π)·exp(−u·u). */
  private GateGradient gateGradient(PlanStep end, PlanValue straight, PlanValue curved) {
    PlanStep sum = inner(straight, "add", end);
    PlanStep product = inner(curved, "multiply", end);
    if (sum == null || product == null) {
      return null;
    }
    for (int i = 0; i < 2; i++) {
      PlanValue g = sum.inputs.get(i);
      PlanStep scaled = inner(sum.inputs.get(1 - i), "multiply", end);
      PlanValue second = scaled == null ? null : other(scaled, g);
      PlanStep erf = second == null ? null : index.maker(second);
      for (int j = 0; j < 2 && erf != null && is(erf, "erf"); j++) {
        PlanValue u = erf.inputs.get(0);
        List<PlanStep> bell = bell(product.inputs.get(j), u, end);
        PlanStep tilted = inner(product.inputs.get(1 - j), "multiply", end);
        boolean dense = OneDnnPass.dense(u) && OneDnnPass.dense(g);
        if (dense && bell != null && tilted != null && other(tilted, g) == u.root()) {
          List<PlanStep> between = new ArrayList<>(bell);
          between.addAll(List.of(sum, product, scaled, tilted));
          return new GateGradient(u, erf, g, between);
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

  private void replaceGate(PlanStep end, GateGradient gradient, PlanStep product, PlanStep sum) {
    List<PlanStep> gone = new ArrayList<>(gradient.between());
    gone.addAll(List.of(gradient.erf(), product));
    PlanValue x = gradient.u();
    PlanValue g = gradient.g();
    PlanStep last = end;
    List<PostOperation> functions = PostOperation.ERF_GATE;
    double factor = 2;
    // u = x/√2, and nobody else reads u: GELU of x itself.
    PlanStep before = index.maker(x);
    PlanValue result = end.outputs.get(0);
    PlanStep behind = index.isReadOnce(result) ? index.readers(result).get(0) : null;
    boolean scaled =
        isScaling(before, ROOT_HALF)
            && OneDnnPass.dense(before.inputs.get(0))
            && !index.isKept(x)
            && index.readers(x).stream().allMatch(step -> step == sum || gone.contains(step))
            && isScaling(behind, ROOT_HALF)
            && behind.late == end.late;
    if (scaled) {
      x = before.inputs.get(0);
      functions = PostOperation.ERF_GATE.subList(1, 2);
      gone.addAll(List.of(before, end));
      last = behind;
      factor *= ROOT_HALF;
    }
    PlanStep made = index.maker(g);
    boolean gradientScaled =
        isScaling(made, ROOT_HALF)
            && OneDnnPass.dense(made.inputs.get(0))
            && !index.isKept(g)
            && gone.containsAll(index.readers(g));
    if (gradientScaled) {
      g = made.inputs.get(0);
      gone.add(made);
      factor *= ROOT_HALF;
    }
    try {
      long length = x.length();
      double inner = scaled ? 1 : Math.sqrt(2);
      double outer = factor;
      PlanStep back =
          last.replaced(
              types -> kernels.elementwise(types.uniform()).geluGradient(length, inner, outer),
              List.of(x, g),
              last.outputs.get(0));
      PlanStep forward = functionStep(sum, x, functions);
      gone.forEach(step -> instead.put(step, null));
      instead.put(sum, forward);
      instead.put(last, back);
    } catch (OneDnn.UnsupportedException e) {
      // The steps stay.
    }
  }

  // Gradients of one function, computed from its output.

  private void single(PlanStep step) {
    if (step.kernel != null || step.outputs.size() != 1) {
      return;
    }
    PlanValue result = step.outputs.get(0);
    try {
      switch (step.kind()) {
        case "sigmoid_bp" -> {
          PlanStep sigmoid = reader(step.inputs.get(0), "sigmoid");
          if (sigmoid != null) {
            fromOutput(step, PostOperation.SIGMOID, step.inputs.get(1), sigmoid.outputs.get(0));
          }
        }
        case "softmax" -> {
          if (isLastAxis(step) && OneDnnPass.dense(step.inputs.get(0))) {
            replace(
                step, kernels.rows(result.type).softmax(result.shape), List.of(step.inputs.get(0)));
          }
        }
        case "softmax_bp" -> {
          PlanStep softmax = reader(step.inputs.get(0), "softmax");
          PlanValue g = step.inputs.get(1);
          if (softmax != null
              && isLastAxis(step)
              && isLastAxis(softmax)
              && softmax.outputs.get(0).sameShape(result)
              && g.sameShape(result)
              && OneDnnPass.dense(g)
              && OneDnnPass.dense(softmax.outputs.get(0))) {
            replace(
                step,
                kernels.rows(result.type).softmaxGradient(result.shape),
                List.of(g, softmax.outputs.get(0)));
          }
        }
        case "multiply" -> clipGradient(step);
        default -> {}
      }
    } catch (OneDnn.UnsupportedException e) {
      // The step stays.
    }
  }

  private boolean fromOutput(PlanStep step, PostOperation function, PlanValue g, PlanValue output) {
    boolean fits =
        g.sameShape(step.outputs.get(0))
            && g.sameShape(output)
            && OneDnnPass.dense(g)
            && OneDnnPass.dense(output);
    if (fits) {
      replace(
          step,
          types -> kernels.elementwise(types.uniform()).gradientFromOutput(function, g.length()),
          List.of(g, output));
    }
    return fits;
  }

  private void clipGradient(PlanStep step) {
    Clipped clipped = clipped(step.outputs.get(0), Double.NaN, Double.NaN, step);
    PlanStep clip = clipped == null ? null : reader(clipped.z(), "ClipByValue");
    PostOperation function = clip == null ? null : PostOperation.ofFunction(clip);
    if (function != null
        && function.alpha() == (float) clipped.low()
        && function.beta() == (float) clipped.high()
        && fromOutput(step, function, clipped.g(), clip.outputs.get(0))) {
      clipped.steps().forEach(part -> instead.put(part, null));
    }
  }

  private void replace(PlanStep step, Kernel kernel, List<PlanValue> inputs) {
    instead.put(step, step.replaced(kernel, inputs, step.outputs.get(0)));
  }

  private void replace(PlanStep step, ArrayTypes.Maker maker, List<PlanValue> inputs) {
    instead.put(step, step.replaced(maker, inputs, step.outputs.get(0)));
  }

  private static boolean isLastAxis(PlanStep step) {
    long[] axis = step.integerArguments();
    int last = step.outputs.get(0).shape.length - 1;
    return axis.length == 0 || axis[0] == -1 || axis[0] == last;
  }

  /** The product [low &lt; z]·[z &lt; high]·g: its parts and the steps that make it. */
  private record Clipped(PlanValue z, PlanValue g, double low, double high, List<PlanStep> steps) {}

  /**
   * The gradient of a clipped value.
   *
   * @param low the limit that is expected; any if it is not a number
   */
  private Clipped clipped(PlanValue value, double low, double high, PlanStep end) {
    PlanStep product =
        end.outputs.get(0) == value && is(end, "multiply") ? end : inner(value, "multiply", end);
    for (int i = 0; product != null && i < 2 && product.inputs.size() == 2; i++) {
      PlanStep masks = inner(product.inputs.get(i), "multiply", end);
      PlanStep first = masks == null ? null : inner(masks.inputs.get(0), "cast", end);
      PlanStep second = masks == null ? null : inner(masks.inputs.get(1), "cast", end);
      PlanStep above = first == null ? null : inner(first.inputs.get(0), "greaterthan_scalar", end);
      PlanStep below = second == null ? null : inner(second.inputs.get(0), "lessthan_scalar", end);
      if (above == null || below == null) {
        continue;
      }
      double from = scalar(above);
      double to = scalar(below);
      boolean expected = (Double.isNaN(low) || low == from) && (Double.isNaN(high) || high == to);
      if (expected && above.inputs.get(0).root() == below.inputs.get(0).root()) {
        List<PlanStep> parts = new ArrayList<>(List.of(masks, first, second, above, below));
        if (product != end) {
          parts.add(product);
        }
        return new Clipped(above.inputs.get(0), product.inputs.get(1 - i), from, to, parts);
      }
    }
    return null;
  }

  // What reads and makes what.

  /** The first step of a kind that reads a value, and whose output still exists. */
  private PlanStep reader(PlanValue value, String kind) {
    return index.readers(value).stream()
        .filter(step -> is(step, kind) && instead.getOrDefault(step, step) != null)
        .findFirst()
        .orElse(null);
  }

  /** What makes a value that nobody but one step of the same length reads, if it is of a kind. */
  private PlanStep inner(PlanValue value, String kind, PlanStep reader) {
    PlanStep maker = index.maker(value);
    boolean own =
        is(maker, kind)
            && index.isReadOnce(value)
            && value.length() == reader.outputs.get(0).length()
            && !instead.containsKey(maker);
    return own ? maker : null;
  }

  /** The root of a step's input that is not the given one; null if that is none of the two. */
  private static PlanValue other(PlanStep step, PlanValue given) {
    PlanValue operand = operand(step, given);
    return operand == null ? null : operand.root();
  }

  private static PlanValue operand(PlanStep step, PlanValue given) {
    if (step.inputs.size() != 2) {
      return null;
    }
    if (step.inputs.get(0).root() == given.root()) {
      return step.inputs.get(1);
    }
    return step.inputs.get(1).root() == given.root() ? step.inputs.get(0) : null;
  }

  private static boolean is(PlanStep step, String kind) {
    return step != null
        && step.kernel == null
        && step.outputs.size() == 1
        && step.kind().equals(kind);
  }

  private static boolean isScaling(PlanStep step, double factor) {
    return is(step, "mul_scalar") && isScalar(step, factor);
  }

  private static boolean isScalar(PlanStep step, double value) {
    return step != null && Math.abs(scalar(step) - value) < 1e-6;
  }

  private static double scalar(PlanStep step) {
    return step.op instanceof ScalarOp op && op.scalar() != null
        ? op.scalar().getDouble(0)
        : Double.NaN;
  }
}
