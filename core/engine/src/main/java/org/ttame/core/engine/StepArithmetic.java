package org.ttame.core.engine;

/** How many floating-point operations a step stands for; what only moves data counts nothing. */
final class StepArithmetic {
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

  /** What a product sums over: a matrix of x has that many elements for each row of the result. */
  private static long inner(PlanStep step) {
    PlanValue x = step.inputs.get(0);
    PlanValue z = step.outputs.get(0);
    long rows = z.length() / z.shape[z.shape.length - 1];
    return x.length() / rows;
  }
}
