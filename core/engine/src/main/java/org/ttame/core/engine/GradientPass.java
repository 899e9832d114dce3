package org.ttame.core.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.ScalarOp;
import org.nd4j.linalg.api.ops.impl.scalar.Step;
import org.nd4j.linalg.api.ops.impl.transforms.same.Negative;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Gradients of what is wanted alone.
 *
 * <p>SameDiff differentiates each operation by all of its inputs. With frozen weights most of that
 * is thrown away: the weight gradient of a convolution costs as much as the input gradient that is
 * wanted. Here each backward operation is replaced by what computes only the gradients somebody
 * reads.
 */
final class GradientPass {
  private final List<PlanStep> steps = new ArrayList<>();
  private final List<INDArray> fixedArrays;
  private final RotatedWeights turned;
  private final DnnKernels kernels;
  private Set<PlanValue> read = Set.of();

  private GradientPass(List<INDArray> fixedArrays, RotatedWeights turned, DnnKernels kernels) {
    this.fixedArrays = fixedArrays;
    this.turned = turned;
    this.kernels = kernels;
  }

  /** Rewrites the steps of the way back; parameters as of {@link PlanPasses#apply}. */
  static List<PlanStep> apply(
      List<PlanStep> steps,
      Collection<PlanValue> kept,
      List<INDArray> fixedArrays,
      RotatedWeights turned,
      DnnKernels kernels) {
    GradientPass pass = new GradientPass(fixedArrays, turned, kernels);
    List<PlanStep> joined = kernels == null ? steps : pass.rewritten(steps, pass::joinGroups);
    pass.read = PlanPasses.reads(joined, kept);
    return pass.rewritten(pass.rewritten(joined, pass::narrow), pass::differentiateRelu);
  }

  private List<PlanStep> rewritten(List<PlanStep> before, Consumer<List<PlanStep>> rewrite) {
    steps.clear();
    rewrite.accept(before);
    return new ArrayList<>(steps);
  }

  private void narrow(List<PlanStep> before) {
    for (PlanStep step : before) {
      switch (step.kind()) {
        case "conv2d_bp" -> convolution(step);
        case "depthwise_conv2d_bp" -> {
          if (!inputOnly(step) || !dnnConvolution(step, step.outputs.get(0))) {
            steps.add(step);
          }
        }
        case "matmul_bp" -> product(step);
        case "add_bp", "subtract_bp", "multiply_bp", "divide_bp" -> arithmetic(step);
        default -> steps.add(step);
      }
    }
  }

  /**
   * conv2d_bp(x, w, [b], g) → dx alone: with frozen weights and stride one a convolution, otherwise
   * the transposed convolution, exact for any stride.
   */
  private void convolution(PlanStep step) {
    if (!inputOnly(step)) {
      steps.add(step);
      return;
    }
    PlanValue target = step.outputs.get(0);
    if (dnnConvolution(step, target) || turnedConvolution(step, target)) {
      return;
    }
    if (PointwiseRows.concerns(step, target.shape)) {
      steps.add(step); // the transposed convolution would end the process, conv2d_bp is reshaped
      return;
    }
    DynamicCustomOp op = operation("deconv2d_tf", step.integerArguments());
    INDArray shape =
        Nd4j.createFromArray(Arrays.stream(target.shape).mapToInt(n -> (int) n).toArray());
    fixedArrays.add(shape);
    PlanValue shapeValue =
        new PlanValue(
            step.name + ":shape", PlanValue.Kind.FIXED, DataType.INT32, shape.shape(), shape);
    PlanStep narrow =
        step.replaced(
            op,
            List.of(shapeValue, step.inputs.get(1), step.inputs.get(step.inputs.size() - 1)),
            target);
    // Its shape function forgets output padding and would refuse even sizes at stride two.
    narrow.shapeGiven = true;
    steps.add(narrow);
  }

  private boolean inputOnly(PlanStep step) {
    return step.outputs.stream().skip(1).noneMatch(read::contains)
        && read.contains(step.outputs.get(0));
  }

  /** The gradient of a convolution in groups becomes one again; see {@link GroupedConvolution}. */
  private void joinGroups(List<PlanStep> before) {
    StepIndex index = new StepIndex(before, List.of());
    for (PlanStep step : before) {
      if (!joinGroups(step, index)) {
        steps.add(step);
      }
    }
  }

  private boolean joinGroups(PlanStep concat, StepIndex index) {
    if (!concat.kind().equals("concat") || concat.outputs.get(0).type != DataType.FLOAT) {
      return false;
    }
    List<PlanStep> parts = concat.inputs.stream().map(index::maker).toList();
    boolean gradients =
        parts.stream().allMatch(part -> part != null && part.kind().equals("conv2d_bp"))
            && parts.stream().allMatch(part -> concat.inputs.contains(part.outputs.get(0)));
    GroupedConvolution whole =
        gradients
            ? GroupedConvolution.of(parts, concat.inputs, concat.outputs.get(0), index)
            : null;
    if (whole == null) {
      return false;
    }
    try {
      add(
          concat,
          types -> kernels.convolutionGradient(whole.window(), whole.weights().fixed, types),
          List.of(whole.source()),
          concat.outputs.get(0));
      return true;
    } catch (OneDnn.UnsupportedException e) {
      return false;
    }
  }

  private boolean dnnConvolution(PlanStep step, PlanValue target) {
    PlanValue weights = step.inputs.get(1);
    PlanValue gradient = step.inputs.get(step.inputs.size() - 1);
    if (kernels == null || target.type != DataType.FLOAT || !OneDnnPass.frozen(weights)) {
      return false;
    }
    Window window = Window.ofConvolution(step, target.shape, gradient.shape);
    if (window == null) {
      return false;
    }
    try {
      Window turnedWindow = window.turned();
      ArrayTypes.Maker maker =
          turnedWindow == null
              ? types -> kernels.convolutionGradient(window, weights.fixed, types)
              : types ->
                  kernels.convolution(turnedWindow, weights.fixed, true, null, List.of(), types);
      add(step, maker, List.of(gradient), target);
      return true;
    } catch (OneDnn.UnsupportedException e) {
      return false;
    }
  }

  private boolean turnedConvolution(PlanStep step, PlanValue target) {
    PlanValue weights = step.inputs.get(1);
    // kernel, stride, padding, dilation (each height, width), same mode, NHWC, layout of weights
    long[] a = step.integerArguments();
    boolean unit = a.length > 9 && a[2] == 1 && a[3] == 1 && a[6] == 1 && a[7] == 1;
    if (weights.kind != PlanValue.Kind.FIXED || !unit || a[8] != 0 || a[9] != 1) {
      return false;
    }
    if ((a.length > 10 && a[10] != 0) || a[4] >= a[0] || a[5] >= a[1]) {
      return false;
    }
    INDArray array = turned.of(weights.fixed);
    PlanValue value =
        new PlanValue(
            weights.name + ":turned",
            PlanValue.Kind.FIXED,
            array.dataType(),
            array.shape().clone(),
            array);
    long padHeight = a[0] - 1 - a[4];
    long padWidth = a[1] - 1 - a[5];
    add(
        step,
        operation("conv2d", a[0], a[1], 1, 1, padHeight, padWidth, 1, 1, 0, 1, 0),
        List.of(step.inputs.get(step.inputs.size() - 1), value),
        target);
    return true;
  }

  /** matmul_bp(x, y, g) → the one or two products that are wanted. */
  private void product(PlanStep step) {
    PlanValue x = step.inputs.get(0);
    PlanValue y = step.inputs.get(1);
    PlanValue g = step.inputs.get(2);
    long[] flags = step.integerArguments();
    boolean sameRank = x.shape.length == y.shape.length && x.shape.length == g.shape.length;
    if (!OneDnnPass.isPlainProduct(step) || !sameRank || x.shape.length < 2 || !sameBatch(x, y)) {
      steps.add(step);
      return;
    }
    long tx = flags.length > 0 ? flags[0] : 0;
    long ty = flags.length > 1 ? flags[1] : 0;
    PlanValue dx = step.outputs.get(0);
    PlanValue dy = step.outputs.get(1);
    if (read.contains(dx)) {
      add(
          step,
          tx == 0 ? operation("matmul", 0, 1 - ty, 0) : operation("matmul", ty, 1, 0),
          tx == 0 ? List.of(g, y) : List.of(y, g),
          dx);
    }
    if (read.contains(dy)) {
      add(
          step,
          ty == 0 ? operation("matmul", 1 - tx, 0, 0) : operation("matmul", 1, tx, 0),
          ty == 0 ? List.of(x, g) : List.of(g, x),
          dy);
    }
  }

  private static boolean sameBatch(PlanValue x, PlanValue y) {
    int batch = x.shape.length - 2;
    return Arrays.equals(Arrays.copyOf(x.shape, batch), Arrays.copyOf(y.shape, batch));
  }

  /** Gradients of sums, differences, products and quotients where no broadcast must be summed. */
  private void arithmetic(PlanStep step) {
    PlanValue x = step.inputs.get(0);
    PlanValue y = step.inputs.get(1);
    PlanValue g = step.inputs.get(2);
    PlanValue dx = step.outputs.get(0);
    PlanValue dy = step.outputs.get(1);
    boolean wantX = read.contains(dx);
    boolean wantY = read.contains(dy);
    if (wantY && x.sameShape(g) && isColumnOf(y, g) && !step.kind().equals("divide_bp")) {
      columnArithmetic(step, wantX);
      return;
    }
    if (kernels != null && imageArithmetic(step, wantX, wantY)) {
      return;
    }
    boolean simpleX = !wantX || x.sameShape(g);
    boolean simpleY = !wantY || y.sameShape(g);
    boolean quotientByY = step.kind().equals("divide_bp") && wantY;
    if (!simpleX || !simpleY || quotientByY) {
      steps.add(step);
      return;
    }
    switch (step.kind()) {
      case "add_bp" -> {
        rename(wantX, dx, g);
        rename(wantY, dy, g);
      }
      case "subtract_bp" -> {
        rename(wantX, dx, g);
        if (wantY) {
          // There is no custom operation of this kind.
          add(step, new Negative(), List.of(g), dy);
        }
      }
      case "multiply_bp" -> {
        if (wantX) {
          add(step, operation("multiply"), List.of(g, y), dx);
        }
        if (wantY) {
          add(step, operation("multiply"), List.of(g, x), dy);
        }
      }
      default -> {
        if (wantX) {
          add(step, operation("divide"), List.of(g, y), dx);
        }
      }
    }
  }

  /** Whether a value has one element where another has a row. */
  private static boolean isColumnOf(PlanValue column, PlanValue rows) {
    int last = rows.shape.length - 1;
    return last > 0
        && column.shape.length == rows.shape.length
        && column.type == rows.type
        && column.shape[last] == 1
        && rows.shape[last] > 1
        && Arrays.equals(column.shape, 0, last, rows.shape, 0, last);
  }

  /**
   * The same where y has one element a row, as in layer normalisation. The sums over rows are
   * products with a column of ones: ND4J's gradient kernels take fifteen times as long.
   */
  private void columnArithmetic(PlanStep step, boolean wantX) {
    PlanValue x = step.inputs.get(0);
    PlanValue y = step.inputs.get(1);
    PlanValue g = step.inputs.get(2);
    PlanValue dx = step.outputs.get(0);
    PlanValue dy = step.outputs.get(1);
    if (step.kind().equals("multiply_bp")) {
      PlanValue product = PlanValue.computed(step.name + ":product", g.type, g.shape);
      add(step, operation("multiply"), List.of(x, g), product);
      if (wantX) {
        add(step, operation("multiply"), List.of(g, y), dx);
      }
      rename(true, dy, rowSums(step, product));
      return;
    }
    rename(wantX, dx, g);
    PlanValue sums = rowSums(step, g);
    if (step.kind().equals("add_bp")) {
      rename(true, dy, sums);
    } else {
      PlanValue negative = PlanValue.computed(step.name + ":negative", sums.type, sums.shape);
      add(step, new Negative(), List.of(sums), negative);
      rename(true, dy, negative);
    }
  }

  /**
   * The same where an operand has one element a channel of each image, as in
   * squeeze-and-excitation: its gradient is a sum over the image.
   */
  private boolean imageArithmetic(PlanStep step, boolean wantX, boolean wantY) {
    boolean product = step.kind().equals("multiply_bp");
    if (!product && !step.kind().equals("add_bp")) {
      return false;
    }
    PlanValue g = step.inputs.get(2);
    for (int i = 0; i < 2; i++) {
      PlanValue full = step.inputs.get(i);
      PlanValue small = step.inputs.get(1 - i);
      boolean wantFull = i == 0 ? wantX : wantY;
      boolean wantSmall = i == 0 ? wantY : wantX;
      if (!wantSmall || !full.sameShape(g) || !isImageOf(small, g) || !OneDnnPass.dense(g)) {
        continue;
      }
      try {
        ArrayTypes.Maker sums = types -> kernels.movement(types.uniform()).sum(g.shape);
        sums.make(new ArrayTypes(List.of(g.type), g.type)).close();
        PlanValue summand = g;
        if (product) {
          summand = PlanValue.computed(step.name + ":product", g.type, g.shape);
          add(step, operation("multiply"), List.of(full, g), summand);
        }
        if (wantFull && product) {
          add(step, operation("multiply"), List.of(g, small), step.outputs.get(i));
        } else {
          rename(wantFull, step.outputs.get(i), g);
        }
        add(step, sums, List.of(summand), step.outputs.get(1 - i));
        return true;
      } catch (OneDnn.UnsupportedException e) {
        return false;
      }
    }
    return false;
  }

  /** Whether a value has one element a channel, the last axis, of each image. */
  private static boolean isImageOf(PlanValue small, PlanValue image) {
    int rank = image.shape.length;
    return rank > 2
        && small.shape.length == rank
        && small.type == image.type
        && small.shape[0] == image.shape[0]
        && small.shape[rank - 1] == image.shape[rank - 1]
        && small.length() == small.shape[0] * small.shape[rank - 1]
        && small.length() < image.length();
  }

  private PlanValue rowSums(PlanStep step, PlanValue value) {
    long length = value.shape[value.shape.length - 1];
    long rows = value.length() / length;
    PlanValue matrix = PlanValue.computed(value.name + ":rows", value.type, rows, length);
    matrix.base = value;
    INDArray array = Nd4j.ones(value.type, length, 1);
    fixedArrays.add(array);
    PlanValue ones =
        new PlanValue(
            step.name + ":ones", PlanValue.Kind.FIXED, value.type, new long[] {length, 1}, array);
    PlanValue sums = PlanValue.computed(step.name + ":sums", value.type, rows, 1);
    add(step, operation("matmul", 0, 0, 0), List.of(matrix, ones), sums);
    return sums;
  }

  private static void rename(boolean wanted, PlanValue name, PlanValue of) {
    if (wanted) {
      name.base = of;
    }
  }

  private void add(
      PlanStep origin, DifferentialFunction op, List<PlanValue> inputs, PlanValue output) {
    steps.add(origin.replaced(op, inputs, output));
  }

  private void add(
      PlanStep origin, ArrayTypes.Maker maker, List<PlanValue> inputs, PlanValue output) {
    steps.add(origin.replaced(maker, inputs, output));
  }

  private static DynamicCustomOp operation(String name, long... integers) {
    return DynamicCustomOp.builder(name)
        .addIntegerArguments(Arrays.stream(integers).mapToInt(n -> (int) n).toArray())
        .build();
  }

  /**
   * The gradient of ReLU asks where its input was positive; its output says so too. Then the input
   * is free once ReLU has run, and ReLU can write over it.
   *
   * <p>The gradient itself becomes a step function and a product, both in place as a rule: ND4J's
   * kernel for it takes six times as long as the two.
   */
  private void differentiateRelu(List<PlanStep> before) {
    Map<PlanValue, PlanValue> outputs = new HashMap<>();
    for (PlanStep step : before) {
      if (step.kind().equals("relu")
          && step.op instanceof ScalarOp relu
          && relu.scalar() != null
          && relu.scalar().getDouble(0) == 0) {
        outputs.put(step.inputs.get(0), step.outputs.get(0));
      }
      if (!isReluGradient(step)) {
        steps.add(step);
        continue;
      }
      PlanValue seen = outputs.getOrDefault(step.inputs.get(0), step.inputs.get(0));
      boolean dense = OneDnnPass.dense(seen) && OneDnnPass.dense(step.inputs.get(1));
      if (kernels != null && dense) {
        add(
            step,
            types -> kernels.elementwise(types.uniform()).reluGradient(seen.length()),
            List.of(step.inputs.get(1), seen),
            step.outputs.get(0));
        continue;
      }
      PlanValue positive = PlanValue.computed(step.name + ":positive", seen.type, seen.shape);
      add(step, new Step(Nd4j.scalar(seen.type, 0), 0.0), List.of(seen), positive);
      add(step, operation("multiply"), List.of(step.inputs.get(1), positive), step.outputs.get(0));
    }
  }

  private static boolean isReluGradient(PlanStep step) {
    if (!step.kind().equals("relu_bp") && !step.kind().equals("thresholdedrelu_bp")) {
      return false;
    }
    double[] cutoff = ((DynamicCustomOp) step.op).tArgs();
    return (cutoff.length == 0 || cutoff[0] == 0)
        && step.inputs.get(0).sameShape(step.inputs.get(1))
        && step.inputs.get(1).sameShape(step.outputs.get(0));
  }
}
