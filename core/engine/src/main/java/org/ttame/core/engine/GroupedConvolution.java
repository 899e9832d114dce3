package org.ttame.core.engine;

import java.util.Arrays;
import java.util.List;

/**
 * A convolution whose channels are in groups. ND4J has none: a graph splits the channels, convolves
 * each part with its own part of the weights, and puts the results together.
 *
 * @param window its size
 * @param weights all of them, {@code [kH, kW, I/groups, O]}
 * @param source what is split: the image, or the gradient of what was put together
 */
record GroupedConvolution(Window window, PlanValue weights, PlanValue source) {

  /**
   * Finds the one convolution that several are.
   *
   * @param parts conv2d, or conv2d_bp, in the order in which their results are put together
   * @param whole the results put together
   * @return null if they are not the groups of one
   */
  static GroupedConvolution of(
      List<PlanStep> parts, List<PlanValue> results, PlanValue whole, StepIndex index) {
    PlanStep first = parts.get(0);
    boolean gradient = first.kind().equals("conv2d_bp");
    int count = parts.size();
    int place = gradient ? first.inputs.size() - 1 : 0;
    PlanValue.Part weights = first.inputs.get(1).part;
    PlanStep split = index.maker(first.inputs.get(place));
    boolean known =
        weights != null
            && weights.count() == count
            && OneDnnPass.frozen(weights.whole())
            && split != null
            && split.kind().equals(gradient ? "concat_bp" : "split")
            && split.outputs.size() == count
            && whole.shape.length == 4
            && (gradient || first.inputs.size() == 2);
    if (!known) {
      return null;
    }
    PlanValue source = split.inputs.get(split.inputs.size() - 1);
    Window one = window(first, results.get(0), place, gradient);
    if (one == null
        || !OneDnnPass.dense(source)
        || !isPart(results.get(0), whole, count)
        || !isPart(first.inputs.get(place), source, count)) {
      return null;
    }
    for (int i = 0; i < count; i++) {
      PlanStep part = parts.get(i);
      PlanValue.Part own = part.inputs.get(1).part;
      boolean belongs =
          part.inputs.size() == first.inputs.size()
              && own != null
              && own.whole() == weights.whole()
              && own.place() == i
              && part.inputs.get(place) == split.outputs.get(i)
              && one.isLike(window(part, results.get(i), place, gradient));
      if (!belongs) {
        return null;
      }
    }
    Window groups =
        gradient
            ? Window.ofGroups(one, whole.shape, source.shape, count)
            : Window.ofGroups(one, source.shape, whole.shape, count);
    return new GroupedConvolution(groups, weights.whole(), source);
  }

  private static Window window(PlanStep part, PlanValue result, int place, boolean gradient) {
    long[] read = part.inputs.get(place).shape;
    return gradient
        ? Window.ofConvolution(part, result.shape, read)
        : Window.ofConvolution(part, read, result.shape);
  }

  /** Whether a value is one of several parts of another's last axis. */
  private static boolean isPart(PlanValue part, PlanValue whole, int count) {
    int last = whole.shape.length - 1;
    return part.shape.length == whole.shape.length
        && part.type == whole.type
        && whole.shape[last] == count * part.shape[last]
        && Arrays.equals(part.shape, 0, last, whole.shape, 0, last);
  }
}
