package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.ttame.backbones.graph.ImportedLayers.Role;
import org.ttame.core.Text;

/**
 * Sums of products over axes that two operands share: MatMul of any ranks, and Einsum of one or two
 * operands. Each axis has a label; axes of one label go together. All become one product of stacks
 * of matrices, {@code [G, M, K] · [G, K, N]}: G are the labels of both that stay, K those of both
 * that are summed over, M and N those of one. Gemm and {@link Fusion#LINEAR}: rows and a weight.
 */
final class Contractions {
  private Contractions() {}

  static void register(ConverterRegistry registry) {
    registry.add("MatMul", 1, new MatMul());
    registry.add("Einsum", 12, new Einsum(), "equation");
    registry.add("Gemm", 7, new Gemm(), "alpha", "beta", "transA", "transB");
    registry.add(Fusion.LINEAR, 1, new Linear());
  }

  private static final class MatMul implements Converter {
    @Override
    public List<long[]> shapes(OnnxNode node, List<Operand> inputs) {
      return List.of(equation(inputs).shape(node, inputs));
    }

    @Override
    public void convert(Operation product, Emitter emitter) throws IOException {
      write(product, emitter, equation(product.inputs()));
    }

    /** As numpy has it: the last two axes are matrices, those in front broadcast. */
    private static Equation equation(List<Operand> inputs) {
      int left = inputs.get(0).shape().length;
      int right = inputs.get(1).shape().length;
      int stacks = Math.max(0, Math.max(left, right) - 2);
      int row = stacks;
      int column = stacks + 1;
      int summed = stacks + 2;
      int[] first = left == 1 ? new int[] {summed} : stacked(left, stacks, row, summed);
      int[] second = right == 1 ? new int[] {summed} : stacked(right, stacks, summed, column);
      IntStream out = IntStream.range(0, stacks);
      out = left == 1 ? out : IntStream.concat(out, IntStream.of(row));
      out = right == 1 ? out : IntStream.concat(out, IntStream.of(column));
      return new Equation(List.of(first, second), out.toArray());
    }

    private static int[] stacked(int rank, int stacks, int... matrix) {
      return IntStream.concat(IntStream.range(stacks - (rank - 2), stacks), IntStream.of(matrix))
          .toArray();
    }
  }

  private static final class Einsum implements Converter {
    @Override
    public List<long[]> shapes(OnnxNode node, List<Operand> inputs) {
      return List.of(equation(node, inputs).shape(node, inputs));
    }

    @Override
    public void convert(Operation einsum, Emitter emitter) throws IOException {
      write(einsum, emitter, equation(einsum.node(), einsum.inputs()));
    }

    private static Equation equation(OnnxNode node, List<Operand> inputs) {
      String text = node.text("equation", "").replace(" ", "");
      int arrow = text.indexOf("->");
      String[] terms = (arrow < 0 ? text : text.substring(0, arrow)).split(",", -1);
      if (terms.length != inputs.size() || terms.length > 2) {
        throw new UnsupportedGraphException(
            Text.format("Einsum node \"%s\" with the equation %s", node.displayName(), text));
      }
      int more = 0;
      for (int i = 0; i < terms.length; i++) {
        if (terms[i].contains("...")) {
          more = Math.max(more, inputs.get(i).shape().length - (terms[i].length() - 3));
        }
      }
      List<int[]> labels = new ArrayList<>();
      for (int i = 0; i < terms.length; i++) {
        int rank = inputs.get(i).shape().length;
        int[] own = labels(terms[i], rank - (terms[i].length() - 3), more);
        if (own.length != rank || IntStream.of(own).distinct().count() != rank) {
          throw new UnsupportedGraphException(
              Text.format("Einsum node \"%s\" with the equation %s", node.displayName(), text));
        }
        labels.add(own);
      }
      String out = arrow < 0 ? implied(terms) : text.substring(arrow + 2);
      return new Equation(labels, labels(out, more, more));
    }

    /** Letters as their codes, what an ellipsis stands for as numbers below. */
    private static int[] labels(String term, int own, int more) {
      int dots = term.indexOf("...");
      if (dots < 0) {
        return term.chars().toArray();
      }
      IntStream front = term.substring(0, dots).chars();
      IntStream back = term.substring(dots + 3).chars();
      return IntStream.concat(front, IntStream.concat(IntStream.range(more - own, more), back))
          .toArray();
    }

    /** The letters that occur once, in the order of the alphabet, behind an ellipsis. */
    private static String implied(String... terms) {
      String all = String.join("", terms);
      String letters =
          all.chars()
              .filter(c -> c != '.' && all.indexOf(c) == all.lastIndexOf(c))
              .sorted()
              .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
              .toString();
      return (all.contains("...") ? "..." : "") + letters;
    }
  }

  /** The labels of the operands' axes, and of the result's. */
  @SuppressWarnings("ArrayRecordComponent")
  private record Equation(List<int[]> inputs, int[] out) {
    /** The result's shape; axes of one broadcast. */
    long[] shape(OnnxNode node, List<Operand> operands) {
      Map<Integer, Long> sizes = new LinkedHashMap<>();
      for (int i = 0; i < inputs.size(); i++) {
        long[] shape = operands.get(i).shape();
        for (int axis = 0; axis < shape.length; axis++) {
          int label = inputs.get(i)[axis];
          long known = sizes.getOrDefault(label, 1L);
          boolean summed = IntStream.of(out).noneMatch(kept -> kept == label);
          boolean fits = known == shape[axis] || (!summed && (known == 1 || shape[axis] == 1));
          if (sizes.containsKey(label) && !fits) {
            throw new UnsupportedGraphException(
                Text.format(
                    "%s node \"%s\" cannot multiply shapes %s",
                    node.type(),
                    node.displayName(),
                    operands.stream().map(o -> Arrays.toString(o.shape())).toList()));
          }
          sizes.put(label, Math.max(known, shape[axis]));
        }
      }
      if (!sizes.keySet().containsAll(IntStream.of(out).boxed().toList())) {
        throw new UnsupportedGraphException(
            Text.format(
                "%s node \"%s\" has an output axis that no input has",
                node.type(), node.displayName()));
      }
      return IntStream.of(out).mapToLong(sizes::get).toArray();
    }
  }

  private static void write(Operation operation, Emitter emitter, Equation equation)
      throws IOException {
    List<int[]> labels = equation.inputs();
    int[] out = equation.out();
    if (labels.size() == 1) {
      Tensor x = summed(operation, emitter, operation.value(0), labels.get(0), out);
      int[] kept = kept(labels.get(0), out);
      int[] order = IntStream.of(x.order()).map(axis -> Tensor.place(out, kept[axis])).toArray();
      Tensor y =
          new Tensor(
              x.variable(),
              operation.output().shape(),
              order,
              x.batch() == Tensor.NONE ? Tensor.NONE : Tensor.place(out, kept[x.batch()]));
      emitter.alias(operation.output(), y);
      return;
    }
    // Sums of products do not depend on which operand is called the first.
    int first = operation.input(0) instanceof Value ? 0 : 1;
    int[] all = IntStream.concat(IntStream.of(out), IntStream.of(labels.get(1 - first))).toArray();
    Tensor left = summed(operation, emitter, operation.value(first), labels.get(first), all);
    new Product(operation, emitter, left, kept(labels.get(first), all), out)
        .write(operation.input(1 - first), labels.get(1 - first));
  }

  private static boolean contains(int[] labels, int label) {
    return IntStream.of(labels).anyMatch(other -> other == label);
  }

  private static int[] kept(int[] labels, int[] wanted) {
    return IntStream.of(labels).filter(label -> contains(wanted, label)).toArray();
  }

  /** A value without the axes whose labels nobody wants: they are summed over. */
  private static Tensor summed(
      Operation operation, Emitter emitter, Value value, int[] labels, int[] wanted) {
    Tensor x = emitter.tensor(value);
    int[] gone =
        IntStream.range(0, x.rank()).filter(axis -> !contains(wanted, labels[axis])).toArray();
    if (gone.length == 0) {
      return x;
    }
    if (contains(gone, x.batch())) {
      throw new UnsupportedGraphException(operation + " mixes the images of a batch");
    }
    int[] left = IntStream.range(0, x.rank()).filter(axis -> !contains(gone, axis)).toArray();
    int[] places = IntStream.of(gone).map(x::place).sorted().toArray();
    long[] shape = x.shape();
    return new Tensor(
        emitter.graph().sum(x.variable(), false, places),
        IntStream.of(left).mapToLong(axis -> shape[axis]).toArray(),
        IntStream.of(x.order())
            .filter(axis -> contains(left, axis))
            .map(axis -> Tensor.place(left, axis))
            .toArray(),
        Tensor.place(left, x.batch()));
  }

  /** A product whose left operand is a value. */
  private static final class Product {
    private final Operation operation;
    private final Emitter emitter;
    private final Tensor left;
    private final int[] leftLabels;
    private final int[] out;
    private final int batch;

    Product(Operation operation, Emitter emitter, Tensor left, int[] leftLabels, int[] out) {
      this.operation = operation;
      this.emitter = emitter;
      this.left = left;
      this.leftLabels = leftLabels;
      this.out = out;
      this.batch = left.batch() == Tensor.NONE ? Tensor.NONE : leftLabels[left.batch()];
      if (batch != Tensor.NONE && !contains(out, batch)) {
        throw new UnsupportedGraphException(operation + " mixes the images of a batch");
      }
    }

    void write(Operand operand, int[] labels) throws IOException {
      Tensor right = null;
      Constant constant = null;
      int[] rightLabels = labels;
      long[] shape = operand.shape();
      int[] lying = Tensor.plain(shape.length);
      if (operand instanceof Constant known) {
        constant = contains(labels, batch) ? once(known, Tensor.place(labels, batch)) : known;
        shape = constant.shape();
      } else {
        Value value = (Value) operand;
        int[] wanted = IntStream.concat(IntStream.of(out), IntStream.of(leftLabels)).toArray();
        right = summed(operation, emitter, value, labels, wanted);
        rightLabels = kept(labels, wanted);
        shape = right.shape();
        lying = right.order();
        boolean together =
            batch == Tensor.NONE
                ? right.batch() == batch
                : rightLabels[right.batch()] == batch
                    && shape[right.batch()] == left.shape()[left.batch()];
        if (!together) {
          throw new UnsupportedGraphException(operation + " mixes the images of a batch");
        }
      }
      long[] ones = left.shape();
      int[] leftReal = real(leftLabels, ones, rightLabels, shape);
      int[] rightReal =
          IntStream.of(real(rightLabels, shape, leftLabels, ones))
              .filter(label -> operand instanceof Value || label != batch)
              .toArray();
      int[] leftLying = IntStream.of(left.order()).map(axis -> leftLabels[axis]).toArray();
      int[] labelled = rightLabels;
      int[] rightLying = IntStream.of(lying).map(axis -> labelled[axis]).toArray();
      int[] stack = select(leftLying, leftReal, label -> contains(rightReal, label), true);
      int[] sum = select(leftLying, leftReal, label -> contains(rightReal, label), false);
      int[] rows = select(leftLying, leftReal, label -> !contains(rightReal, label), true);
      int[] columns = select(rightLying, rightReal, label -> !contains(leftReal, label), true);
      if (sum.length + stack.length + columns.length < rightReal.length) {
        throw new UnsupportedGraphException(
            operation + " sums over an axis that only the constant has");
      }
      boolean leftTurned = rows.length > 0 && !endsIn(leftLying, leftReal, sum);
      SDVariable a =
          matrices(
              left, leftLabels, leftReal, stack, leftTurned ? sum : rows, leftTurned ? rows : sum);
      SDVariable b;
      boolean rightTurned = false;
      if (right == null) {
        b = weight(constant, rightLabels, rightReal, stack, sum, columns);
      } else {
        rightTurned = columns.length > 0 && endsIn(rightLying, rightReal, sum);
        b =
            matrices(
                right,
                rightLabels,
                rightReal,
                stack,
                rightTurned ? columns : sum,
                rightTurned ? sum : columns);
      }
      SDVariable y = emitter.graph().mmul(a, b, leftTurned, rightTurned, false);
      int[] order =
          IntStream.of(concat(stack, rows, columns)).map(l -> Tensor.place(out, l)).toArray();
      int outBatch = Tensor.place(out, batch);
      long[] sizes = Emitter.sizes(operation.output().shape(), order, outBatch);
      emitter.put(operation, emitter.graph().reshape(y, sizes), order, outBatch);
    }

    /** A constant that is the same for every image, for one of them. */
    private Constant once(Constant constant, int axis) throws IOException {
      long size = constant.shape()[axis];
      if (size != 1 && size != emitter.batch()) {
        throw new UnsupportedGraphException(
            operation + " has a constant that differs between the images of a batch");
      }
      return constant.unrepeated(axis, operation);
    }

    /** Labels but those of axes of one that the other operand has more of. */
    private int[] real(int[] labels, long[] shape, int[] others, long[] otherShape) {
      return IntStream.range(0, labels.length)
          .filter(
              axis ->
                  shape[axis] != 1
                      || !contains(others, labels[axis])
                      || otherShape[Tensor.place(others, labels[axis])] == 1)
          .map(axis -> labels[axis])
          .toArray();
    }

    private int[] select(
        int[] lying, int[] real, java.util.function.IntPredicate wanted, boolean stays) {
      return IntStream.of(lying)
          .filter(label -> contains(real, label))
          .filter(wanted)
          .filter(label -> contains(out, label) == stays)
          .toArray();
    }

    /** Whether a label that is summed over lies innermost. */
    private static boolean endsIn(int[] lying, int[] real, int[] sum) {
      int[] own = kept(lying, real);
      return own.length > 0 && contains(sum, own[own.length - 1]);
    }

    private static int[] concat(int[]... parts) {
      return Arrays.stream(parts).flatMapToInt(IntStream::of).toArray();
    }

    /** Axes of one that count for nothing, then the groups. */
    private static int[] axes(int[] labels, int[] real, int[]... groups) {
      IntStream nothing =
          IntStream.range(0, labels.length).filter(axis -> !contains(real, labels[axis]));
      IntStream rest = IntStream.of(concat(groups)).map(label -> Tensor.place(labels, label));
      return IntStream.concat(nothing, rest).toArray();
    }

    private SDVariable matrices(
        Tensor tensor, int[] labels, int[] real, int[] stack, int[] high, int[] wide) {
      SDVariable lying = emitter.arrange(tensor, axes(labels, real, stack, high, wide)).variable();
      long[] shape = tensor.shape();
      return emitter.graph().reshape(lying, sizes(labels, shape, stack, high, wide));
    }

    private long[] sizes(int[] labels, long[] shape, int[] stack, int[] high, int[] wide) {
      List<Long> sizes = new ArrayList<>();
      for (int[] group : List.of(stack, high, wide)) {
        long size = 1;
        for (int label : group) {
          size *= shape[Tensor.place(labels, label)];
        }
        sizes.add(contains(group, batch) ? -1 : size);
      }
      return sizes.stream().skip(stack.length == 0 ? 1 : 0).mapToLong(Long::longValue).toArray();
    }

    private SDVariable weight(
        Constant constant, int[] labels, int[] real, int[] stack, int[] high, int[] wide)
        throws IOException {
      int[] order = axes(labels, real, stack, high, wide);
      return emitter.parameter(
          operation,
          "weight",
          Role.WEIGHT,
          () -> Recipe.of(constant.transpose(order)),
          sizes(labels, constant.shape(), stack, high, wide));
    }
  }

  /** Rows times a weight, plus a bias; see {@link Fusion#LINEAR}. */
  private static final class Linear implements Converter {
    @Override
    public void convert(Operation linear, Emitter emitter) throws IOException {
      Constant weight = linear.constant(1);
      Constant bias = linear.input(2) == null ? null : linear.constant(2);
      write(linear, emitter, () -> Recipe.of(weight), weight.shape()[1], bias);
    }

    /** Writes the product over the last axis, whatever the order of the others. */
    static void write(
        Operation operation, Emitter emitter, Emitter.Weight weight, long out, Constant bias)
        throws IOException {
      Tensor x = emitter.tensor(operation.value(0));
      Emitter.Rows rows = emitter.rows(x, operation);
      long in = x.shape()[x.rank() - 1];
      SDVariable weights = emitter.parameter(operation, "weight", Role.WEIGHT, weight, in, out);
      SDVariable y = emitter.graph().mmul(rows.matrix(), weights);
      if (bias != null) {
        y = y.add(emitter.parameter(operation, "bias", Role.BIAS, () -> Recipe.of(bias), out));
      }
      emitter.putRows(operation, y, rows);
    }
  }

  /** Those that {@link Fusion} leaves: with factors. */
  private static final class Gemm implements Converter {
    @Override
    public List<long[]> shapes(OnnxNode node, List<Operand> inputs) throws IOException {
      if (inputs.get(0).shape().length != 2 || inputs.get(1).shape().length != 2) {
        throw new UnsupportedGraphException(
            Text.format("Gemm node \"%s\" does not multiply matrices", node.displayName()));
      }
      return Converter.super.shapes(node, inputs);
    }

    @Override
    public void convert(Operation gemm, Emitter emitter) throws IOException {
      OnnxNode node = gemm.node();
      Value x = gemm.value(0);
      Constant weight = gemm.constant(1);
      if (node.integer("transA", 0) == 1) {
        throw new UnsupportedGraphException(gemm + " transposes the images of a batch");
      }
      Constant oriented = node.integer("transB", 0) == 1 ? weight.transpose(1, 0) : weight;
      if (x.shape()[1] != oriented.shape()[0]) {
        throw new UnsupportedGraphException(
            gemm + " has a weight whose size does not match its input");
      }
      long out = oriented.shape()[1];
      double alpha = node.real("alpha", 1);
      double beta = node.real("beta", 1);
      Constant bias = gemm.input(2) == null ? null : scaled(gemm, beta, out);
      Linear.write(gemm, emitter, () -> new Recipe(oriented, null, alpha), out, bias);
    }

    private static Constant scaled(Operation gemm, double beta, long out) throws IOException {
      Constant bias = gemm.constant(2);
      long[] shape = bias.shape();
      boolean row = shape.length < 2 || shape[0] == 1;
      boolean fits = bias.size() == 1 || (shape.length > 0 && shape[shape.length - 1] == out);
      if (!row || !fits || beta != 1) {
        throw new UnsupportedGraphException(gemm + " adds something other than a bias");
      }
      return bias.reshape(bias.size()).broadcast(out);
    }
  }
}
