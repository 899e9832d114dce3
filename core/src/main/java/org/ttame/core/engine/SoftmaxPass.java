package org.ttame.core.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/** Gives softmax over the last axis, and its gradient, oneDNN's kernels. */
final class SoftmaxPass {
  private final DnnKernels kernels;

  private SoftmaxPass(DnnKernels kernels) {
    this.kernels = kernels;
  }

  /**
   * Rewrites.
   *
   * @param steps in order
   * @param kernels makes kernels
   * @return as many steps, in the same order
   */
  static List<PlanStep> apply(List<PlanStep> steps, DnnKernels kernels) {
    return new SoftmaxPass(kernels).rewrite(steps);
  }

  private List<PlanStep> rewrite(List<PlanStep> steps) {
    List<PlanStep> result = new ArrayList<>();
    Map<PlanValue, PlanStep> known = new HashMap<>();
    for (PlanStep step : steps) {
      PlanStep rewritten =
          switch (step.kind()) {
            case "softmax" -> softmax(step, known);
            case "softmax_bp" -> softmaxGradient(step, known);
            default -> step;
          };
      result.add(rewritten);
    }
    return result;
  }

  private PlanStep softmax(PlanStep step, Map<PlanValue, PlanStep> known) {
    if (!ofRows(step)) {
      return step;
    }
    try {
      PlanValue scores = step.inputs.get(0);
      PlanStep one = replace(step, kernels.softmax(scores.shape).forward(), List.of(scores));
      known.put(scores, one);
      return one;
    } catch (OneDnn.UnsupportedException e) {
      return step;
    }
  }

  /** From the probabilities, not the scores: those are free once the probabilities are there. */
  private PlanStep softmaxGradient(PlanStep step, Map<PlanValue, PlanStep> known) {
    PlanStep forward = known.get(step.inputs.get(0));
    PlanValue gradient = step.inputs.get(1);
    if (forward == null || !ofRows(step) || !gradient.sameShape(step.inputs.get(0))) {
      return step;
    }
    try {
      Kernel kernel = kernels.softmax(gradient.shape).gradient();
      return replace(step, kernel, List.of(gradient, forward.outputs.get(0)));
    } catch (OneDnn.UnsupportedException e) {
      return step;
    }
  }

  private static boolean ofRows(PlanStep step) {
    PlanValue scores = step.inputs.get(0);
    int last = scores.shape.length - 1;
    long[] axis = step.integerArguments();
    return last > 0
        && scores.type == DataType.FLOAT
        && scores.shape[last] > 1
        && step.op instanceof DynamicCustomOp
        && (axis.length == 0 || axis[0] == -1 || axis[0] == last);
  }

  private static PlanStep replace(PlanStep step, Kernel kernel, List<PlanValue> inputs) {
    PlanStep one = new PlanStep(step.name, kernel, inputs, step.outputs.get(0));
    one.late = step.late;
    return one;
  }
}
