package org.ttame.services;

import java.io.IOException;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.eval.output.ExplanationWriter;

/** Takes what methods say of images, batch by batch. */
public interface MapSink {
  /**
   * A method has explained a class of each image of a batch.
   *
   * @param explained what it said
   * @param probabilities of all classes, a row an image
   */
  void take(ImageBatch images, ExplanationWriter.Explained explained, double[][] probabilities)
      throws IOException;

  /** Every method has said all it has to say of a batch. */
  void endBatch() throws IOException;
}
