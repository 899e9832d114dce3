package org.ttame.core.engine;

import java.util.List;
import java.util.Set;
import org.nd4j.linalg.api.ops.BaseScalarOp;
import org.nd4j.linalg.api.ops.BaseTransformOp;

/** Knows the operations whose output element depends on the input elements at its place alone. */
final class InPlace {
  private static final Set<String> ELEMENTWISE =
      Set.of(
          "add",
          "subtract",
          "multiply",
          "divide",
          "neg",
          "relu",
          "relu_bp",
          "tanh",
          "sigmoid",
          "exp",
          "log",
          "sqrt",
          "erf",
          "square",
          "abs");

  private InPlace() {}

  /** The inputs that a step may write over: of a kernel's, the first alone. */
  static List<PlanValue> candidates(PlanStep step) {
    return step.kernel != null ? step.inputs.subList(0, 1) : step.inputs;
  }

  /** Whether a step may write its output over an input of the same shape. */
  static boolean mayWriteOverInput(PlanStep step) {
    return (step.kernel != null && step.kernel.elementwise())
        || ELEMENTWISE.contains(step.kind())
        || ((step.op instanceof BaseTransformOp || step.op instanceof BaseScalarOp)
            && step.inputs.size() == 1);
  }
}
