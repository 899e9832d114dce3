package org.ttame.core.engine;

import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A run that has gone forwards and waits for the values that its objective depends on. */
public interface PendingGradients extends AutoCloseable {
  /**
   * An output of the way forwards.
   *
   * @param name one of the outputs asked for
   * @return its value, owned by this run
   */
  INDArray output(String name);

  /**
   * Goes backwards. May be called once.
   *
   * @param late the values of the late placeholders
   * @return the gradients asked for, and the objective under its own name as an output
   */
  GraphResult finish(Map<String, INDArray> late);

  /**
   * As {@link #finish}, but hands out the runner's own memory where it can.
   *
   * @param late the values of the late placeholders
   * @return gradients and objective, not to be written to; dead as soon as the runner runs again or
   *     is closed
   */
  default GraphResult finishBorrowing(Map<String, INDArray> late) {
    return finish(late);
  }

  @Override
  void close();
}
