package org.ttame.backbones;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.MaxPooling2D;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;
import org.nd4j.linalg.api.ops.impl.reduce.same.Max;
import org.nd4j.linalg.api.ops.impl.transforms.clip.ClipByValue;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.ttame.backbones.graph.BackboneGraph;

/**
 * A graph whose piecewise linear operations (ReLU, clip, max pool, maximum along an axis) take for
 * every value the branch that a run in double precision took: each becomes a product with a
 * constant. Its gradient has no kinks left, so that of float32 must be that of double but for
 * rounding. Where it is, and the graph's own is not, the difference is that of values a rounding
 * away from a kink.
 */
final class HeldBranches {
  private static final int MIN = 0;
  private static final int MAX = 1;

  private final SameDiff graph;
  private final Map<String, INDArray> exact;

  /** A kink: an operation, and the name of the value that decides on its branch. */
  private record Kink(SameDiffOp operation, String input) {
    String output() {
      return operation.getOutputsOfOp().get(0);
    }

    boolean pools() {
      return operation.getOp() instanceof MaxPooling2D;
    }

    /** Of a maximum along an axis the operation, else null. */
    Max maximum() {
      return operation.getOp() instanceof Max max ? max : null;
    }
  }

  private HeldBranches(SameDiff graph, Map<String, INDArray> exact) {
    this.graph = graph;
    this.exact = exact;
  }

  private static List<Kink> kinks(SameDiff graph) {
    return graph.getOps().values().stream()
        .filter(
            o ->
                o.getOp() instanceof Max
                    || List.of("relu", "ClipByValue", "maxpool2d").contains(o.getOp().opName()))
        .map(o -> new Kink(o, o.getInputsToOp().get(0)))
        .toList();
  }

  /** The names of all values that decide on a branch. */
  static Collection<String> deciding(SameDiff graph) {
    return kinks(graph).stream().map(Kink::input).distinct().toList();
  }

  /** How many of a graph's ReLUs and clips take another branch than in double precision. */
  static long differing(SameDiff graph, Map<String, INDArray> single, Map<String, INDArray> exact) {
    long count = 0;
    for (Kink kink : kinks(graph)) {
      if (kink.maximum() != null) {
        try (INDArray x = chosen(kink, exact.get(kink.input()));
            INDArray y = chosen(kink, single.get(kink.input()))) {
          // Where another one is the largest, two places differ.
          count += Math.round(x.squaredDistance(y)) / 2;
        }
      } else if (!kink.pools()) {
        double[] bounds = bounds(kink);
        INDArray a = exact.get(kink.input());
        INDArray b = single.get(kink.input());
        for (double bound : bounds) {
          if (Double.isFinite(bound)) {
            try (INDArray x = a.gt(bound);
                INDArray y = b.gt(bound);
                INDArray differs = x.neq(y);
                INDArray counted = differs.castTo(DataType.INT64)) {
              count += counted.sumNumber().longValue();
            }
          }
        }
      }
    }
    return count;
  }

  /**
   * Holds a graph's branches; it is good for one batch from then on.
   *
   * @param graph in any precision
   * @param exact the deciding values in double precision, by name
   */
  static void hold(BackboneGraph graph, Map<String, INDArray> exact) {
    HeldBranches held = new HeldBranches(graph.graph(), exact);
    for (Kink kink : kinks(graph.graph())) {
      // What it reads by now: the kink before it may have been replaced.
      SDVariable x = graph.graph().getVariable(kink.operation().getInputsToOp().get(0));
      List<String> readers =
          List.copyOf(graph.graph().getVariables().get(kink.output()).getInputsForOp());
      SDVariable y =
          kink.maximum() != null
              ? held.maximum(kink, x)
              : kink.pools() ? held.pool(kink, x) : held.pieces(kink, x);
      held.replace(kink.output(), y, readers);
    }
  }

  private void replace(String output, SDVariable by, List<String> readers) {
    for (String reader : readers) {
      SameDiffOp operation = graph.getOps().get(reader);
      List<String> inputs = new ArrayList<>(operation.getInputsToOp());
      inputs.replaceAll(name -> name.equals(output) ? by.name() : name);
      operation.setInputsToOp(inputs);
    }
    graph.getVariables().get(by.name()).setInputsForOp(new ArrayList<>(readers));
    graph.getVariables().get(output).setInputsForOp(new ArrayList<>());
  }

  /** Where a ReLU or a clip has its kinks. */
  private static double[] bounds(Kink kink) {
    if (kink.operation().getOp() instanceof ClipByValue clip) {
      return new double[] {clip.tArgs()[MIN], clip.tArgs()[MAX]};
    }
    return new double[] {0, Double.POSITIVE_INFINITY};
  }

  private SDVariable pieces(Kink kink, SDVariable x) {
    double[] bounds = bounds(kink);
    INDArray value = exact.get(kink.input());
    try (INDArray above = value.gt(bounds[MIN]);
        INDArray below = value.lt(bounds[MAX]);
        INDArray between = Nd4j.create(DataType.DOUBLE, value.shape());
        INDArray high = Nd4j.create(DataType.DOUBLE, value.shape())) {
      between.assign(above).muli(below.castTo(DataType.DOUBLE));
      high.assign(below).rsubi(1);
      double top = Double.isFinite(bounds[MAX]) ? bounds[MAX] : 0;
      // Elsewhere than between the bounds it is one of them: min + (max − min) where it is high.
      INDArray rest = between.rsub(1).muli(bounds[MIN]).addi(high.muli(top - bounds[MIN]));
      SDVariable y = x.mul(constant(between));
      return rest.amaxNumber().doubleValue() == 0 ? y : y.add(constant(rest));
    }
  }

  private SDVariable constant(INDArray values) {
    return graph.constant(values.castTo(dataType()).dup('c'));
  }

  private DataType dataType() {
    return graph.getVariable(BackboneGraph.INPUT).dataType();
  }

  /** The largest values as a sum over all, of which the first of the largest counts. */
  private SDVariable maximum(Kink kink, SDVariable x) {
    Max max = kink.maximum();
    SDVariable picked = x.mul(constant(chosen(kink, exact.get(kink.input()))));
    return graph.sum(picked, max.isKeepDims(), axis(max));
  }

  private static int axis(Max max) {
    int[] axes = max.dimensions().toIntVector();
    if (axes.length != 1) {
      throw new IllegalArgumentException("a maximum over " + axes.length + " axes");
    }
    return axes[0];
  }

  /** One where the first of the largest values along the axis is, else zero. */
  private static INDArray chosen(Kink kink, INDArray values) {
    int axis = axis(kink.maximum());
    INDArray ones = Nd4j.zeros(DataType.DOUBLE, values.shape());
    try (INDArray largest = values.max(true, axis);
        INDArray free = Nd4j.ones(DataType.DOUBLE, largest.shape())) {
      for (long i = 0; i < values.size(axis); i++) {
        INDArrayIndex[] at = new INDArrayIndex[values.rank()];
        java.util.Arrays.fill(at, NDArrayIndex.all());
        at[axis] = NDArrayIndex.interval(i, i + 1);
        INDArray here = values.get(at).dup('c').eq(largest).castTo(DataType.DOUBLE).muli(free);
        free.subi(here);
        ones.get(at).assign(here);
      }
    }
    return ones;
  }

  /** Each window's largest value as a sum over the places of windows, of which one counts. */
  private SDVariable pool(Kink kink, SDVariable x) {
    Pooling2DConfig config = ((MaxPooling2D) kink.operation().getOp()).getConfig();
    INDArray value = exact.get(kink.input());
    long rows = outputs(value.size(1), config.getKH(), config.getSH(), config.getPH());
    long columns = outputs(value.size(2), config.getKW(), config.getSW(), config.getPW());
    long[][] pads = {
      {0, 0},
      {config.getPH(), pad(rows, value.size(1), config.getKH(), config.getSH(), config.getPH())},
      {config.getPW(), pad(columns, value.size(2), config.getKW(), config.getSW(), config.getPW())},
      {0, 0}
    };
    INDArray padded =
        Nd4j.valueArrayOf(
            new long[] {
              value.size(0),
              value.size(1) + pads[1][0] + pads[1][1],
              value.size(2) + pads[2][0] + pads[2][1],
              value.size(3)
            },
            -Double.MAX_VALUE,
            DataType.DOUBLE);
    padded
        .get(
            NDArrayIndex.all(),
            NDArrayIndex.interval(pads[1][0], pads[1][0] + value.size(1)),
            NDArrayIndex.interval(pads[2][0], pads[2][0] + value.size(2)),
            NDArrayIndex.all())
        .assign(value);
    SDVariable wide = graph.nn().pad(x, graph.constant(Nd4j.createFromArray(ints(pads))), 0);
    List<Map.Entry<long[], INDArray>> places = new ArrayList<>();
    INDArray largest = null;
    for (long i = 0; i < config.getKH(); i++) {
      for (long j = 0; j < config.getKW(); j++) {
        INDArray view =
            padded.get(
                NDArrayIndex.all(),
                every(i, rows, config.getSH()),
                every(j, columns, config.getSW()),
                NDArrayIndex.all());
        places.add(Map.entry(new long[] {i, j}, view));
        largest = largest == null ? view.dup('c') : Nd4j.math().max(largest, view);
      }
    }
    INDArray free = Nd4j.ones(DataType.DOUBLE, largest.shape());
    SDVariable sum = null;
    for (Map.Entry<long[], INDArray> place : places) {
      // Of equal values the first counts.
      INDArray chosen = place.getValue().eq(largest).castTo(DataType.DOUBLE).muli(free);
      free.subi(chosen);
      long i = place.getKey()[0];
      long j = place.getKey()[1];
      SDVariable part =
          graph
              .stridedSlice(
                  wide,
                  new long[] {0, i, j, 0},
                  new long[] {
                    value.size(0),
                    i + (rows - 1) * config.getSH() + 1,
                    j + (columns - 1) * config.getSW() + 1,
                    value.size(3)
                  },
                  1,
                  config.getSH(),
                  config.getSW(),
                  1)
              .mul(constant(chosen));
      sum = sum == null ? part : sum.add(part);
    }
    return sum;
  }

  private static long outputs(long size, long kernel, long stride, long pad) {
    return (size + 2 * pad - kernel) / stride + 1;
  }

  private static long pad(long outputs, long size, long kernel, long stride, long before) {
    return Math.max(0, (outputs - 1) * stride + kernel - size - before);
  }

  private static INDArrayIndex every(long from, long count, long stride) {
    return NDArrayIndex.interval(from, stride, from + (count - 1) * stride + 1);
  }

  private static int[][] ints(long[][] values) {
    int[][] ints = new int[values.length][];
    for (int i = 0; i < values.length; i++) {
      ints[i] = new int[] {(int) values[i][0], (int) values[i][1]};
    }
    return ints;
  }
}
