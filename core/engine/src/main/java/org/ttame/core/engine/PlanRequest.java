package org.ttame.core.engine;

import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What a plan is made for. Two runs with equal requests use the same plan.
 *
 * @param inputs shape and type of each placeholder given at the start
 * @param late names of placeholders given later
 * @param objective the scalar to differentiate, or null for a forward run
 * @param outputs variables to return at the end of the forward run
 * @param wrt variables to differentiate by
 */
record PlanRequest(
    Map<String, Signature> inputs,
    Set<String> late,
    String objective,
    Set<String> outputs,
    Set<String> wrt) {

  /** Shape and type of an input. */
  record Signature(DataType type, String shape) {
    static Signature of(INDArray array) {
      return new Signature(array.dataType(), Arrays.toString(array.shape()));
    }
  }

  static PlanRequest of(
      Map<String, INDArray> inputs,
      Set<String> late,
      String objective,
      Collection<String> outputs,
      Collection<String> wrt) {
    Map<String, Signature> signatures = new TreeMap<>();
    inputs.forEach((name, array) -> signatures.put(name, Signature.of(array)));
    return new PlanRequest(
        signatures,
        new LinkedHashSet<>(late),
        objective,
        new LinkedHashSet<>(outputs),
        new LinkedHashSet<>(wrt));
  }

  boolean hasGradients() {
    return objective != null;
  }
}
