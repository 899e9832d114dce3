package org.ttame.core.engine;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Rewrites of a plan's steps that keep every value asked for and drop work that only SameDiff's
 * generality needs.
 */
final class PlanPasses {
  private PlanPasses() {}

  /**
   * Applies all passes.
   *
   * @param steps in order
   * @param kept values that must exist at the end
   * @param fixedArrays receives arrays that the rewritten steps read; closed with the plan
   * @param turned gives weights for the way back; outlives the plan
   * @param kernels makes oneDNN's kernels; null where ND4J's are to compute everything
   * @param casts to and from bfloat16; null for float32 throughout
   * @return the steps that remain, in order
   */
  static List<PlanStep> apply(
      List<PlanStep> steps,
      Collection<PlanValue> kept,
      List<INDArray> fixedArrays,
      RotatedWeights turned,
      DnnKernels kernels,
      PrecisionPass.Casts casts) {
    List<PlanStep> rest =
        kernels == null
            ? steps
            : NormalisationPass.apply(steps, kept, kernels, casts == null, fixedArrays);
    rest = GradientPass.apply(rest, kept, fixedArrays, turned, kernels);
    if (kernels != null) {
      SpreadPass.apply(rest);
    }
    rest = live(rest, kept);
    if (kernels != null) {
      rest = ActivationPass.apply(rest, kept, kernels);
      rest = OneDnnPass.apply(rest, kept, kernels);
      rest = live(BlockedLayoutPass.apply(rest, kernels), kept);
      rest = MovementPass.apply(rest, kernels);
      rest = casts == null ? rest : PrecisionPass.apply(rest, kept, kernels, casts);
    }
    InPlace.apply(rest, kept);
    return rest;
  }

  /** What steps read, or is kept: a value is read if it, or another shape of its memory, is. */
  static Set<PlanValue> reads(List<PlanStep> steps, Collection<PlanValue> kept) {
    Set<PlanValue> read = new HashSet<>();
    steps.forEach(step -> markRead(step.inputs, read));
    markRead(kept, read);
    return read;
  }

  private static void markRead(Collection<PlanValue> values, Set<PlanValue> read) {
    for (PlanValue value : values) {
      for (PlanValue v = value; v != null; v = v.base) {
        read.add(v);
      }
    }
  }

  /** The steps whose results somebody reads; the kernels of others are closed. */
  private static List<PlanStep> live(List<PlanStep> steps, Collection<PlanValue> kept) {
    Set<PlanValue> read = reads(List.of(), kept);
    List<PlanStep> live = new ArrayList<>();
    for (int i = steps.size() - 1; i >= 0; i--) {
      PlanStep step = steps.get(i);
      if (step.outputs.stream().anyMatch(read::contains)) {
        live.add(step);
        markRead(step.inputs, read);
      } else if (step.kernel != null) {
        step.kernel.close();
      }
    }
    Collections.reverse(live);
    return live;
  }
}
