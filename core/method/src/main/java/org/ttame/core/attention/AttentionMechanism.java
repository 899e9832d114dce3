package org.ttame.core.attention;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.engine.HostMemory;
import org.ttame.core.engine.ThreadGuard;
import org.ttame.core.npz.Npz;

/**
 * The attention mechanism of T-TAME (Section III-C of the paper): feature maps in, one explanation
 * map per class out.
 *
 * <p>Each feature map goes through a branch, 1×1 convolution → batch normalisation → + input → ReLU
 * → upsampling to the largest map's size; a 1×1 convolution over all branches' channels makes the
 * maps. This class holds the arrays and knows how to append the mechanism to a SameDiff graph for
 * inference; {@link TrainableMaps} appends it for training.
 *
 * <p>Owns its arrays. It serves one thread at a time: what reads or changes arrays while another
 * thread does gets an {@link IllegalStateException}. Who changes {@link #parameters} in place
 * reserves them ({@link #reserved}).
 */
public final class AttentionMechanism implements AutoCloseable {
  /** Added to the variance in batch normalisation. */
  public static final double BN_EPSILON = 1e-5;

  /** The share of a batch's statistics in the running ones after a step. */
  public static final double BN_MOMENTUM = 0.1;

  private final AttentionSpec spec;
  private final DataType type;
  private final Map<String, ArrayLayout.Entry> layout;
  private final Map<String, INDArray> parameters = new LinkedHashMap<>();
  private final Map<String, INDArray> statistics = new LinkedHashMap<>();
  private final ThreadGuard guard = new ThreadGuard();

  private AttentionMechanism(AttentionSpec spec, DataType type) {
    this.spec = Objects.requireNonNull(spec, "spec");
    this.type = type;
    this.layout = ArrayLayout.of(spec);
  }

  /**
   * A new mechanism with PyTorch's initial values: convolution weights and biases uniform in
   * ±1/√fan_in, batch normalisation 1 and 0.
   *
   * @param spec its form
   * @param seed of the initial values; the same seed gives the same values everywhere
   * @return the mechanism, float32; the caller closes it
   */
  public static AttentionMechanism create(AttentionSpec spec, long seed) {
    return create(spec, seed, DataType.FLOAT);
  }

  /**
   * As {@link #create(AttentionSpec, long)} in another precision.
   *
   * @param spec its form
   * @param seed of the initial values
   * @param type {@link DataType#FLOAT} or {@link DataType#DOUBLE}
   * @return the mechanism; the caller closes it
   */
  public static AttentionMechanism create(AttentionSpec spec, long seed, DataType type) {
    AttentionMechanism mechanism = new AttentionMechanism(spec, type);
    SplittableRandom random = new SplittableRandom(seed);
    mechanism.layout.forEach(
        (name, entry) -> {
          INDArray array = Nd4j.createUninitialized(DataType.FLOAT, entry.shape(), 'c');
          HostMemory.fill(
              array,
              memory -> {
                FloatBuffer values = memory.asFloatBuffer();
                while (values.hasRemaining()) {
                  values.put(initialValue(entry, random));
                }
              });
          mechanism.put(name, entry, array.castTo(type));
        });
    return mechanism;
  }

  private static float initialValue(ArrayLayout.Entry entry, SplittableRandom random) {
    return switch (entry.role()) {
      case CONV_WEIGHT, CONV_BIAS ->
          (float) ((2 * random.nextDouble() - 1) * (1 / Math.sqrt(entry.fanIn())));
      case BN_WEIGHT, RUNNING_VAR -> 1;
      case BN_BIAS, RUNNING_MEAN -> 0;
    };
  }

  /**
   * A mechanism from the arrays of an npz file.
   *
   * @param spec its form
   * @param arrays by name, in PyTorch's layout; stay the caller's. {@code num_batches_tracked},
   *     which PyTorch's state dictionaries carry, is ignored
   * @return the mechanism, float32; the caller closes it
   * @throws IllegalArgumentException if an array is missing, has another shape, is not finite,
   *     holds a negative variance, or belongs to a mechanism of another form
   */
  public static AttentionMechanism fromNpz(AttentionSpec spec, Map<String, INDArray> arrays) {
    return fromNpz(spec, arrays, DataType.FLOAT);
  }

  /**
   * A mechanism from an npz file. Names and shapes are compared before any element is unpacked, so
   * that a file of something else is refused at no cost, whatever it would unpack to.
   *
   * @param spec its form
   * @param file an npz file
   * @return the mechanism, float32; the caller closes it
   * @throws IllegalArgumentException as {@link #fromNpz(AttentionSpec, Map)}
   */
  public static AttentionMechanism read(AttentionSpec spec, Path file) throws IOException {
    Map<String, INDArray> arrays =
        Npz.read(file, shapes -> checkShapes(spec, ArrayLayout.of(spec), shapes));
    try {
      return fromNpz(spec, arrays);
    } finally {
      arrays.values().forEach(INDArray::close);
    }
  }

  /** As {@link #fromNpz(AttentionSpec, Map)} in another precision. */
  public static AttentionMechanism fromNpz(
      AttentionSpec spec, Map<String, INDArray> arrays, DataType type) {
    AttentionMechanism mechanism = new AttentionMechanism(spec, type);
    Map<String, long[]> shapes = new LinkedHashMap<>();
    arrays.forEach((name, array) -> shapes.put(name, array.shape()));
    checkShapes(spec, mechanism.layout, shapes);
    mechanism.layout.forEach((name, entry) -> checkValues(name, entry, arrays.get(name)));
    mechanism.layout.forEach(
        (name, entry) ->
            mechanism.put(name, entry, Copies.of(arrays.get(name), type, entry.shape())));
    return mechanism;
  }

  private static void checkShapes(
      AttentionSpec spec, Map<String, ArrayLayout.Entry> layout, Map<String, long[]> shapes) {
    shapes.forEach(
        (name, shape) -> {
          boolean counter = name.endsWith(".num_batches_tracked") && shape.length == 0;
          if (!layout.containsKey(name) && !counter) {
            throw new IllegalArgumentException(
                Text.format(
                        "\"%s\" does not belong to a mechanism of variant %s on %d layers; check"
                            + " option 'variant' and",
                        name, spec.variant().optionName(), spec.features().size())
                    + " option 'layers'");
          }
        });
    layout.forEach(
        (name, entry) -> {
          long[] shape = shapes.get(name);
          if (shape == null) {
            throw new IllegalArgumentException(
                Text.format(
                    "The attention weights lack \"%s\"; present are %s",
                    name, String.join(", ", shapes.keySet())));
          }
          if (!Arrays.equals(shape, entry.fileShape())) {
            throw new IllegalArgumentException(
                Text.format(
                    "\"%s\" does not fit the classifier and its layers: expected %s, got %s",
                    name, Arrays.toString(entry.fileShape()), Arrays.toString(shape)));
          }
        });
  }

  private static void checkValues(String name, ArrayLayout.Entry entry, INDArray array) {
    // One pass: a sum is finite only if no value is NaN or infinite (weights are far from 1e38).
    if (!Double.isFinite(array.sumNumber().doubleValue())) {
      throw new IllegalArgumentException(
          Text.format(
              "\"%s\" holds values that are not finite; the file is damaged or its training"
                  + " diverged",
              name));
    }
    double least = array.minNumber().doubleValue();
    if (entry.role() == ArrayLayout.Role.RUNNING_VAR && least < 0) {
      throw new IllegalArgumentException(
          Text.format(
              "\"%s\" holds the variance %s, and none is below zero; the file is damaged",
              name, least));
    }
  }

  private void put(String name, ArrayLayout.Entry entry, INDArray array) {
    (entry.role().trainable() ? parameters : statistics).put(name, array);
  }

  /**
   * Does work on the arrays that no other thread may disturb: those that read or change them
   * meanwhile are refused.
   *
   * @return what the work returns
   * @throws IllegalStateException if another thread is at them
   */
  public <T> T reserved(Supplier<T> work) {
    return guard.call(work);
  }

  /** Its form. */
  public AttentionSpec spec() {
    return spec;
  }

  /** The precision of its arrays. */
  public DataType dataType() {
    return type;
  }

  /** h of its maps. */
  public int mapHeight() {
    return spec.mapHeight();
  }

  /** w of its maps. */
  public int mapWidth() {
    return spec.mapWidth();
  }

  /**
   * The trainable arrays by npz name, in a stable order. They are live: change them in place to
   * train. Convolution weights are matrices {@code [out, in]} here, everything else is a vector.
   */
  public Map<String, INDArray> parameters() {
    return Collections.unmodifiableMap(parameters);
  }

  /** The running means and variances by npz name, live, each {@code [C]}. */
  public Map<String, INDArray> statistics() {
    return Collections.unmodifiableMap(statistics);
  }

  /** The number of trainable values. */
  public long parameterCount() {
    return parameters.values().stream().mapToLong(INDArray::length).sum();
  }

  /**
   * All arrays as an npz file has them: PyTorch's names and shapes, float32.
   *
   * @return copies, in file order; the caller closes them
   */
  public Map<String, INDArray> toNpz() {
    Map<String, INDArray> copies = new LinkedHashMap<>();
    guard.run(
        () -> {
          layout.forEach(
              (name, entry) ->
                  copies.put(name, Copies.of(array(name), DataType.FLOAT, entry.fileShape())));
        });
    return copies;
  }

  /** A parameter or statistic by npz name. */
  INDArray array(String name) {
    INDArray array = parameters.get(name);
    return array != null ? array : statistics.get(name);
  }

  /**
   * Moves the running statistics towards those of a batch: r ← 0.9·r + 0.1·b.
   *
   * @param batch batch means and unbiased batch variances under the npz names of the running ones,
   *     each {@code [C]}; stay the caller's
   * @throws IllegalArgumentException if a name or shape is unknown
   */
  public void updateStatistics(Map<String, INDArray> batch) {
    guard.run(
        () -> {
          batch.forEach(
              (name, value) -> {
                INDArray running = statistics.get(name);
                if (running == null || !Arrays.equals(running.shape(), value.shape())) {
                  throw new IllegalArgumentException(
                      Text.format(
                          "No running statistic \"%s\" of shape %s",
                          name, Arrays.toString(value.shape())));
                }
                running.muli(1 - BN_MOMENTUM);
                try (INDArray share = value.mul(BN_MOMENTUM)) {
                  running.addi(share);
                }
              });
        });
  }

  /**
   * Appends the mechanism to a graph, for inference: batch normalisation uses the running
   * statistics. The present values become constants of the graph; later training does not reach
   * them.
   *
   * @param graph any graph with feature maps
   * @param features its variables for {@link AttentionSpec#features()}, in order: {@code [B, h, w,
   *     C]}, or {@code [B, 1 + h·w, C]} with the class token first
   * @param classes the classes whose maps are wanted: integers in [0, K), {@code [B, M]}; only
   *     these maps are computed
   * @return the maps before the sigmoid, {@code [B, M, h, w]} of {@link #mapHeight()} × {@link
   *     #mapWidth()}
   */
  public SDVariable attach(SameDiff graph, List<SDVariable> features, SDVariable classes) {
    return guard.call(
        () -> {
          return InferenceMaps.append(this, graph, features, classes);
        });
  }

  /**
   * Its present values as they are used after training, normalisation and skip folded.
   *
   * @return copies; the caller closes them
   */
  public InferenceWeights inferenceWeights() {
    return guard.call(() -> InferenceWeights.of(this));
  }

  @Override
  public void close() {
    guard.close(
        () -> {
          parameters.values().forEach(AttentionMechanism::release);
          statistics.values().forEach(AttentionMechanism::release);
        });
  }

  private static void release(INDArray array) {
    if (!array.wasClosed()) {
      array.close();
    }
  }

  /** The mechanism as it runs after training, with {@link InferenceWeights}. */
  private static final class InferenceMaps {
    private InferenceMaps() {}

    static SDVariable append(
        AttentionMechanism mechanism,
        SameDiff graph,
        List<SDVariable> features,
        SDVariable classes) {
      AttentionSpec spec = mechanism.spec();
      List<FeatureLayer> layers = spec.features();
      if (features.size() != layers.size()) {
        throw new IllegalArgumentException(
            Text.format(
                "The mechanism reads %d feature maps, got %d", layers.size(), features.size()));
      }
      InferenceWeights values = InferenceWeights.of(mechanism); // the graph's own from here on
      List<SDVariable> activations = new ArrayList<>();
      List<SDVariable> weights = new ArrayList<>();
      for (int i = 0; i < layers.size(); i++) {
        SDVariable rows = BranchOps.adapt(features.get(i), layers.get(i));
        activations.add(
            spec.variant().hasBranches()
                ? branch(graph, spec.variant(), values.branches().get(i), rows)
                : rows);
        weights.add(graph.gather(graph.constant(values.fusion().get(i)), classes, 0));
      }
      int h = spec.mapHeight();
      int w = spec.mapWidth();
      SDVariable maps = BranchOps.fuse(graph, layers, activations, weights, h, w);
      // As a column: gather on a vector with a matrix of indices crashes the JVM.
      INDArray column = Copies.of(values.bias(), mechanism.dataType(), spec.classes(), 1);
      values.bias().close();
      SDVariable bias = graph.gather(graph.constant(column), classes, 0);
      SDVariable size = graph.constant(Nd4j.createFromArray(new long[] {h, w}));
      SDVariable shape = graph.concat(0, graph.shape(classes).castTo(DataType.INT64), size);
      return graph.reshape(maps.add(bias.reshape(-1, 1, 1)), shape);
    }

    private static SDVariable branch(
        SameDiff graph, Variant variant, InferenceWeights.Affine affine, SDVariable rows) {
      SDVariable sum =
          graph
              .mmul(rows, graph.constant(affine.weight()), false, true, false)
              .add(graph.constant(affine.bias()));
      return BranchOps.activate(graph, variant, sum);
    }
  }
}
