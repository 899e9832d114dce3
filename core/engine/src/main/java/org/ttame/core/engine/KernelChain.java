package org.ttame.core.engine;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Steps that one kernel does, or a single step that none does. */
final class KernelChain {
  final List<PlanStep> members = new ArrayList<>();
  final List<PlanValue> inputs = new ArrayList<>();
  final List<PostOperation> after = new ArrayList<>();

  /** What the first step computes, whose shape the kernel is made for. */
  final PlanValue begun;

  /** Position in the plan of the step it ends with. */
  int place;

  INDArray bias;

  /** Whether what follows must have the result's very shape: blocks of channels are made of it. */
  boolean shapeKept;

  /** Whether it treats each value by itself. */
  boolean elementwise;

  /** Whether it is to stay in float32 in any precision: sums over rows, values spread to rows. */
  boolean statistics;

  /** Where the result lies, of a stack of products; null for chains that take what follows. */
  StackLayout target;

  private final Maker maker;

  /** Makes a kernel once it is known what follows. */
  interface Maker {
    Kernel make(KernelChain chain, ArrayTypes types);
  }

  /** A chain of one step; {@code maker} is null where no kernel does it. */
  KernelChain(PlanStep step, int place, Maker maker) {
    members.add(step);
    this.begun = step.outputs.isEmpty() ? null : step.outputs.get(0);
    this.place = place;
    this.maker = maker;
  }

  PlanStep last() {
    return members.get(members.size() - 1);
  }

  PlanValue result() {
    return last().outputs.get(0);
  }

  boolean hasKernel() {
    return maker != null;
  }

  /** Whether a chain is a step of a kind and no more. */
  static boolean isSingle(KernelChain chain, String kind) {
    return chain != null
        && chain.members.size() == 1
        && chain.last().kernel == null
        && chain.last().kind().equals(kind);
  }

  /** Whether a chain is a step of a kind that no kernel does. */
  static boolean isPlain(KernelChain chain, String kind) {
    return chain != null && !chain.hasKernel() && chain.last().kind().equals(kind);
  }

  /** The step with the kernel, or the members where oneDNN has none. */
  List<PlanStep> steps() {
    if (maker == null) {
      return members;
    }
    try {
      PlanStep step = last().replaced(types -> maker.make(this, types), inputs, result());
      if (statistics) {
        step.maker = null;
      }
      members.stream().filter(m -> m.kernel != null).forEach(m -> m.kernel.close());
      return List.of(step);
    } catch (OneDnn.UnsupportedException e) {
      return members;
    }
  }
}
