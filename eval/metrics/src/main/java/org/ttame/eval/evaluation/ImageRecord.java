package org.ttame.eval.evaluation;

import java.util.Objects;

/**
 * What was measured of one method on one image: the state of an evaluation, from which every
 * summary is computed.
 *
 * @param image the image's name
 * @param method the method's name
 * @param classIndex y, the class explained
 * @param confidence ψ, the softmax probability of y on the clean image
 * @param forwardPasses passes the explanation took
 * @param backwardPasses gradient passes the explanation took
 * @param values a value for each key of the evaluation; NaN where a metric does not apply
 */
@SuppressWarnings("ArrayRecordComponent") // read only, never compared
public record ImageRecord(
    String image,
    String method,
    int classIndex,
    double confidence,
    double forwardPasses,
    double backwardPasses,
    double[] values) {
  public ImageRecord {
    Objects.requireNonNull(image, "image");
    Objects.requireNonNull(method, "method");
  }
}
