package org.ttame.core.engine;

import java.util.HashMap;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;

/** What a run of a graph returned. Owns its arrays until they are detached. */
public final class GraphResult implements AutoCloseable {
  private final Map<String, INDArray> outputs;
  private final Map<String, INDArray> gradients;
  private final boolean owner;
  private final ThreadGuard.Loan loan;

  /**
   * Takes ownership of arrays.
   *
   * @param outputs by variable name
   * @param gradients by the name of the variable that the objective was differentiated by
   */
  public GraphResult(Map<String, INDArray> outputs, Map<String, INDArray> gradients) {
    this(outputs, gradients, null);
  }

  private GraphResult(
      Map<String, INDArray> outputs, Map<String, INDArray> gradients, ThreadGuard.Loan loan) {
    this.owner = loan == null;
    this.loan = loan;
    this.outputs = new HashMap<>(outputs);
    this.gradients = new HashMap<>(gradients);
  }

  /**
   * Arrays that are and stay somebody else's; they cannot be detached.
   *
   * @param loan closed with the result
   */
  static GraphResult borrowed(
      Map<String, INDArray> outputs, Map<String, INDArray> gradients, ThreadGuard.Loan loan) {
    return new GraphResult(outputs, gradients, loan);
  }

  /**
   * The value of a variable.
   *
   * @param name the variable
   * @return its value; closed with this result
   * @throws IllegalArgumentException if it was not asked for, or has been detached
   */
  public INDArray output(String name) {
    return find(outputs, name, "output");
  }

  /**
   * The gradient of the objective with respect to a variable.
   *
   * @param name the variable
   * @return its gradient, of the variable's shape; closed with this result
   * @throws IllegalArgumentException if it was not asked for, or has been detached
   */
  public INDArray gradient(String name) {
    return find(gradients, name, "gradient");
  }

  /** As {@link #output}; from now on the caller closes the array. */
  public INDArray detachOutput(String name) {
    requireOwner(name);
    INDArray array = output(name);
    outputs.remove(name);
    return array;
  }

  /** As {@link #gradient}; from now on the caller closes the array. */
  public INDArray detachGradient(String name) {
    requireOwner(name);
    INDArray array = gradient(name);
    gradients.remove(name);
    return array;
  }

  private void requireOwner(String name) {
    if (!owner) {
      throw new IllegalStateException("\"" + name + "\" is borrowed; copy it");
    }
  }

  @Override
  public void close() {
    if (owner) {
      outputs.values().forEach(GraphResult::release);
      gradients.values().forEach(GraphResult::release);
    } else {
      loan.end();
    }
    outputs.clear();
    gradients.clear();
  }

  static void release(INDArray array) {
    if (array != null && array.closeable()) {
      array.close();
    }
  }

  static void releaseConstants(SameDiff graph) {
    for (SDVariable variable : graph.variables()) {
      if (variable.isConstant()) {
        release(variable.getArr());
      }
    }
  }

  private static INDArray find(Map<String, INDArray> arrays, String name, String kind) {
    INDArray array = arrays.get(name);
    if (array == null) {
      throw new IllegalArgumentException(
          Text.format(
              "The %s of \"%s\" was not asked for; this result has %s",
              kind, name, arrays.keySet()));
    }
    return array;
  }
}
