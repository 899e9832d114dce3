package org.ttame.eval.bench;

import java.util.Locale;

/** What can be measured, always on a whole batch. */
public enum Work {
  /** A pass through the classifier: logits. */
  FORWARD,

  /** A pass, and the predicted class's map: attention, min-max, upsampling to the image. */
  EXPLAIN,

  /** A pass forwards and backwards: the cross-entropy's gradient at the images. */
  GRADIENT,

  /**
   * A training step: the clean pass, attention, the masked pass and its way back, the way back
   * through attention, the update.
   */
  STEP;

  /** Its name on the command line and in records. */
  public String optionName() {
    return name().toLowerCase(Locale.ROOT);
  }
}
