package org.ttame.training.optimizer;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.FloatPointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.shape.Shape;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;
import org.ttame.core.engine.ComputingThreads;
import org.ttame.core.engine.HostMemory;

/**
 * Stochastic gradient descent with Nesterov momentum, as {@code torch.optim.SGD(nesterov=True)}
 * with dampening 0 does it. For each parameter p with gradient g, velocity v (zero before the first
 * step), momentum μ and learning rate η:
 *
 * <pre>
 *   d = g + decay·p        (decay only where the name does not end in "bias")
 *   v = μ·v + d
 *   p = p − η·(d + μ·v)
 * </pre>
 *
 * <p>The parameters are changed in place. Velocities have the parameters' shapes. Memory is taken
 * once, on construction.
 *
 * <p>All of it is one pass over parameter, velocity and gradient: with nine million parameters, as
 * ResNet-50's mechanism has, memory is what a step waits for. Where arrays do not lie in the
 * process's memory ({@link HostMemory}), ND4J's operations do the same.
 */
public final class NesterovSgd implements AutoCloseable {
  private final double weightDecay;
  private final Map<String, INDArray> parameters;
  private final Map<String, INDArray> velocities = new LinkedHashMap<>();
  private final boolean inPlace;

  /**
   * Values that are updated at a time. They are copied to arrays, which stay in the first cache:
   * the compiler vectorises loops over arrays, not over memory outside the heap.
   */
  private static final int BLOCK = 2048;

  /**
   * Prepares the optimiser with zero velocities.
   *
   * @param parameters name → live float32 array; they stay the caller's and must outlive this
   * @param weightDecay how strongly weights are drawn to zero; 0 for not at all
   */
  public NesterovSgd(Map<String, INDArray> parameters, double weightDecay) {
    this(parameters, weightDecay, HostMemory.backend());
  }

  /**
   * The same, for a backend of ND4J.
   *
   * @param backend as {@link HostMemory} names it
   */
  NesterovSgd(Map<String, INDArray> parameters, double weightDecay, String backend) {
    inPlace = HostMemory.holdsArrays(backend);
    if (!(weightDecay >= 0) || Double.isInfinite(weightDecay)) {
      throw new IllegalArgumentException(
          "Weight decay must be a finite number that is not negative, got " + weightDecay);
    }
    this.weightDecay = weightDecay;
    this.parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
    parameters.forEach(
        (name, parameter) -> {
          if (!isPlain(parameter)) {
            throw new IllegalArgumentException(
                Text.format("Parameter %s must be a dense float32 array in c order", name));
          }
          velocities.put(name, Nd4j.zeros(parameter.dataType(), parameter.shape()));
        });
  }

  /**
   * Changes every parameter by one step.
   *
   * @param gradients name → gradient for each parameter, of its shape; not changed
   * @param learningRate η
   * @param momentum μ
   * @throws IllegalArgumentException if a gradient is missing or of another shape; nothing is then
   *     changed
   */
  public void step(Map<String, INDArray> gradients, double learningRate, double momentum) {
    parameters.forEach((name, parameter) -> check(name, parameter, gradients.get(name)));
    parameters.forEach(
        (name, parameter) -> {
          float decay = decays(name) ? (float) weightDecay : 0;
          Rates rates = new Rates(decay, (float) momentum, (float) learningRate);
          if (inPlace) {
            updateInPlace(parameter, velocities.get(name), gradients.get(name), rates);
          } else {
            update(parameter, velocities.get(name), gradients.get(name), rates);
          }
        });
  }

  /** Whether arrays are changed at their addresses. */
  boolean isInPlace() {
    return inPlace;
  }

  /** What all values of a parameter share. */
  private record Rates(float decay, float momentum, float learningRate) {}

  /** By ND4J's operations, wherever the arrays lie. */
  private static void update(INDArray p, INDArray v, INDArray gradient, Rates rates) {
    try (INDArray change = p.mul(rates.decay()).addi(gradient)) {
      v.muli(rates.momentum()).addi(change);
      try (INDArray ahead = v.mul(rates.momentum())) {
        p.subi(change.addi(ahead).muli(rates.learningRate()));
      }
    }
  }

  private static void updateInPlace(INDArray p, INDArray v, INDArray gradient, Rates rates) {
    INDArray plain = isPlain(gradient) ? gradient : gradient.dup('c');
    try {
      update(values(p), values(v), values(plain), rates);
    } finally {
      if (plain != gradient) {
        plain.close();
      }
    }
  }

  /** Each value depends on its own past alone, so blocks can be done in any order. */
  private static void update(FloatBuffer p, FloatBuffer v, FloatBuffer g, Rates rates) {
    int blocks = (p.limit() + BLOCK - 1) / BLOCK;
    int parts = Math.min(blocks, ComputingThreads.current());
    boolean alone = parts <= 1;
    IntStream all = IntStream.range(0, parts);
    (alone ? all : all.parallel())
        .forEach(
            part -> {
              int from = (int) ((long) blocks * part / parts) * BLOCK;
              int to = (int) Math.min((long) blocks * (part + 1) / parts * BLOCK, p.limit());
              update(p, v, g, from, to, rates);
            });
  }

  private static void update(
      FloatBuffer p, FloatBuffer v, FloatBuffer g, int from, int to, Rates rates) {
    float[] parameter = new float[BLOCK];
    float[] velocity = new float[BLOCK];
    float[] gradient = new float[BLOCK];
    for (int at = from; at < to; at += BLOCK) {
      int count = Math.min(BLOCK, to - at);
      p.get(at, parameter, 0, count);
      v.get(at, velocity, 0, count);
      g.get(at, gradient, 0, count);
      update(parameter, velocity, gradient, count, rates);
      p.put(at, parameter, 0, count);
      v.put(at, velocity, 0, count);
    }
  }

  private static void update(float[] p, float[] v, float[] g, int count, Rates rates) {
    float decay = rates.decay();
    float momentum = rates.momentum();
    float learningRate = rates.learningRate();
    for (int i = 0; i < count; i++) {
      float change = g[i] + decay * p[i];
      float next = momentum * v[i] + change;
      v[i] = next;
      p[i] -= learningRate * (change + momentum * next);
    }
  }

  /** The velocities by parameter name; live. */
  public Map<String, INDArray> velocities() {
    return Collections.unmodifiableMap(velocities);
  }

  /**
   * Continues from recorded velocities.
   *
   * @param recorded one per parameter, of its shape; copied
   * @throws IllegalArgumentException if one is missing or of another shape
   */
  public void restore(Map<String, INDArray> recorded) {
    parameters.forEach((name, parameter) -> check(name, parameter, recorded.get(name)));
    velocities.forEach((name, velocity) -> velocity.assign(recorded.get(name)));
  }

  /** Frees the velocities; the parameters live on. */
  @Override
  public void close() {
    velocities.values().forEach(INDArray::close);
    velocities.clear();
  }

  private static boolean isPlain(INDArray array) {
    return array.dataType() == DataType.FLOAT
        && Shape.hasDefaultStridesForShape(array)
        && array.ordering() == 'c';
  }

  /** The array's own memory. */
  private static FloatBuffer values(INDArray array) {
    return new FloatPointer(array.data().addressPointer()).capacity(array.length()).asBuffer();
  }

  private boolean decays(String name) {
    return weightDecay > 0 && !name.equals("bias") && !name.endsWith(".bias");
  }

  private static void check(String name, INDArray parameter, INDArray other) {
    if (other == null) {
      throw new IllegalArgumentException("No array for parameter " + name);
    }
    if (!Arrays.equals(parameter.shape(), other.shape())) {
      throw new IllegalArgumentException(
          Text.format(
              "Parameter %s has shape %s, the array for it %s",
              name, Arrays.toString(parameter.shape()), Arrays.toString(other.shape())));
    }
  }
}
