package org.ttame.core.engine;

import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ttame.core.Text;

/**
 * Where the time of plans goes: for each kind of operation how often it ran, how long, and how much
 * it computed. One profile may watch several runners. Not thread-safe.
 */
public final class EngineProfile {
  private final Map<String, Sum> sums = new LinkedHashMap<>();

  /**
   * What the operations of one kind came to.
   *
   * @param kind ND4J's name of the operation; of convolutions with kernel and stride
   * @param calls how often it ran
   * @param seconds how long
   * @param operations floating-point operations of convolutions and matrix products, 0 for others
   */
  public record Entry(String kind, long calls, double seconds, long operations) {
    /** Billions of floating-point operations a second; 0 for what only moves data. */
    public double gigaflops() {
      return seconds > 0 ? operations / seconds / 1e9 : 0;
    }
  }

  /** The kinds, slowest first. */
  public List<Entry> entries() {
    return sums.entrySet().stream()
        .map(
            e ->
                new Entry(
                    e.getKey(),
                    e.getValue().calls,
                    e.getValue().nanos / 1e9,
                    e.getValue().operations))
        .sorted(Comparator.comparingDouble(Entry::seconds).reversed())
        .toList();
  }

  /** Seconds in operations. */
  public double seconds() {
    return sums.values().stream().mapToLong(sum -> sum.nanos).sum() / 1e9;
  }

  /** Floating-point operations of convolutions and matrix products. */
  public long operations() {
    return sums.values().stream().mapToLong(sum -> sum.operations).sum();
  }

  void add(PlanStep step, long nanos) {
    Sum sum = sums.computeIfAbsent(kind(step), kind -> new Sum());
    sum.calls++;
    sum.nanos += nanos;
    sum.operations += StepArithmetic.of(step);
  }

  private static String kind(PlanStep step) {
    if (step.kernel != null || !step.kind().contains("conv2d")) {
      return step.kind();
    }
    long[] a = step.integerArguments();
    return Text.format("%s %d×%d/%d", step.kind(), a[0], a[1], a[2]);
  }

  private static final class Sum {
    private long calls;
    private long nanos;
    private long operations;
  }

  /** How many floating-point operations a step stands for; what only moves data counts nothing. */
  private static final class StepArithmetic {
    private StepArithmetic() {}

    /**
     * Counts a multiplication and an addition as two.
     *
     * @param step a step with known shapes
     * @return the operations of convolutions and matrix products; 0 for all other kinds
     */
    static long of(PlanStep step) {
      if (step.kernel != null) {
        return step.kernel.operations();
      }
      return switch (step.kind()) {
        // [B, H, W, I] ∗ [kH, kW, I, O] → [B, h, w, O]
        case "conv2d" -> 2 * step.outputs.get(0).length() * kernel(step, 1, 0, 1, 2);
        // shape, weights [kH, kW, I, O], gradient [B, h, w, O] → [B, H, W, I]
        case "deconv2d_tf" -> 2 * step.inputs.get(2).length() * kernel(step, 1, 0, 1, 2);
        // Both gradients of a convolution.
        case "conv2d_bp" ->
            4 * step.inputs.get(step.inputs.size() - 1).length() * kernel(step, 1, 0, 1, 2);
        case "matmul" -> 2 * step.outputs.get(0).length() * inner(step);
        default -> 0;
      };
    }

    private static long kernel(PlanStep step, int input, int... axes) {
      long product = 1;
      for (int axis : axes) {
        product *= step.inputs.get(input).shape[axis];
      }
      return product;
    }

    /**
     * What a product sums over: a matrix of x has that many elements for each row of the result.
     */
    private static long inner(PlanStep step) {
      PlanValue x = step.inputs.get(0);
      PlanValue z = step.outputs.get(0);
      long rows = z.length() / z.shape[z.shape.length - 1];
      return x.length() / rows;
    }
  }
}
