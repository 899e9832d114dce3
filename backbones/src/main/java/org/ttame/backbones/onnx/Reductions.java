package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/** Operators that reduce axes: axes are an attribute in old operator sets, an input in new ones. */
final class Reductions implements Converter {
  /** The smallest sum of squares whose root has a derivative in float32. */
  private static final double LEAST = 1e-37;

  private static final List<String> TYPES =
      List.of(
          "ReduceMean",
          "ReduceSum",
          "ReduceMax",
          "ReduceMin",
          "ReduceProd",
          "ReduceL1",
          "ReduceL2",
          "ReduceSumSquare",
          "ReduceLogSum",
          "ReduceLogSumExp");

  private Reductions() {}

  static void register(ConverterRegistry registry) {
    for (String type : TYPES) {
      registry.add(type, 1, new Reductions(), "axes", "keepdims", "noop_with_empty_axes");
    }
  }

  /** The axes that are reduced: all where none are named, but for operators told to do nothing. */
  private static int[] axes(OnnxNode node, List<Operand> inputs) throws IOException {
    if (inputs.size() > 1 && inputs.get(1) instanceof Value) {
      throw new UnsupportedGraphException(
          node.type() + " node \"" + node.displayName() + "\" reduces axes that are computed");
    }
    int[] axes = Shapes.reducedAxes(node, inputs);
    if (IntStream.of(axes).distinct().count() != axes.length) {
      throw new UnsupportedGraphException(
          node.type() + " node \"" + node.displayName() + "\" reduces an axis twice");
    }
    boolean none =
        (inputs.size() > 1 && inputs.get(1) instanceof Constant given)
            ? given.size() == 0
            : node.integers("axes") == null;
    if (!none) {
      return axes;
    }
    return node.integer("noop_with_empty_axes", 0) == 1
        ? new int[0]
        : Tensor.plain(inputs.get(0).shape().length);
  }

  @Override
  public List<long[]> shapes(OnnxNode node, List<Operand> inputs) throws IOException {
    long[] shape = inputs.get(0).shape();
    if (Constant.count(shape) == 0) {
      throw new UnsupportedGraphException(
          node.type() + " node \"" + node.displayName() + "\" reduces an empty tensor");
    }
    List<Long> sizes = new ArrayList<>();
    int[] axes = axes(node, inputs);
    for (int axis = 0; axis < shape.length; axis++) {
      int current = axis;
      if (IntStream.of(axes).noneMatch(gone -> gone == current)) {
        sizes.add(shape[axis]);
      } else if (node.integer("keepdims", 1) == 1) {
        sizes.add(1L);
      }
    }
    return List.of(sizes.stream().mapToLong(Long::longValue).toArray());
  }

  @Override
  public void convert(Operation reduce, Emitter emitter) throws IOException {
    Tensor x = emitter.tensor(reduce.value(0));
    int[] axes = axes(reduce.node(), reduce.inputs());
    if (axes.length == 0 && reduce.is("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin")) {
      emitter.alias(reduce.output(), x);
      return;
    }
    if (axes.length == 0) {
      throw new UnsupportedGraphException(reduce + " reduces no axis");
    }
    if (IntStream.of(axes).anyMatch(axis -> axis == x.batch())) {
      throw new UnsupportedGraphException(reduce + " mixes the images of a batch");
    }
    boolean keep = reduce.node().integer("keepdims", 1) == 1;
    int[] places = IntStream.of(axes).map(x::place).sorted().toArray();
    SDVariable y = reduced(reduce.type(), emitter.graph(), x.variable(), keep, places);
    if (keep) {
      emitter.putLike(reduce, y, x);
      return;
    }
    int[] left =
        IntStream.range(0, x.rank())
            .filter(axis -> IntStream.of(axes).noneMatch(gone -> gone == axis))
            .toArray();
    int[] order =
        IntStream.of(x.order())
            .filter(axis -> IntStream.of(left).anyMatch(kept -> kept == axis))
            .map(axis -> Tensor.place(left, axis))
            .toArray();
    emitter.put(reduce, y, order, Tensor.place(left, x.batch()));
  }

  private static SDVariable reduced(
      String type, SameDiff graph, SDVariable x, boolean keep, int... places) {
    return switch (type) {
      case "ReduceMean" -> graph.mean(x, keep, places);
      case "ReduceSum" -> graph.sum(x, keep, places);
      case "ReduceMax" -> graph.max(x, keep, places);
      case "ReduceProd" -> graph.prod(x, keep, places);
      case "ReduceMin" -> graph.max(x.neg(), keep, places).neg();
      case "ReduceL1" -> graph.sum(graph.math().abs(x), keep, places);
      case "ReduceSumSquare" -> graph.sum(x.mul(x), keep, places);
      case "ReduceL2" -> {
        // The norm of nothing but zeros has no derivative; it counts as none, as in PyTorch.
        SDVariable squares = graph.sum(x.mul(x), keep, places);
        yield graph.math().sqrt(graph.math().clipByValue(squares, LEAST, Float.MAX_VALUE));
      }
      case "ReduceLogSum" -> graph.math().log(graph.sum(x, keep, places));
      default -> {
        SDVariable greatest = graph.max(x, true, places);
        SDVariable sum = graph.sum(graph.math().exp(x.sub(greatest)), keep, places);
        SDVariable added = keep ? greatest : graph.max(x, false, places);
        yield graph.math().log(sum).add(added);
      }
    };
  }
}
