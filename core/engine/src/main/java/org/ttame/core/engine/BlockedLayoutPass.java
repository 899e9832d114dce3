package org.ttame.core.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Surrounds kernels that read and write blocks of channels, {@code [B, ⌈C/8⌉, H, W, 8]}, with steps
 * that rearrange. What one such kernel writes and another reads stays as it is, and so does what
 * goes through a pool, its gradient, or that of a ReLU between them.
 *
 * <p>Rearranged values that nobody turns out to read are left to whoever drops dead steps.
 */
final class BlockedLayoutPass {
  private final DnnPools pools;
  private final DnnMovement movement;
  private final List<PlanStep> result = new ArrayList<>();

  /** A value's blocks, by the value's root. */
  private final Map<PlanValue, PlanValue> blocks = new HashMap<>();

  private BlockedLayoutPass(DnnKernels kernels) {
    pools = kernels.poolsOfBlocks();
    movement = kernels.movement(DataType.FLOAT);
  }

  /**
   * Rewrites.
   *
   * @param steps in order
   * @param kernels makes kernels
   * @return the steps, with those that rearrange
   */
  static List<PlanStep> apply(List<PlanStep> steps, DnnKernels kernels) {
    BlockedLayoutPass pass = new BlockedLayoutPass(kernels);
    steps.forEach(pass::add);
    return pass.result;
  }

  private void add(PlanStep step) {
    Kernel kernel = inBlocks(step);
    if (kernel == null) {
      result.add(step);
      return;
    }
    List<PlanValue> inputs =
        step.inputs.stream()
            .map(value -> value.shape.length == 4 ? blocksOf(value, step) : value)
            .toList();
    PlanValue output = step.outputs.get(0);
    PlanValue blocked = blocksLike(output);
    result.add(step.replaced(kernel, inputs, blocked));
    blocks.put(output.root(), blocked);
    rearrange(step, blocked, output, movement.blocks(output.shape, false));
  }

  /** What computes the step in blocks, or null if it is to stay as it is. */
  private Kernel inBlocks(PlanStep step) {
    try {
      return switch (step.kind()) {
        // Elementwise: if all that it reads is there in blocks, it may as well write some.
        case DnnElementwise.RELU_GRADIENT ->
            step.inputs.stream().allMatch(value -> known(value) != null) ? step.kernel : null;
        case "maxpool2d" -> {
          PlanValue source = step.inputs.get(0);
          Window window =
              known(source) == null
                  ? null
                  : Window.ofPool(step, source.shape, step.outputs.get(0).shape);
          yield window == null ? null : pools.maxPool(window);
        }
        case "maxpool2d_bp" -> {
          PlanValue source = step.inputs.get(0);
          Window window =
              known(source) == null
                  ? null
                  : Window.ofPool(step, source.shape, step.inputs.get(1).shape);
          yield window == null ? null : pools.maxPoolGradient(window);
        }
        default -> step.kernel != null && step.kernel.blocked() ? step.kernel : null;
      };
    } catch (OneDnn.UnsupportedException e) {
      return null;
    }
  }

  /** A value's blocks, if there are any and all are whole: the rest of a part must not be read. */
  private PlanValue known(PlanValue value) {
    PlanValue blocked = blocks.get(value.root());
    return blocked != null && Arrays.equals(blocked.shape, value.shape) ? blocked : null;
  }

  private PlanValue blocksOf(PlanValue value, PlanStep reader) {
    PlanValue blocked = known(value);
    if (blocked == null) {
      blocked = blocksLike(value);
      blocks.put(value.root(), blocked);
      rearrange(reader, value, blocked, movement.blocks(value.shape, true));
    }
    return blocked;
  }

  private static PlanValue blocksLike(PlanValue value) {
    return PlanValue.computed(value.name + ":blocks", DataType.FLOAT, Window.padded(value.shape));
  }

  private void rearrange(PlanStep beside, PlanValue from, PlanValue to, Kernel kernel) {
    PlanStep step = new PlanStep(beside.name + ":" + kernel.kind(), kernel, List.of(from), to);
    step.late = beside.late;
    result.add(step);
  }
}
