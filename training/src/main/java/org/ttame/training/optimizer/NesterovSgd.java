package org.ttame.training.optimizer;

import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

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
 */
public final class NesterovSgd implements AutoCloseable {
  private final double weightDecay;
  private final Map<String, INDArray> parameters;
  private final Map<String, INDArray> velocities = new LinkedHashMap<>();
  private final Map<String, INDArray> scratch = new LinkedHashMap<>();

  /**
   * Prepares the optimiser with zero velocities.
   *
   * @param parameters name → live float32 array; they stay the caller's and must outlive this
   * @param weightDecay how strongly weights are drawn to zero; 0 for not at all
   */
  public NesterovSgd(Map<String, INDArray> parameters, double weightDecay) {
    if (!(weightDecay >= 0) || Double.isInfinite(weightDecay)) {
      throw new IllegalArgumentException("Weight decay cannot be negative, got " + weightDecay);
    }
    this.weightDecay = weightDecay;
    this.parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
    parameters.forEach(
        (name, parameter) -> {
          velocities.put(name, Nd4j.zeros(parameter.dataType(), parameter.shape()));
          scratch.put(name, Nd4j.createUninitialized(parameter.dataType(), parameter.shape()));
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
          INDArray change = scratch.get(name);
          INDArray velocity = velocities.get(name);
          if (decays(name)) {
            change.assign(parameter);
            change.muli(weightDecay);
            change.addi(gradients.get(name));
          } else {
            change.assign(gradients.get(name));
          }
          velocity.muli(momentum);
          velocity.addi(change);
          change.muli(-learningRate);
          parameter.addi(change);
          change.assign(velocity);
          change.muli(-learningRate * momentum);
          parameter.addi(change);
        });
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

  /** Frees velocities and scratch memory; the parameters live on. */
  @Override
  public void close() {
    velocities.values().forEach(INDArray::close);
    scratch.values().forEach(INDArray::close);
    velocities.clear();
    scratch.clear();
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
          "Parameter %s has shape %s, the array for it %s"
              .formatted(name, Arrays.toString(parameter.shape()), Arrays.toString(other.shape())));
    }
  }
}
