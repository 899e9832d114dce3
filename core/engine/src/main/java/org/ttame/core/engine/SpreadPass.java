package org.ttame.core.engine;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Lets arithmetic read a row that stands for all rows, where the graph has repeated it by a product
 * with a column of ones, {@code 1·r}: the products are as large as feature maps, and those that a
 * gradient reads would be kept until then. oneDNN's kernels repeat a row as they read it, with the
 * same bits.
 */
final class SpreadPass {
  private SpreadPass() {}

  /** Rewrites; products that nobody reads afterwards are left. */
  static void apply(List<PlanStep> steps) {
    Map<PlanValue, PlanValue> rows = new HashMap<>();
    for (PlanStep step : steps) {
      PlanValue row = repeated(step);
      if (row != null) {
        rows.put(step.outputs.get(0), row);
      } else if (isArithmetic(step)) {
        for (int i = 0; i < 2; i++) {
          PlanValue spread = rows.get(step.inputs.get(i));
          PlanValue other = step.inputs.get(1 - i);
          if (spread != null && !rows.containsKey(other) && other.sameShape(step.outputs.get(0))) {
            step.inputs.set(i, spread);
          }
        }
      }
    }
  }

  private static boolean isArithmetic(PlanStep step) {
    return step.kernel == null
        && step.inputs.size() == 2
        && switch (step.kind()) {
          case "add", "subtract", "multiply", "divide" -> true;
          default -> false;
        };
  }

  /** The row that a step repeats, or null. */
  private static PlanValue repeated(PlanStep step) {
    if (step.kernel != null || !step.kind().equals("matmul") || step.inputs.size() != 2) {
      return null;
    }
    PlanValue ones = step.inputs.get(0);
    PlanValue row = step.inputs.get(1);
    boolean fits =
        OneDnnPass.isPlainProduct(step)
            && OneDnnPass.frozen(ones)
            && OneDnnPass.dense(row)
            && ones.type == DataType.FLOAT
            && ones.shape.length == 2
            && ones.shape[1] == 1
            && row.shape.length == 2
            && row.shape[0] == 1
            && row.shape[1] > 1
            && step.outputs.get(0).shape[1] == row.shape[1];
    return fits
            && ones.fixed.minNumber().doubleValue() == 1
            && ones.fixed.maxNumber().doubleValue() == 1
        ? row
        : null;
  }
}
