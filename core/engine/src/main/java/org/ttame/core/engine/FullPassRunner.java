package org.ttame.core.engine;

import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.ttame.core.Text;

/**
 * Runs a graph whose inputs and outputs are batches, rows independent of each other, with at least
 * so many rows: fewer are filled up by repeating the last one, and what comes of those is cut off.
 * Kernels choose their way by the shape, so a row's bits could otherwise depend on how many rows
 * happened to come with it.
 */
public final class FullPassRunner implements GraphRunner {
  private final GraphRunner runner;
  private int rows;

  /**
   * A runner that takes batches as they come, until it is told otherwise.
   *
   * @param runner runs the graph; closed with this
   */
  public FullPassRunner(GraphRunner runner) {
    this.runner = runner;
  }

  /** Rows that each pass has at least; 0 for as many as come. */
  public int rows() {
    return rows;
  }

  /**
   * Has passes filled up from now on.
   *
   * @param value rows that each pass has at least; 0 for as many as come
   */
  public void rows(int value) {
    if (value < 0) {
      throw new IllegalArgumentException("A pass cannot have " + value + " rows");
    }
    rows = value;
  }

  /** The runner that takes batches as they come, for objectives in which rows are not apart. */
  public GraphRunner asTheyCome() {
    return runner;
  }

  @Override
  public GraphResult run(Map<String, INDArray> inputs, Collection<String> outputs) {
    try (Filled filled = new Filled(inputs)) {
      return filled.cut(runner.run(filled.inputs, outputs));
    }
  }

  @Override
  public GraphResult borrow(Map<String, INDArray> inputs, Collection<String> outputs) {
    try (Filled filled = new Filled(inputs)) {
      return filled.cut(runner.borrow(filled.inputs, outputs));
    }
  }

  @Override
  public GraphResult gradients(
      Map<String, INDArray> inputs,
      String objective,
      Collection<String> outputs,
      Collection<String> wrt) {
    try (Filled filled = new Filled(inputs)) {
      return filled.cut(runner.gradients(filled.inputs, objective, outputs, wrt));
    }
  }

  @Override
  public PendingGradients begin(
      Map<String, INDArray> inputs,
      Set<String> late,
      String objective,
      Collection<String> outputs,
      Collection<String> wrt) {
    return runner.begin(inputs, late, objective, outputs, wrt);
  }

  @Override
  public long plannedBytes(
      Map<String, INDArray> inputs,
      Set<String> late,
      String objective,
      Collection<String> outputs,
      Collection<String> wrt) {
    return runner.plannedBytes(inputs, late, objective, outputs, wrt);
  }

  @Override
  public void profile(EngineProfile profile) {
    runner.profile(profile);
  }

  @Override
  public String describe() {
    return runner.describe();
  }

  @Override
  public void close() {
    runner.close();
  }

  /** Inputs of a full pass, and how many of their rows were asked for. */
  private final class Filled implements AutoCloseable {
    private final Map<String, INDArray> given;
    private final Map<String, INDArray> inputs;
    private final long asked;

    Filled(Map<String, INDArray> given) {
      this.given = given;
      asked = given.values().stream().mapToLong(array -> array.size(0)).min().orElse(0);
      if (asked == 0 || asked >= rows) {
        inputs = given;
        return;
      }
      inputs = new HashMap<>();
      given.forEach((name, array) -> inputs.put(name, filled(name, array)));
    }

    /** The array may have several rows for each of the batch, as tokens or heads of images. */
    private INDArray filled(String name, INDArray array) {
      if (array.size(0) % asked != 0) {
        throw new IllegalArgumentException(
            Text.format(
                "A pass of %d rows cannot be filled up: %s has %d", asked, name, array.size(0)));
      }
      long each = array.size(0) / asked;
      long[] shape = array.shape().clone();
      shape[0] = rows * each;
      INDArray full = Nd4j.createUninitialized(array.dataType(), shape, 'c');
      full.get(NDArrayIndex.interval(0, array.size(0))).assign(array);
      INDArray last = array.get(NDArrayIndex.interval(array.size(0) - each, array.size(0)));
      for (long row = asked; row < rows; row++) {
        full.get(NDArrayIndex.interval(row * each, (row + 1) * each)).assign(last);
      }
      return full;
    }

    GraphResult cut(GraphResult full) {
      return inputs == given ? full : full.mapped(this::cut);
    }

    /**
     * Of arrays whose first dimension is the batch, or begins with it, as heads within images. A
     * scalar is about all rows, also those that nobody asked for: there is none then.
     */
    private INDArray cut(INDArray array) {
      if (array.rank() == 0) {
        return null;
      }
      if (array.size(0) % rows != 0) {
        throw new IllegalStateException(
            Text.format(
                "What came of a pass of %d rows has none: %s",
                rows, Arrays.toString(array.shape())));
      }
      return array.get(NDArrayIndex.interval(0, array.size(0) / rows * asked)).dup('c');
    }

    @Override
    public void close() {
      if (inputs != given) {
        inputs.values().forEach(INDArray::close);
      }
    }
  }
}
