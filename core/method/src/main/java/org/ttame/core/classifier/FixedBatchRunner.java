package org.ttame.core.classifier;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.ttame.core.Text;
import org.ttame.core.engine.EngineProfile;
import org.ttame.core.engine.GraphResult;
import org.ttame.core.engine.GraphRunner;
import org.ttame.core.engine.PendingGradients;

/**
 * Runs batches of any size through a graph that is written for one size: one part after another,
 * the last one filled up with copies of its last image. What is fed and asked for has the batch on
 * its first axis, or is one of the objectives; targets of copies are zeros, so that they count for
 * nothing there. No image has an influence on another, so neither have the copies.
 */
final class FixedBatchRunner implements GraphRunner {
  private final GraphRunner runner;
  private final int size;

  /**
   * Wraps a runner.
   *
   * @param runner of the graph; closed with this one
   * @param size how many images the graph is for
   */
  FixedBatchRunner(GraphRunner runner, int size) {
    if (size < 1) {
      throw new IllegalArgumentException("A batch has one image or more, got " + size);
    }
    this.runner = runner;
    this.size = size;
  }

  @Override
  public GraphResult run(Map<String, INDArray> inputs, Collection<String> outputs) {
    return inParts(inputs, outputs, List.of(), part -> runner.run(part, outputs));
  }

  @Override
  public GraphResult borrow(Map<String, INDArray> inputs, Collection<String> outputs) {
    return fits(inputs) ? runner.borrow(inputs, outputs) : run(inputs, outputs);
  }

  @Override
  public GraphResult gradients(
      Map<String, INDArray> inputs,
      String objective,
      Collection<String> outputs,
      Collection<String> wrt) {
    GraphResult result =
        inParts(inputs, outputs, wrt, part -> runner.gradients(part, objective, outputs, wrt));
    if (objective.equals(Objectives.CROSS_ENTROPY)) {
      // The mean over all images is that of the parts, each for the whole size that it is run at.
      double share = (double) size / images(inputs);
      wrt.forEach(name -> result.gradient(name).muli(share));
    }
    return result;
  }

  @Override
  public PendingGradients begin(
      Map<String, INDArray> inputs,
      Set<String> late,
      String objective,
      Collection<String> outputs,
      Collection<String> wrt) {
    throw new UnsupportedOperationException("A graph of a fixed batch does not wait half way");
  }

  @Override
  public long plannedBytes(
      Map<String, INDArray> inputs,
      Set<String> late,
      String objective,
      Collection<String> outputs,
      Collection<String> wrt) {
    Map<String, INDArray> one = new HashMap<>();
    inputs.forEach((name, array) -> one.put(name, part(name, array, 0)));
    try {
      return runner.plannedBytes(one, late, objective, outputs, wrt);
    } finally {
      one.values().forEach(INDArray::close);
    }
  }

  @Override
  public void profile(EngineProfile profile) {
    runner.profile(profile);
  }

  @Override
  public String describe() {
    return Text.format("%s, %d images at a time", runner.describe(), size);
  }

  @Override
  public void close() {
    runner.close();
  }

  /** One run at the graph's own size. */
  @FunctionalInterface
  private interface Part {
    GraphResult run(Map<String, INDArray> inputs);
  }

  private GraphResult inParts(
      Map<String, INDArray> inputs, Collection<String> outputs, Collection<String> wrt, Part part) {
    long count = images(inputs);
    Map<String, List<INDArray>> values = new HashMap<>();
    Map<String, List<INDArray>> slopes = new HashMap<>();
    try {
      for (long first = 0; first < count; first += size) {
        Map<String, INDArray> fed = new HashMap<>();
        long start = first;
        inputs.forEach((name, array) -> fed.put(name, part(name, array, start)));
        long rows = Math.min(size, count - first);
        try (GraphResult result = part.run(fed)) {
          for (String name : outputs) {
            keep(values, name, result.output(name), rows);
          }
          for (String name : wrt) {
            keep(slopes, name, result.gradient(name), rows);
          }
        } finally {
          fed.values().forEach(INDArray::close);
        }
      }
      Map<String, INDArray> all = new HashMap<>();
      values.forEach((name, parts) -> all.put(name, joined(name, parts, count)));
      Map<String, INDArray> gradients = new HashMap<>();
      slopes.forEach((name, parts) -> gradients.put(name, joined(name, parts, count)));
      return new GraphResult(all, gradients);
    } finally {
      values.values().forEach(parts -> parts.forEach(INDArray::close));
      slopes.values().forEach(parts -> parts.forEach(INDArray::close));
    }
  }

  /** The rows of real images; a scalar objective has none. */
  private static void keep(Map<String, List<INDArray>> to, String name, INDArray array, long rows) {
    to.computeIfAbsent(name, key -> new ArrayList<>())
        .add((array.rank() == 0 ? array : rows(array, 0, rows)).dup('c'));
  }

  private INDArray joined(String name, List<INDArray> parts, long count) {
    if (parts.get(0).rank() > 0) {
      return parts.size() == 1
          ? parts.get(0).dup('c') // a concatenation of one would be the part itself
          : Nd4j.concat(0, parts.toArray(INDArray[]::new));
    }
    double sum = parts.stream().mapToDouble(part -> part.getDouble(0)).sum();
    boolean mean = name.equals(Objectives.CROSS_ENTROPY);
    return Nd4j.scalar(parts.get(0).dataType(), mean ? sum * size / count : sum);
  }

  private boolean fits(Map<String, INDArray> inputs) {
    return images(inputs) == size;
  }

  private static long images(Map<String, INDArray> inputs) {
    long[] counts = inputs.values().stream().mapToLong(array -> array.size(0)).distinct().toArray();
    if (counts.length != 1 || counts[0] == 0) {
      throw new IllegalArgumentException(
          "All that is fed should be for the same images, got counts "
              + java.util.Arrays.toString(counts));
    }
    return counts[0];
  }

  /** Rows from {@code first} on, filled up to the graph's size. */
  private INDArray part(String name, INDArray array, long first) {
    long rows = Math.min(size, array.size(0) - first);
    INDArray real = rows(array, first, rows);
    if (rows == size) {
      return real.dup('c');
    }
    long[] shape = array.shape().clone();
    shape[0] = size;
    INDArray filled = Nd4j.zeros(array.dataType(), shape);
    rows(filled, 0, rows).assign(real);
    if (!name.equals(Objectives.TARGET)) {
      INDArray last = rows(array, first + rows - 1, 1);
      for (long row = rows; row < size; row++) {
        rows(filled, row, 1).assign(last);
      }
    }
    return filled;
  }

  private static INDArray rows(INDArray array, long first, long count) {
    return array.get(NDArrayIndex.interval(first, first + count));
  }
}
