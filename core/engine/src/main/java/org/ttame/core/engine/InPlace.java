package org.ttame.core.engine;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.linalg.api.ops.BaseScalarOp;
import org.nd4j.linalg.api.ops.BaseTransformOp;

/** Operations whose output element depends on the input elements at its place alone. */
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

  /** Lets an elementwise step write over an input that nobody reads afterwards. */
  static void apply(List<PlanStep> steps, Collection<PlanValue> kept) {
    Map<PlanValue, Integer> lastRead = new HashMap<>();
    for (int i = 0; i < steps.size(); i++) {
      for (PlanValue input : steps.get(i).inputs) {
        lastRead.put(input.root(), i);
      }
    }
    Set<PlanValue> keptRoots = new HashSet<>();
    kept.forEach(value -> keptRoots.add(value.root()));
    for (int i = 0; i < steps.size(); i++) {
      PlanStep step = steps.get(i);
      if (step.outputs.size() != 1 || !mayWriteOverInput(step)) {
        continue;
      }
      PlanValue output = step.outputs.get(0);
      if (keptRoots.contains(output.root()) || output.base != null) {
        continue;
      }
      for (PlanValue input : candidates(step)) {
        PlanValue root = input.root();
        if (root.kind == PlanValue.Kind.COMPUTED
            && !keptRoots.contains(root)
            && lastRead.get(root) == i
            && input.sameShape(output)) {
          output.base = input;
          lastRead.put(root, lastRead.getOrDefault(output, i));
          break;
        }
      }
    }
  }

  /** The inputs that a step may write over: of a kernel's, the first alone. */
  private static List<PlanValue> candidates(PlanStep step) {
    return step.kernel != null ? step.inputs.subList(0, 1) : step.inputs;
  }

  /** Whether a step may write its output over an input of the same shape. */
  private static boolean mayWriteOverInput(PlanStep step) {
    return (step.kernel != null && step.kernel.elementwise())
        || ELEMENTWISE.contains(step.kind())
        || ((step.op instanceof BaseTransformOp || step.op instanceof BaseScalarOp)
            && step.inputs.size() == 1);
  }
}
