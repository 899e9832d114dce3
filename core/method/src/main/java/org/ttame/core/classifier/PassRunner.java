package org.ttame.core.classifier;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.ttame.core.Text;
import org.ttame.core.engine.EngineProfile;
import org.ttame.core.engine.GraphResult;
import org.ttame.core.engine.GraphRunner;

/**
 * Runs batches of any size through a graph, in passes of a size of its own: that which the graph is
 * written for, or at least so many rows as all passes are to have. Kernels choose their way by the
 * shape, so a row's bits could otherwise depend on how many rows happened to come with it.
 *
 * <p>Larger batches are cut where the graph is for one size; a pass that is not full is filled up
 * with copies of its last row, and what comes of those is cut off. What is fed and asked for has
 * the batch on its first axis, which may have several rows for each image, as tokens or heads do;
 * or it is one of the objectives. Targets of copies are zeros, so that they count for nothing
 * there. No image has an influence on another, so neither have the copies.
 */
public final class PassRunner implements AutoCloseable {
  private final GraphRunner runner;
  private final int own;
  private int least;

  /**
   * For a graph that takes any number of images: as many as come, until it is told otherwise.
   *
   * @param runner of the graph; closed with this one
   */
  public PassRunner(GraphRunner runner) {
    this(runner, 0);
  }

  /**
   * For a graph that is written for {@code own} images, or any if 0; its runner is closed with this
   * one.
   */
  PassRunner(GraphRunner runner, int own) {
    if (own < 0) {
      throw new IllegalArgumentException("A graph cannot be for " + own + " images");
    }
    this.runner = runner;
    this.own = own;
  }

  /** Images that each pass has at least; 0 for as many as come. */
  public int least() {
    return least;
  }

  /**
   * Has passes filled up from now on.
   *
   * @param images that each pass has at least; 0 for as many as come
   */
  public void least(int images) {
    if (images < 0) {
      throw new IllegalArgumentException("A pass cannot have " + images + " images");
    }
    least = images;
  }

  /** As {@link GraphRunner#run}. */
  public GraphResult run(Map<String, INDArray> inputs, Collection<String> outputs) {
    Batch batch = new Batch(inputs, least);
    return batch.isOnePass()
        ? runner.run(inputs, outputs)
        : batch.inPasses(outputs, List.of(), part -> runner.borrow(part, outputs));
  }

  /** As {@link GraphRunner#borrow}. */
  public GraphResult borrow(Map<String, INDArray> inputs, Collection<String> outputs) {
    return new Batch(inputs, least).isOnePass()
        ? runner.borrow(inputs, outputs)
        : run(inputs, outputs);
  }

  /**
   * As {@link GraphRunner#gradients}. The cross-entropy is the mean of all images: passes for it
   * are filled up only where the graph is for one size.
   */
  public GraphResult gradients(
      Map<String, INDArray> inputs,
      String objective,
      Collection<String> outputs,
      Collection<String> wrt) {
    boolean mean = objective.equals(Objectives.CROSS_ENTROPY);
    Batch batch = new Batch(inputs, mean ? 0 : least);
    if (batch.isOnePass()) {
      return runner.gradients(inputs, objective, outputs, wrt);
    }
    GraphResult result =
        batch.inPasses(outputs, wrt, part -> runner.gradients(part, objective, outputs, wrt));
    if (mean) {
      // The mean over all images is that of the passes, each for the whole size that it is run at.
      double share = (double) batch.size / batch.images;
      wrt.forEach(name -> result.gradient(name).muli(share));
    }
    return result;
  }

  /** As {@link GraphRunner#plannedBytes}, of one pass. */
  long plannedBytes(
      Map<String, INDArray> inputs,
      String objective,
      Collection<String> outputs,
      Collection<String> wrt) {
    Batch batch = new Batch(inputs, 0);
    if (batch.isOnePass()) {
      return runner.plannedBytes(inputs, Set.of(), objective, outputs, wrt);
    }
    Map<String, INDArray> pass = batch.pass(0);
    try {
      return runner.plannedBytes(pass, Set.of(), objective, outputs, wrt);
    } finally {
      pass.values().forEach(INDArray::close);
    }
  }

  /** As {@link GraphRunner#profile}. */
  public void profile(EngineProfile profile) {
    runner.profile(profile);
  }

  /** As {@link GraphRunner#describe}. */
  String describe() {
    return own == 0
        ? runner.describe()
        : Text.format("%s, %d images at a time", runner.describe(), own);
  }

  @Override
  public void close() {
    runner.close();
  }

  /** As {@link GraphRunner#closeWithGraph}. */
  public void closeWithGraph() {
    runner.closeWithGraph();
  }

  /** What is fed, and the size of the passes that it is run in. */
  private final class Batch {
    private final Map<String, INDArray> inputs;
    private final long images;
    private final long size;

    Batch(Map<String, INDArray> inputs, int least) {
      this.inputs = inputs;
      long[] counts =
          inputs.values().stream().mapToLong(array -> array.size(0)).sorted().distinct().toArray();
      if (counts.length == 0 || counts[0] == 0 || (own > 0 && counts.length > 1)) {
        throw new IllegalArgumentException(
            "All that is fed should be for the same images, got counts " + Arrays.toString(counts));
      }
      images = counts[0];
      size = own > 0 ? own : Math.max(least, images);
    }

    boolean isOnePass() {
      return images == size;
    }

    GraphResult inPasses(
        Collection<String> outputs,
        Collection<String> wrt,
        Function<Map<String, INDArray>, GraphResult> run) {
      Map<String, List<INDArray>> values = new HashMap<>();
      Map<String, List<INDArray>> slopes = new HashMap<>();
      try {
        for (long first = 0; first < images; first += size) {
          long asked = Math.min(size, images - first);
          Map<String, INDArray> fed = pass(first);
          try (GraphResult result = run.apply(fed)) {
            outputs.forEach(name -> keep(values, name, result.output(name), asked));
            wrt.forEach(name -> keep(slopes, name, result.gradient(name), asked));
          } finally {
            fed.values().forEach(INDArray::close);
          }
        }
        return new GraphResult(joined(values), joined(slopes));
      } finally {
        values.values().forEach(parts -> parts.forEach(INDArray::close));
        slopes.values().forEach(parts -> parts.forEach(INDArray::close));
      }
    }

    /** Copies of the images from {@code first} on, filled up to a pass. */
    Map<String, INDArray> pass(long first) {
      Map<String, INDArray> pass = new HashMap<>();
      inputs.forEach((name, array) -> pass.put(name, pass(name, array, first)));
      return pass;
    }

    private INDArray pass(String name, INDArray array, long first) {
      long each = each(name, array, images);
      long asked = Math.min(size, images - first);
      INDArray real = rows(array, first * each, asked * each);
      if (asked == size) {
        return real.dup('c');
      }
      long[] shape = array.shape().clone();
      shape[0] = size * each;
      INDArray filled = Nd4j.zeros(array.dataType(), shape);
      rows(filled, 0, asked * each).assign(real);
      if (!name.equals(Objectives.TARGET)) {
        INDArray last = rows(array, (first + asked - 1) * each, each);
        for (long image = asked; image < size; image++) {
          rows(filled, image * each, each).assign(last);
        }
      }
      return filled;
    }

    /**
     * The rows of real images. Of scalars only the objectives have a meaning for them; others are
     * about all images of a pass, also those that nobody asked for: there is none then.
     */
    private void keep(Map<String, List<INDArray>> to, String name, INDArray array, long asked) {
      INDArray kept = array;
      if (array.rank() > 0) {
        kept = rows(array, 0, asked * each(name, array, size));
      } else if (!name.equals(Objectives.CROSS_ENTROPY) && !name.equals(Objectives.LOGIT_SUM)) {
        return;
      }
      to.computeIfAbsent(name, key -> new ArrayList<>()).add(kept.dup('c'));
    }

    private Map<String, INDArray> joined(Map<String, List<INDArray>> passes) {
      Map<String, INDArray> all = new HashMap<>();
      passes.forEach((name, parts) -> all.put(name, joined(name, parts)));
      return all;
    }

    private INDArray joined(String name, List<INDArray> parts) {
      if (parts.get(0).rank() > 0) {
        return parts.size() == 1
            ? parts.remove(0) // a concatenation of one would be the part itself
            : Nd4j.concat(0, parts.toArray(INDArray[]::new));
      }
      double sum = parts.stream().mapToDouble(part -> part.getDouble(0)).sum();
      boolean mean = name.equals(Objectives.CROSS_ENTROPY);
      return Nd4j.scalar(parts.get(0).dataType(), mean ? sum * size / images : sum);
    }
  }

  /** How many rows an array has for each image. */
  private static long each(String name, INDArray array, long images) {
    if (array.size(0) % images != 0) {
      throw new IllegalArgumentException(
          Text.format(
              "%s cannot be run in passes of another size: for %d images it has shape %s",
              name, images, Arrays.toString(array.shape())));
    }
    return array.size(0) / images;
  }

  private static INDArray rows(INDArray array, long first, long count) {
    return array.get(NDArrayIndex.interval(first, first + count));
  }
}
