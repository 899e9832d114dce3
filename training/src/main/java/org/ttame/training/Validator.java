package org.ttame.training;

import java.io.IOException;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.masking.Masking;

/** Measures a mechanism on validation images, after each epoch. Must not change it. */
@FunctionalInterface
public interface Validator {
  /**
   * Measures.
   *
   * @param mechanism with the running statistics of the moment
   * @param masking the run's
   * @return AD(15), IC(15) and what else there is
   * @throws IOException if the validation images cannot be read
   */
  Validation validate(FrozenClassifier classifier, AttentionMechanism mechanism, Masking masking)
      throws IOException;

  /**
   * What tells its images from others, so that epochs of a run are not compared on several sets.
   *
   * @return a sum, e.g. over the images' names; empty if there is none
   */
  default String fingerprint() {
    return "";
  }
}
