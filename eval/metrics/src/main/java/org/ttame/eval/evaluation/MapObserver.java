package org.ttame.eval.evaluation;

import java.io.IOException;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.metric.ImageBatch;

/** Looks on while an evaluation makes its maps: called for each batch, method by method. */
@FunctionalInterface
public interface MapObserver {
  /** Looks away. */
  MapObserver NONE = (batch, method, maps) -> {};

  /**
   * A method has explained a batch; its records reach the evaluation's sink only after this.
   *
   * @param batch the B images
   * @param maps B maps, for the class the classifier answers
   * @throws IOException if what was seen cannot be kept; ends the evaluation
   */
  void explained(ImageBatch batch, String method, SaliencyMaps maps) throws IOException;
}
